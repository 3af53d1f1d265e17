/*
 * tasks.c: who we are, starting tasks, asking about them, ending them, being told of their end.
 */
#include <stdlib.h>
#include <string.h>

#include "officers.h"

int pvm_mytid(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_MYTID);
	result = result ? result : (int)pvmi->tid;
	pvmi_tev_exit(TEV_MYTID, result);
	return pvmi_end("pvm_mytid", result);
}

int pvm_parent(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_PARENT);
	pvmi_tev_exit(TEV_PARENT, result ? result : pvmi->parent);
	/* Having no parent is an answer, not an error to be printed. */
	if (!result && pvmi->parent < 0)
		return pvmi_end_quietly(pvmi->parent);
	return pvmi_end("pvm_parent", result ? result : pvmi->parent);
}

/* Those that were spawned in one call, or just ourselves. The list belongs to the library. */
int pvm_siblings(int **tids)
{
	static int self;
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_SIBLINGS);
	if (!result && pvmi_enrolled.siblings_follow)
		pvmi_siblings_await();
	if (!result && pvmi_enrolled.sibling_count) {
		pvmsibtids = (int *)pvmi_enrolled.siblings;
		result = (int)pvmi_enrolled.sibling_count;
	} else if (!result) {
		self = (int)pvmi->tid;
		pvmsibtids = &self;
		result = 1;
	}
	pvmnsibs = result > 0 ? result : -1;
	if (result > 0 && tids)
		*tids = pvmsibtids;
	pvmi_tev_exit(TEV_SIBLINGS, pvmsibtids, pvmnsibs);
	return pvmi_end("pvm_siblings", result);
}

/* ------------------------------------------------------------------ pvm_spawn */

/* NAME=value of the variables that PVM_EXPORT names, and PVM_EXPORT itself. malloc'd. */
static struct pvmi_strings exported_environment(void)
{
	struct pvmi_strings list = { NULL, 0 };
	const char *names = getenv("PVM_EXPORT"), *end;
	char **strings, *copy, *value;
	size_t length, room = 2;

	if (!names || !*names)
		return list;
	for (end = names; *end; end++)
		room += *end == ':';
	strings = calloc(room, sizeof(*strings));
	if (!strings)
		return list;
	list.strings = strings;
	if (asprintf(&copy, "PVM_EXPORT=%s", names) >= 0)
		strings[list.count++] = copy;
	for (; *names; names = *end ? end + 1 : end) {
		end = strchrnul(names, ':');
		length = (size_t)(end - names);
		copy = strndup(names, length);
		value = copy && length ? getenv(copy) : NULL;
		if (value && asprintf(&strings[list.count], "%s=%s", copy, value) >= 0)
			list.count++;
		free(copy);
	}
	return list;
}

static void free_strings(struct pvmi_strings *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->strings[i]);
	free((void *)list->strings);
}

static int spawn(const char *program, char **argv, int flags, const char *where, int count, int *tids)
{
	struct pvmi_strings arguments = { argv, 0 }, environment;
	mpvm_task_Spawn body = mpvm_task_Spawn_init_zero;
	mpvm_task_Tids answer_body = mpvm_task_Tids_init_zero;
	struct pvmi_tid_list list = { NULL, 0, 0 };
	const char *more = getenv("PVMTASK");
	struct pvmi_answer answer;
	int i, result, started = 0;

	if (count < 1 || !program)
		return PvmBadParam;
	while (argv && argv[arguments.count])
		arguments.count++;
	pvmi->options->has_spawned = true;
	environment = exported_environment();
	body.program = PVMI_SEND_STRING(program);
	body.argv = (pb_callback_t){ .funcs.encode = pvmi_encode_strings, .arg = &arguments };
	body.flags = (uint32_t)(flags | (more ? atoi(more) : 0));
	body.where = PVMI_SEND_STRING(where);
	body.count = (uint32_t)count;
	body.environment = (pb_callback_t){ .funcs.encode = pvmi_encode_strings, .arg = &environment };
	body.context = pvmi->current_context;
	body.has_inherited = true;
	pvmi_options_inherit(&body.inherited);
	if (pvmi_scheduled_spawn(&body, program, &arguments, where, &environment, tids, &result)) {
		free_strings(&environment);
		return result;
	}
	result = pvmi_link_request(mpvm_task_ToDaemon_spawn_tag, mpvm_task_Spawn_fields, &body, PVMI_ONCE, &answer);
	free_strings(&environment);
	answer_body.tids = (pb_callback_t){ .funcs.decode = pvmi_read_signed, .arg = &list };
	if (result >= 0 && !pvmi_answer_decode(&answer, mpvm_task_ToTask_tids_tag, mpvm_task_Tids_fields, &answer_body))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	if (result >= 0) {
		for (i = 0; i < count; i++) {
			int tid = i < list.count ? list.tids[i] : PvmSysErr;

			started += tid > 0;
			if (tids)
				tids[i] = tid;
		}
		result = started;
	}
	free(list.tids);
	return result;
}

