/*
 * officers.c: tasks that register for an office: pvm_reg_rm, pvm_reg_hoster, pvm_reg_tasker,
 * pvm_reg_tracer. The daemon keeps who holds it; beside that each leaves word in the mailbox, where
 * PVM's programs look. A second call gives the office back, but for the resource manager's.
 */
#include <stdlib.h>
#include <string.h>

#include "officers.h"

static const char *const classes[] = {
	[mpvm_task_Office_RM] = PVMRMCLASS,
	[mpvm_task_Office_HOSTER] = PVMHOSTERCLASS,
	[mpvm_task_Office_TASKER] = PVMTASKERCLASS,
	[mpvm_task_Office_TRACER] = PVMTRACERCLASS,
};

static int ask(mpvm_task_Office office, bool on, const mpvm_task_Inherited *tracer, struct pvmi_answer *answer)
{
	mpvm_task_Register body = { .office = office, .on = on };

	if (tracer) {
		body.has_tracer = true;
		body.tracer = *tracer;
	}
	return pvmi_link_request(mpvm_task_ToDaemon_register_office_tag, mpvm_task_Register_fields, &body, PVMI_REPEAT, answer);
}

static void withdraw_word(mpvm_task_Office office)
{
	const struct pvmi_office *word = &pvmi->options->offices[office];

	if (word->held && word->index >= 0)
		pvmi_mailbox_delete(classes[office], word->index);
}

static void leave_word(mpvm_task_Office office, const mpvm_task_Inherited *tracer)
{
	struct pvmi_message *message = pvmi_message_new();
	struct pvmi_office *word = &pvmi->options->offices[office];
	int numbers[4], more[2];

	word->held = true;
	word->index = -1;
	if (!message)
		return;
	message->encoding = PVMI_ENC_XDR;
	pvmi_pack_int(message, (int)pvmi->tid);
	if (tracer) {
		numbers[0] = (int)tracer->trace_context;
		numbers[1] = tracer->trace_tag;
		numbers[2] = (int)tracer->output_context;
		numbers[3] = tracer->output_tag;
		pvmi_pack(message, numbers, 4, 1, PVM_INT);
		pvmi_pack_string(message, tracer->trace_mask);
		more[0] = tracer->trace_buffer;
		more[1] = tracer->trace_options;
		pvmi_pack(message, more, 2, 1, PVM_INT);
	}
	word->index = pvmi_mailbox_put(classes[office], message, tracer ? PvmMboxDefault : PvmMboxMultiInstance);
	pvmi_message_unref(message);
}

/* Takes the office, or gives it back. */
static int turn(mpvm_task_Office office, const mpvm_task_Inherited *tracer)
{
	bool *holds = &pvmi->options->offices[office].held;
	int result = ask(office, !*holds, tracer, NULL);

	if (result < 0)
		return result;
	if (*holds) {
		withdraw_word(office);
		*holds = false;
	} else {
		leave_word(office, tracer);
	}
	return PvmOk;
}

int pvm_reg_hoster(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_REG_HOSTER);
	if (!result)
		result = turn(mpvm_task_Office_HOSTER, NULL);
	pvmi_tev_exit(TEV_REG_HOSTER, result);
	return pvmi_end("pvm_reg_hoster", result);
}

int pvm_reg_tasker(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_REG_TASKER);
	if (!result)
		result = turn(mpvm_task_Office_TASKER, NULL);
	pvmi_tev_exit(TEV_REG_TASKER, result);
	return pvmi_end("pvm_reg_tasker", result);
}

int pvm_reg_tracer(int tctx, int ttag, int octx, int otag, char *mask, int tbuf, int topt)
{
	mpvm_task_Inherited tracer = mpvm_task_Inherited_init_zero;
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_REG_TRACER, tctx, ttag, octx, otag, mask, tbuf, topt);
	if (!result && (!mask || strlen(mask) >= sizeof(tracer.trace_mask)))
		result = PvmBadParam;
	if (!result) {
		tracer.trace_context = (uint32_t)tctx;
		tracer.trace_tag = ttag;
		tracer.output_context = (uint32_t)octx;
		tracer.output_tag = otag;
		strcpy(tracer.trace_mask, mask);
		tracer.trace_buffer = tbuf;
		tracer.trace_options = topt;
		result = turn(mpvm_task_Office_TRACER, &tracer);
	}
	pvmi_tev_exit(TEV_REG_TRACER, result);
	return pvmi_end("pvm_reg_tracer", result);
}

