/*
 * hosts.c: the machines of the virtual machine.
 */
#include <stdlib.h>
#include <string.h>

#include "../sys/sys.h"
#include "officers.h"

struct host_list {
	struct pvmhostinfo *hosts;
	int count, limit;
};

static bool read_host(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct host_list *list = *argument;
	mpvm_task_HostInfo info = mpvm_task_HostInfo_init_zero;
	struct pvmhostinfo *grown;
	char *name = NULL, *architecture = NULL;

	(void)field;
	info.name = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &name };
	info.architecture = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &architecture };
	if (!pb_decode(stream, mpvm_task_HostInfo_fields, &info))
		goto fail;
	if (list->count == list->limit) {
		list->limit = list->limit ? 2 * list->limit : 16;
		grown = realloc(list->hosts, (size_t)list->limit * sizeof(*grown));
		if (!grown)
			goto fail;
		list->hosts = grown;
	}
	list->hosts[list->count++] = (struct pvmhostinfo){
		.hi_tid = (int)info.tid,
		.hi_name = name ? name : strdup(""),
		.hi_arch = architecture ? architecture : strdup(""),
		.hi_speed = (int)info.speed,
		.hi_dsig = (int)info.data_signature,
	};
	return true;
fail:
	free(name);
	free(architecture);
	return false;
}

static void free_hosts(struct host_list *list)
{
	int i;

	for (i = 0; i < list->count; i++) {
		free(list->hosts[i].hi_name);
		free(list->hosts[i].hi_arch);
	}
	free(list->hosts);
	*list = (struct host_list){ NULL, 0, 0 };
}

static int list_hosts(struct host_list *list, int *architectures)
{
	mpvm_task_ListHosts body = mpvm_task_ListHosts_init_zero;
	mpvm_task_HostList hosts = mpvm_task_HostList_init_zero;
	struct pvmi_answer answer;
	int result;

	if (pvmi_scheduled_hosts(&list->hosts, &list->count, architectures, &result))
		return result;
	result = pvmi_link_request(mpvm_task_ToDaemon_list_hosts_tag, mpvm_task_ListHosts_fields, &body, PVMI_REPEAT,
				   &answer);
	hosts.hosts = (pb_callback_t){ .funcs.decode = read_host, .arg = list };
	if (result >= 0 &&
	    !pvmi_answer_decode(&answer, mpvm_task_ToTask_host_list_tag, mpvm_task_HostList_fields, &hosts))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	*architectures = (int)hosts.architectures;
	return result < 0 ? result : PvmOk;
}

int pvm_config(int *hosts, int *architectures, struct pvmhostinfo **info)
{
	static struct host_list list;   /* until the next call, as under PVM */
	int kinds = 0, result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_CONFIG);
	if (!result) {
		free_hosts(&list);
		result = list_hosts(&list, &kinds);
	}
	if (!result) {
		if (hosts)
			*hosts = list.count;
		if (architectures)
			*architectures = kinds;
		if (info)
			*info = list.hosts;
	}
	pvmi_tev_exit(TEV_CONFIG, list.count, kinds, result);
	return pvmi_end("pvm_config", result);
}

static int mstat(const char *host)
{
	mpvm_task_HostStatus body = mpvm_task_HostStatus_init_zero;

	if (!host || !*host)
		return PvmBadParam;
	body.name = PVMI_SEND_STRING(host);
	return pvmi_link_request(mpvm_task_ToDaemon_host_status_tag, mpvm_task_HostStatus_fields, &body, PVMI_REPEAT,
				 NULL);
}

int pvm_mstat(char *host)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_MSTAT, host);
	if (!result)
		result = mstat(host);
	pvmi_tev_exit(TEV_MSTAT, result);
	if (result == PvmNoHost || result == PvmHostFail)
		return pvmi_end_quietly(result);
	return pvmi_end("pvm_mstat", result);
}

static int archcode(const char *architecture)
{
	struct host_list list = { NULL, 0, 0 };
	int i, kinds, result;

	if (!architecture)
		return PvmBadParam;
	result = list_hosts(&list, &kinds);
	if (!result) {
		result = PvmNotFound;
		for (i = 0; i < list.count; i++)
			if (!strcmp(list.hosts[i].hi_arch, architecture))
				result = list.hosts[i].hi_dsig;
	}
	free_hosts(&list);
	return result;
}

int pvm_archcode(char *arch)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_ARCHCODE, arch);
	if (!result)
		result = archcode(arch);
	pvmi_tev_exit(TEV_ARCHCODE, result);
	return pvmi_end("pvm_archcode", result);
}

