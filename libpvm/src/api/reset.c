/*
 * reset.c: bringing a virtual machine back to order: tasks that want to be spared (PvmNoReset),
 * pvmreset as the console calls it, and pvm_tickle.
 */
#include <stdlib.h>

#include "api.h"

/* pvm_setopt(PvmNoReset): said in the mailbox, where whoever resets looks. */
int pvmi_no_reset(bool on)
{
	int *word = &pvmi->options->no_reset_word, result;
	struct pvmi_message *message;

	if (!on) {
		result = *word ? pvmi_mailbox_delete(PVMNORESETCLASS, *word - 1) : PvmOk;
		*word = 0;
		return result < 0 ? result : PvmOk;
	}
	if (*word)
		return PvmOk;
	message = pvmi_message_new();
	if (!message)
		return PvmNoMem;
	message->encoding = PVMI_ENC_XDR;
	pvmi_pack_int(message, (int)pvmi->tid);
	result = pvmi_mailbox_put(PVMNORESETCLASS, message, PvmMboxMultiInstance);
	pvmi_message_unref(message);
	*word = result < 0 ? 0 : result + 1;
	return result < 0 ? result : PvmOk;
}

static int read_no_resets(struct pvmi_tid_list *list)
{
	struct pvmi_message *message;
	int index = 0, tid, *grown;

	list->count = 0;
	while ((index = pvmi_mailbox_get(PVMNORESETCLASS, index, PvmMboxFirstAvail, &message)) >= 0) {
		if (list->count == list->limit) {
			list->limit = list->limit ? 2 * list->limit : 16;
			grown = realloc(list->tids, (size_t)list->limit * sizeof(int));
			if (!grown) {
				pvmi_message_unref(message);
				return PvmNoMem;
			}
			list->tids = grown;
		}
		if (!pvmi_unpack(message, &tid, 1, 1, PVM_INT))
			list->tids[list->count++] = tid;
		pvmi_message_unref(message);
		index++;
	}
	return index == PvmNotFound ? PvmOk : index;
}

int pvm_getnoresets(int **tids, int *count)
{
	static struct pvmi_tid_list list;       /* until the next call, as under PVM */
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result)
		result = read_no_resets(&list);
	if (!result) {
		if (tids)
			*tids = list.tids;
		if (count)
			*count = list.count;
	}
	return pvmi_end("pvm_getnoresets", result);
}

static bool among(int tid, const int *tids, int count)
{
	while (count--)
		if (tids[count] == tid)
			return true;
	return false;
}

static int reset_mailbox(const char *name, int index, bool all, const int *keep, int count)
{
	struct pvmi_numbers list = { keep, (size_t)count };
	mpvm_task_MailboxReset body = { .index = index, .all = all };

	body.name = PVMI_SEND_STRING(name ? name : "");
	body.keep = (pb_callback_t){ .funcs.encode = pvmi_encode_tids, .arg = &list };
	return pvmi_link_request(mpvm_task_ToDaemon_mailbox_reset_tag, mpvm_task_MailboxReset_fields, &body, PVMI_REPEAT,
				 NULL);
}

/* Ends every task but tid and those that are to be spared, if asked to, and tidies the mailbox. */
int pvmreset(int tid, int kill_tasks, char *class_name, int index)
{
	struct pvmtaskinfo *tasks;
	int *keep = NULL, kept = 0, count, i;

	if (!pvm_tasks(0, &count, &tasks) && count > 0) {
		pvm_getnoresets(&keep, &kept);
		for (i = 0; kill_tasks && i < count; i++)
			if (tasks[i].ti_tid != tid && !among(tasks[i].ti_tid, keep, kept))
				pvm_kill(tasks[i].ti_tid);
	}
	if (!pvmi_begin(PVMI_AS_TASK))
		reset_mailbox(class_name, index, kill_tasks, keep, kept);
	pvmi_end_quietly(PvmOk);
	return PvmOk;
}

/* ------------------------------------------------------------------ pvm_tickle */

static int tickle(int argc, int *argv, int *count, int *results)
{
	struct pvmi_numbers arguments = { argv, (size_t)argc };
	mpvm_task_Tickle body = mpvm_task_Tickle_init_zero;
	mpvm_task_Tids tids = mpvm_task_Tids_init_zero;
	struct pvmi_tid_list list = { NULL, 0, 0 };
	struct pvmi_answer answer;
	int i, result;

	if (argc < 1 || argc > 10 || !argv)
		return PvmBadParam;
	body.arguments = (pb_callback_t){ .funcs.encode = pvmi_encode_signed, .arg = &arguments };
	result = pvmi_link_request(mpvm_task_ToDaemon_tickle_tag, mpvm_task_Tickle_fields, &body, PVMI_ONCE, &answer);
	tids.tids = (pb_callback_t){ .funcs.decode = pvmi_read_signed, .arg = &list };
	if (result >= 0 && !pvmi_answer_decode(&answer, mpvm_task_ToTask_tickled_tag, mpvm_task_Tids_fields, &tids))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	if (result >= 0 && count)
		*count = list.count;
	for (i = 0; result >= 0 && results && i < list.count; i++)
		results[i] = list.tids[i];
	free(list.tids);
	return result < 0 ? result : PvmOk;
}

int pvm_tickle(int argc, int *argv, int *count, int *results)
{
	int result = pvmi_begin(PVMI_AS_TASK), answers = 0;

	pvmi_tev_entry(TEV_TICKLE, argv, argc);
	if (!count)
		count = &answers;
	if (!result)
		result = tickle(argc, argv, count, results);
	pvmi_tev_exit(TEV_TICKLE, result, results, result < 0 ? 0 : *count);
	return pvmi_end("pvm_tickle", result);
}
