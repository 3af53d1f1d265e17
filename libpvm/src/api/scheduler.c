/*
 * scheduler.c: calls that a resource manager decides. It is sent what PVM's library sends
 * (SM_SPAWN, SM_CONFIG ...), and answers with a message of the same tag. When it ends, whoever
 * waits for it asks the daemon instead.
 */
#include <stdlib.h>
#include <string.h>

#include "officers.h"

#define TEXT_LIMIT (1 << 20)

/* ------------------------------------------------------------------ question and answer */

static int gone(int mid)
{
	(void)mid;
	pvmi_enrolled.scheduler = 0;
	pvmschedtid = 0;
	return 0;
}

/* We must not wait for one that has ended. Once a task: there is one resource manager for it. */
static int watch(void)
{
	struct pvmi_numbers list = { (const int32_t *)&pvmi_enrolled.scheduler, 1 };
	mpvm_task_Notify body = { .kind = PvmTaskExit, .tag = PVMI_TC_TASKEXIT, .context = PVMI_SYSTEM_CONTEXT };

	if (pvmi_enrolled.scheduler_watched)
		return PvmOk;
	pvmi_enrolled.scheduler_watched = true;
	body.tids = (pb_callback_t){ .funcs.encode = pvmi_encode_tids, .arg = &list };
	pvmi_handler_add(0, -1, PVMI_TC_TASKEXIT, PVMI_SYSTEM_CONTEXT, gone);
	return pvmi_link_request(mpvm_task_ToDaemon_notify_tag, mpvm_task_Notify_fields, &body, PVMI_REPEAT, NULL);
}

static struct pvmi_message *new_request(void)
{
	struct pvmi_message *message = pvmi_message_new();

	if (message)
		message->encoding = PVMI_ENC_XDR;
	return message;
}

static int send_to_scheduler(struct pvmi_message *request, int tag)
{
	static int last_wait;

	request->tag = tag;
	request->context = PvmBaseContext;
	request->wait_id = ++last_wait;
	request->source = pvmi->tid;
	request->destination = pvmi_enrolled.scheduler;
	return pvmi_plane_send(pvmi_enrolled.scheduler, request);
}

/* Takes over request. The answer, with a reference for the caller; NULL: there is nobody to give one. */
static struct pvmi_message *ask(struct pvmi_message *request, int tag)
{
	uint32_t scheduler = pvmi_enrolled.scheduler;
	struct pvmi_message *answer = NULL;
	int error = request ? watch() : PvmNoMem;

	if (!error && pvmi_enrolled.scheduler)
		error = send_to_scheduler(request, tag);
	pvmi_message_unref(request);
	pvmi_plane_poll();
	while (!error && pvmi_enrolled.scheduler && !pvmi_link_gone()) {
		pvmi_handlers_run();
		answer = pvmi_queue_take_from(scheduler, tag, PvmBaseContext);
		if (answer)
			break;
		pvmi_plane_wait(INT64_MAX);
	}
	if (answer) {
		pvmi_body_rewind(answer);
		return answer;
	}
	return NULL;
}

static int read_int(struct pvmi_message *message)
{
	int value = PvmBadMsg;

	pvmi_unpack(message, &value, 1, 1, PVM_INT);
	return value;
}

char *pvmi_unpack_text(struct pvmi_message *message)
{
	int length = read_int(message);
	char *text = length >= 0 && length <= TEXT_LIMIT ? calloc(1, (size_t)length + 1) : NULL;

	if (text && pvmi_unpack(message, text, length, 1, PVM_BYTE)) {
		free(text);
		return NULL;
	}
	return text;
}

static void pack_strings(struct pvmi_message *message, const struct pvmi_strings *list)
{
	size_t i;

	pvmi_pack_int(message, (int)list->count);
	for (i = 0; i < list->count; i++)
		pvmi_pack_string(message, list->strings[i]);
}

static void pack_setting(struct pvmi_message *message, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) >= 0) {
		pvmi_pack_string(message, text);
		free(text);
	}
	va_end(arguments);
}