int pvm_spawn(char *task, char **argv, int flags, char *where, int count, int *tids)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_SPAWN, task, where, flags, count);
	if (!result)
		result = spawn(task, argv, flags, where, count, tids);
	pvmi_tev_exit(TEV_SPAWN, result, tids, result > 0 ? result : 0);
	return pvmi_end("pvm_spawn", result);
}

/* PVM_EXPORT is a list of names with colons between. */
static int change_exports(const char *name, bool add)
{
	const char *names = getenv("PVM_EXPORT"), *end;
	size_t length = name ? strlen(name) : 0, used = 0;
	char *list = malloc((names ? strlen(names) : 0) + length + 2);

	if (!list)
		return PvmNoMem;
	for (; names && *names; names = *end ? end + 1 : end) {
		end = strchrnul(names, ':');
		if ((size_t)(end - names) == length && !memcmp(names, name, length)) {
			if (!add)
				continue;
			add = false;            /* it is there already */
		}
		if (used)
			list[used++] = ':';
		memcpy(list + used, names, (size_t)(end - names));
		used += (size_t)(end - names);
	}
	if (add && length) {
		if (used)
			list[used++] = ':';
		memcpy(list + used, name, length);
		used += length;
	}
	list[used] = 0;
	setenv("PVM_EXPORT", list, 1);
	free(list);
	return PvmOk;
}

int pvm_export(char *name)
{
	pvmi_begin(PVMI_ANYWHERE);
	return pvmi_end("pvm_export", change_exports(name, true));
}

int pvm_unexport(char *name)
{
	pvmi_begin(PVMI_ANYWHERE);
	return pvmi_end("pvm_unexport", change_exports(name, false));
}

/* ------------------------------------------------------------------ signals, state */

static int send_signal(int tid, int signum)
{
	mpvm_task_Signal body = { .tid = (uint32_t)tid, .signum = signum };

	if (!pvmi_is_task_tid(tid))
		return PvmBadParam;
	return pvmi_link_request(mpvm_task_ToDaemon_signal_tag, mpvm_task_Signal_fields, &body, PVMI_ONCE, NULL);
}

int pvm_sendsig(int tid, int signum)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_SENDSIG, tid, signum);
	if (!result)
		result = send_signal(tid, signum);
	pvmi_tev_exit(TEV_SENDSIG, result);
	return pvmi_end("pvm_sendsig", result);
}

int pvm_kill(int tid)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_KILL, tid);
	if (!result)
		result = send_signal(tid, 15);
	pvmi_tev_exit(TEV_KILL, result);
	return pvmi_end("pvm_kill", result);
}

static int pstat(int tid)
{
	mpvm_task_TaskStatus body = { .tid = (uint32_t)tid };

	if (!pvmi_is_task_tid(tid))
		return PvmBadParam;
	return pvmi_link_request(mpvm_task_ToDaemon_task_status_tag, mpvm_task_TaskStatus_fields, &body, PVMI_REPEAT,
				 NULL);
}

int pvm_pstat(int tid)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_PSTAT, tid);
	if (!result)
		result = pstat(tid);
	pvmi_tev_exit(TEV_PSTAT, result);
	return result == PvmNoTask ? pvmi_end_quietly(result) : pvmi_end("pvm_pstat", result);
}

/* ------------------------------------------------------------------ pvm_tasks */

struct task_list {
	struct pvmtaskinfo *tasks;
	int count, limit;
};

static bool read_task(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct task_list *list = *argument;
	mpvm_task_TaskInfo info = mpvm_task_TaskInfo_init_zero;
	struct pvmtaskinfo *grown;
	char *program = NULL;

	(void)field;
	info.program = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &program };
	if (!pb_decode(stream, mpvm_task_TaskInfo_fields, &info)) {
		free(program);
		return false;
	}
	if (list->count == list->limit) {
		list->limit = list->limit ? 2 * list->limit : 16;
		grown = realloc(list->tasks, (size_t)list->limit * sizeof(*grown));
		if (!grown) {
			free(program);
			return false;
		}
		list->tasks = grown;
	}
	list->tasks[list->count++] = (struct pvmtaskinfo){
		.ti_tid = (int)info.tid,
		.ti_ptid = (int)info.parent,
		.ti_host = (int)info.host,
		.ti_flag = (int)info.flags,
		.ti_a_out = program ? program : strdup(""),
		.ti_pid = info.pid,
	};
	return true;
}