/* ------------------------------------------------------------------ pvm_reg_rm */

static int register_with_daemon(struct pvmhostinfo *host)
{
	mpvm_task_Registered body = mpvm_task_Registered_init_zero;
	struct pvmi_answer answer;
	int result = ask(mpvm_task_Office_RM, true, NULL, &answer);

	body.host.name = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &host->hi_name };
	body.host.architecture = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &host->hi_arch };
	if (result >= 0 &&
	    !pvmi_answer_decode(&answer, mpvm_task_ToTask_registered_tag, mpvm_task_Registered_fields, &body))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	if (result < 0)
		return result;
	host->hi_tid = (int)body.host.tid;
	host->hi_speed = (int)body.host.speed;
	host->hi_dsig = (int)body.host.data_signature;
	return (int)body.previous;
}

/* Like PVM's it returns the resource manager that was there, or 0. */
static int register_manager(struct pvmhostinfo **info)
{
	static struct pvmhostinfo first;        /* until the next call, as under PVM */
	struct pvmhostinfo host = { .hi_tid = 0 };
	int result;

	if (!pvmi_scheduled_register(&host, &result))
		result = register_with_daemon(&host);
	if (result < 0) {
		free(host.hi_name);
		free(host.hi_arch);
		return result;
	}
	free(first.hi_name);
	free(first.hi_arch);
	first = host;
	if (!first.hi_name)
		first.hi_name = strdup("");
	if (!first.hi_arch)
		first.hi_arch = strdup("");
	if (info)
		*info = &first;
	withdraw_word(mpvm_task_Office_RM);
	leave_word(mpvm_task_Office_RM, NULL);
	return result;
}

int pvm_reg_rm(struct pvmhostinfo **info)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_REG_RM);
	if (!result)
		result = register_manager(info);
	pvmi_tev_exit(TEV_REG_RM, result);
	return pvmi_end("pvm_reg_rm", result);
}

/* ------------------------------------------------------------------ messages of the library */

static int siblings_told(int mid)
{
	struct pvmi_message *message = pvmi_mid_message(mid);
	uint32_t *tids;
	int count;

	if (!message || pvmi_unpack(message, &count, 1, 1, PVM_INT) || count < 1 || count > PVMI_TID_LOCAL)
		return 0;
	tids = pvmi_alloc((size_t)count * sizeof(*tids));
	if (!tids)
		return 0;
	if (pvmi_unpack(message, tids, count, 1, PVM_INT)) {
		pvmi_free(tids);
		return 0;
	}
	pvmi_free(pvmi_enrolled.siblings);
	pvmi_enrolled.siblings = tids;
	pvmi_enrolled.sibling_count = (size_t)count;
	return 0;
}

void pvmi_officers_enrolled(void)
{
	static const int told[] = { PVMI_TC_SETTRACE, PVMI_TC_SETTMASK, PVMI_TC_SETTRCBUF, PVMI_TC_SETTRCOPT };
	unsigned int i;

	pvmschedtid = (int)pvmi_enrolled.scheduler;
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		pvmi_handler_add(0, -1, told[i], PVMI_SYSTEM_CONTEXT, pvmi_trace_told);
	if (pvmi_enrolled.siblings_follow)
		pvmi_handler_add(0, -1, PVMI_TC_SIBLINGS, PVMI_SYSTEM_CONTEXT, siblings_told);
}

void pvmi_siblings_await(void)
{
	pvmi_plane_poll();
	pvmi_handlers_run();
	while (pvmi_enrolled.siblings_follow && !pvmi_enrolled.sibling_count && !pvmi_link_gone()) {
		pvmi_plane_wait(INT64_MAX);
		pvmi_handlers_run();
	}
}

void pvmi_officers_left(void)
{
	memset(pvmi->options->offices, 0, sizeof(pvmi->options->offices));
	pvmi->options->no_reset_word = 0;
}