/* ------------------------------------------------------------------ the calls */

/* Those that were started one by one by the resource manager do not know each other. */
static void introduce(const int *tids, int count)
{
	struct pvmi_message *body = new_request(), *copy;
	int i;

	if (!body)
		return;
	pvmi_pack_int(body, count);
	pvmi_pack(body, tids, count, 1, PVM_INT);
	for (i = 0; i < count; i++) {
		copy = pvmi_message_snapshot(body);
		if (!copy)
			break;
		copy->tag = PVMI_TC_SIBLINGS;
		copy->context = PVMI_SYSTEM_CONTEXT;
		copy->source = pvmi->tid;
		copy->destination = (uint32_t)tids[i];
		pvmi_plane_send((uint32_t)tids[i], copy);
		pvmi_message_unref(copy);
	}
	pvmi_message_unref(body);
}

/* Started tasks first, then codes. */
static int sort_out(struct pvmi_message *answer, int count, int *tids)
{
	int *list = calloc((size_t)count, sizeof(int)), i, value, started = 0, failed = count;

	if (!list)
		return PvmNoMem;
	for (i = 0; i < count; i++) {
		value = read_int(answer);
		list[value > 0 ? started++ : --failed] = value;
	}
	if (started)
		introduce(list, started);
	if (tids)
		memcpy(tids, list, (size_t)count * sizeof(int));
	free(list);
	return started;
}

bool pvmi_scheduled_spawn(const mpvm_task_Spawn *body, const char *program, const struct pvmi_strings *arguments,
			  const char *where, const struct pvmi_strings *environment, int *tids, int *result)
{
	const mpvm_task_Inherited *to = &body->inherited;
	int sinks[6] = { (int)to->output_tid, (int)to->output_context, to->output_tag,
			 (int)to->trace_tid, (int)to->trace_context, to->trace_tag };
	struct pvmi_message *request, *answer;
	size_t i;

	if (!pvmi_enrolled.scheduler)
		return false;
	request = new_request();
	if (request) {
		pvmi_pack_string(request, program);
		pvmi_pack_int(request, (int)body->flags);
		pvmi_pack_string(request, where ? where : "");
		pvmi_pack_int(request, (int)body->count);
		pack_strings(request, arguments);
		pvmi_pack(request, sinks, 6, 1, PVM_INT);
		pvmi_pack_int(request, (int)environment->count + 4);
		pack_setting(request, "PVMTMASK=%s", to->trace_mask);
		pack_setting(request, "PVMTRCBUF=%d", to->trace_buffer);
		pack_setting(request, "PVMTRCOPT=%d", to->trace_options);
		pack_setting(request, "PVMCTX=0x%x", body->context);
		for (i = 0; i < environment->count; i++)
			pvmi_pack_string(request, environment->strings[i]);
	}
	answer = ask(request, PVMI_SM_SPAWN);
	if (!answer)
		return false;
	*result = read_int(answer);
	if (*result == (int)body->count)
		*result = sort_out(answer, *result, tids);
	pvmi_message_unref(answer);
	return true;
}

bool pvmi_scheduled_tasks(int where, struct pvmtaskinfo **tasks, int *count, int *result)
{
	struct pvmi_message *request, *answer;
	struct pvmtaskinfo *list = NULL, *grown, one = { .ti_tid = 0 };
	int limit = 0;

	if (!pvmi_enrolled.scheduler)
		return false;
	request = new_request();
	if (request)
		pvmi_pack_int(request, where);
	answer = ask(request, PVMI_SM_TASK);
	if (!answer)
		return false;
	*count = 0;
	*result = read_int(answer);
	while (*result >= 0 && !pvmi_unpack(answer, &one.ti_tid, 1, 1, PVM_INT)) {
		one.ti_ptid = read_int(answer);
		one.ti_host = read_int(answer);
		one.ti_flag = read_int(answer);
		one.ti_a_out = pvmi_unpack_text(answer);
		one.ti_pid = read_int(answer);
		if (*count == limit) {
			limit = limit ? 2 * limit : 16;
			grown = realloc(list, (size_t)limit * sizeof(*list));
			if (!grown)
				break;
			list = grown;
		}
		if (!one.ti_a_out)
			one.ti_a_out = strdup("");
		list[(*count)++] = one;
	}
	*tasks = list;
	pvmi_message_unref(answer);
	return true;
}