static void free_tasks(struct task_list *list)
{
	int i;

	for (i = 0; i < list->count; i++)
		free(list->tasks[i].ti_a_out);
	free(list->tasks);
	*list = (struct task_list){ NULL, 0, 0 };
}

static int list_tasks(int where, struct task_list *list)
{
	mpvm_task_ListTasks body = { .where = (uint32_t)where };
	mpvm_task_TaskList tasks = mpvm_task_TaskList_init_zero;
	struct pvmi_answer answer;
	int result;

	if (pvmi_scheduled_tasks(where, &list->tasks, &list->count, &result))
		return result < 0 ? result : PvmOk;
	result = pvmi_link_request(mpvm_task_ToDaemon_list_tasks_tag, mpvm_task_ListTasks_fields, &body, PVMI_REPEAT,
				   &answer);
	tasks.tasks = (pb_callback_t){ .funcs.decode = read_task, .arg = list };
	if (result >= 0 &&
	    !pvmi_answer_decode(&answer, mpvm_task_ToTask_task_list_tag, mpvm_task_TaskList_fields, &tasks))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	return result < 0 ? result : PvmOk;
}

int pvm_tasks(int where, int *count, struct pvmtaskinfo **tasks)
{
	static struct task_list list;   /* until the next call, as under PVM */
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_TASKS, where);
	if (!result) {
		free_tasks(&list);
		result = list_tasks(where, &list);
	}
	if (count)
		*count = result ? 0 : list.count;
	if (!result && tasks)
		*tasks = list.tasks;
	pvmi_tev_exit(TEV_TASKS, result, result ? 0 : list.count);
	return pvmi_end("pvm_tasks", result);
}

/*
 * Where the task is now. PVM takes it from the tid alone, which here names the node where the task
 * was born; so the daemon is asked, and the tid answers where there is none to ask.
 */
int pvm_tidtohost(int tid)
{
	struct task_list list = { NULL, 0, 0 };
	int host = tid & PVMI_TID_HOST;

	pvmi_begin(PVMI_ANYWHERE);
	if (pvmi->tid && (uint32_t)tid == pvmi->tid)
		host = (int)pvmi->host;
	else if (pvmi->tid && pvmi_is_task_tid(tid) && !list_tasks(tid, &list) && list.count == 1)
		host = list.tasks[0].ti_host;
	free_tasks(&list);
	pvmi_end_quietly(PvmOk);
	return host;
}

/* ------------------------------------------------------------------ pvm_notify */

static int notify(int kind, int tag, int count, const int *tids)
{
	struct pvmi_numbers list = { tids, count > 0 ? (size_t)count : 0 };
	mpvm_task_Notify body = mpvm_task_Notify_init_zero;
	int i, result;

	body.kind = (uint32_t)(kind & ~PvmNotifyCancel);
	body.cancel = kind & PvmNotifyCancel;
	body.tag = tag;
	body.context = pvmi->current_context;
	body.count = count;
	switch (body.kind) {
	case PvmTaskExit:
	case PvmHostDelete:
		if (count < 1 || !tids)
			return PvmBadParam;
		for (i = 0; i < count; i++)
			if (body.kind == PvmTaskExit ? !pvmi_is_task_tid(tids[i]) : !(tids[i] & PVMI_TID_HOST) || tids[i] < 0)
				return PvmBadParam;
		body.tids = (pb_callback_t){ .funcs.encode = pvmi_encode_tids, .arg = &list };
		break;
	case PvmHostAdd:
		break;
	case PvmRouteAdd:               /* routes here are the library's own affair */
	case PvmRouteDelete:
		return PvmOk;
	default:
		return PvmBadParam;
	}
	if (pvmi_scheduled_notify(kind, tag, count, tids, &result))
		return result;
	return pvmi_link_request(mpvm_task_ToDaemon_notify_tag, mpvm_task_Notify_fields, &body, PVMI_REPEAT, NULL);
}

int pvm_notify(int kind, int tag, int count, int *tids)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_NOTIFY, kind, tag, tids, count);
	if (!result)
		result = notify(kind, tag, count, tids);
	pvmi_tev_exit(TEV_NOTIFY, result);
	return pvmi_end("pvm_notify", result);
}