/* ------------------------------------------------------------------ pvm_hostsync */

static struct timeval as_timeval(int64_t microseconds)
{
	struct timeval value = { microseconds / 1000000, microseconds % 1000000 };

	if (value.tv_usec < 0) {
		value.tv_usec += 1000000;
		value.tv_sec--;
	}
	return value;
}

static int64_t wall_us(void)
{
	return sys_clock_ns(CLOCK_REALTIME) / 1000;
}

/* The remote clock is taken to have been read half way between question and answer. */
static int hostsync(int host, struct timeval *remote_clock, struct timeval *delta)
{
	mpvm_task_HostTime body = { .host = (uint32_t)host };
	mpvm_task_HostTimeReply reply = mpvm_task_HostTimeReply_init_zero;
	struct pvmi_answer answer;
	int64_t before, after;
	int result;

	before = wall_us();
	result = pvmi_link_request(mpvm_task_ToDaemon_host_time_tag, mpvm_task_HostTime_fields, &body, PVMI_REPEAT,
				   &answer);
	after = wall_us();
	if (result >= 0 &&
	    !pvmi_answer_decode(&answer, mpvm_task_ToTask_host_time_tag, mpvm_task_HostTimeReply_fields, &reply))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	if (result < 0)
		return result;
	if (remote_clock)
		*remote_clock = as_timeval(reply.microseconds);
	if (delta)
		*delta = as_timeval((before + after) / 2 - reply.microseconds);
	return PvmOk;
}

int pvm_hostsync(int host, struct timeval *remote_clock, struct timeval *delta)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result)
		result = hostsync(host, remote_clock, delta);
	return pvmi_end("pvm_hostsync", result);
}

/* ------------------------------------------------------------------ changing the virtual machine */

static int change_hosts(uint32_t tag, char **hosts, int count, int *results)
{
	struct pvmi_strings names = { hosts, (size_t)count };
	mpvm_task_AddHosts body = mpvm_task_AddHosts_init_zero;         /* DelHosts is the same */
	mpvm_task_Tids tids = mpvm_task_Tids_init_zero;
	struct pvmi_tid_list list = { NULL, 0, 0 };
	struct pvmi_answer answer;
	int i, result, done = 0, office_tag = tag == mpvm_task_ToDaemon_add_hosts_tag ? PVMI_SM_ADDHOST : PVMI_SM_DELHOST;
	int *codes;

	if (count < 1 || !hosts)
		return PvmBadParam;
	codes = results ? results : malloc((size_t)count * sizeof(int));
	if (codes && pvmi_scheduled_change(office_tag, hosts, count, codes, &result)) {
		if (codes != results)
			free(codes);
		return result;
	}
	if (codes != results)
		free(codes);
	body.names = (pb_callback_t){ .funcs.encode = pvmi_encode_strings, .arg = &names };
	result = pvmi_link_request(tag, mpvm_task_AddHosts_fields, &body, PVMI_ONCE, &answer);
	tids.tids = (pb_callback_t){ .funcs.decode = pvmi_read_signed, .arg = &list };
	pvmi_answer_decode(&answer, mpvm_task_ToTask_tids_tag, mpvm_task_Tids_fields, &tids);
	pvmi_answer_free(&answer);
	for (i = 0; i < count; i++) {
		int code = i < list.count ? list.tids[i] : result < 0 ? result : PvmSysErr;

		done += code >= 0;
		if (results)
			results[i] = code;
	}
	free(list.tids);
	return result < 0 ? result : done;
}

int pvm_addhosts(char **hosts, int count, int *results)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_ADDHOSTS, hosts, count);
	if (!result)
		result = change_hosts(mpvm_task_ToDaemon_add_hosts_tag, hosts, count, results);
	pvmi_tev_exit(TEV_ADDHOSTS, result);
	return pvmi_end("pvm_addhosts", result);
}

int pvm_delhosts(char **hosts, int count, int *results)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_DELHOSTS, hosts, count);
	if (!result)
		result = change_hosts(mpvm_task_ToDaemon_del_hosts_tag, hosts, count, results);
	pvmi_tev_exit(TEV_DELHOSTS, result);
	return pvmi_end("pvm_delhosts", result);
}

int pvm_halt(void)
{
	static const mpvm_task_Halt body = mpvm_task_Halt_init_zero;
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_HALT);
	if (!result)
		result = pvmi_link_request(mpvm_task_ToDaemon_halt_tag, mpvm_task_Halt_fields, &body, PVMI_ONCE, NULL);
	pvmi_tev_exit(TEV_HALT, result);
	return pvmi_end("pvm_halt", result);
}