static bool read_host(struct pvmi_message *answer, struct pvmhostinfo *host)
{
	host->hi_tid = read_int(answer);
	host->hi_name = pvmi_unpack_text(answer);
	host->hi_arch = pvmi_unpack_text(answer);
	host->hi_speed = read_int(answer);
	return host->hi_name && host->hi_arch;
}

bool pvmi_scheduled_hosts(struct pvmhostinfo **hosts, int *count, int *architectures, int *result)
{
	struct pvmi_message *answer;
	int i, wanted;

	if (!pvmi_enrolled.scheduler)
		return false;
	answer = ask(new_request(), PVMI_SM_CONFIG);
	if (!answer)
		return false;
	wanted = read_int(answer);
	*architectures = read_int(answer);
	*count = 0;
	*hosts = wanted > 0 && wanted < 4096 ? calloc((size_t)wanted, sizeof(**hosts)) : NULL;
	for (i = 0; *hosts && i < wanted && read_host(answer, &(*hosts)[i]); i++) {
		(*hosts)[i].hi_dsig = read_int(answer);
		(*count)++;
	}
	*result = *count == wanted ? PvmOk : PvmBadMsg;
	pvmi_message_unref(answer);
	return true;
}

bool pvmi_scheduled_change(int tag, char *const *names, int count, int *codes, int *result)
{
	struct pvmi_strings list = { names, (size_t)count };
	struct pvmi_message *request, *answer;
	struct pvmhostinfo host;
	int i, done = 0;

	if (!pvmi_enrolled.scheduler)
		return false;
	request = new_request();
	if (request)
		pack_strings(request, &list);
	answer = ask(request, tag);
	if (!answer)
		return false;
	*result = read_int(answer);
	if (*result == count) {
		if (tag == PVMI_SM_ADDHOST)
			read_int(answer);               /* how many architectures there are */
		for (i = 0; i < count; i++) {
			codes[i] = PvmBadMsg;
			if (tag == PVMI_SM_DELHOST) {
				codes[i] = read_int(answer);
			} else if (read_host(answer, &host)) {
				read_int(answer);
				codes[i] = host.hi_tid;
				free(host.hi_name);
				free(host.hi_arch);
			}
			done += codes[i] >= 0;
		}
		*result = done;
	} else if (*result >= 0) {
		*result = PvmOutOfRes;
	}
	pvmi_message_unref(answer);
	return true;
}

/* It answers nothing; the notices come as its messages. */
bool pvmi_scheduled_notify(int kind, int tag, int count, const int *tids, int *result)
{
	struct pvmi_message *request;

	if (!pvmi_enrolled.scheduler || watch())
		return false;
	request = new_request();
	if (!request)
		return false;
	pvmi_pack_int(request, kind);
	pvmi_pack_int(request, (int)pvmi->current_context);
	pvmi_pack_int(request, tag);
	pvmi_pack_int(request, count);
	if (tids && count > 0)
		pvmi_pack(request, tids, count, 1, PVM_INT);
	*result = send_to_scheduler(request, PVMI_SM_NOTIFY);
	pvmi_message_unref(request);
	return true;
}

bool pvmi_scheduled_register(struct pvmhostinfo *host, int *result)
{
	struct pvmi_message *answer;

	if (!pvmi_enrolled.scheduler)
		return false;
	answer = ask(new_request(), PVMI_SM_SCHED);
	if (!answer)
		return false;
	*result = read_int(answer);
	if (*result >= 0 && !read_host(answer, host))
		*result = PvmBadMsg;
	pvmi_message_unref(answer);
	return true;
}
