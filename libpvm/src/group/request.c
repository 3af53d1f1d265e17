/*
 * request.c: what libgpvm3 asks of libpvm3. A page that is still true answers questions; else the
 * registry does.
 */
#include <stdlib.h>
#include <string.h>

#include "../api/api.h"
#include "../plane/plane.h"
#include "groups.h"

#define SERVICE_US 500          /* between two looks at the descriptors */
#define POLLS_BEFORE_PAUSE 16
#define PAUSE_NS 1000000

int pvmi_group_ask(const struct pvmi_group_question *question, struct pvmi_group_answer *answer)
{
	mpvm_task_Group body = mpvm_task_Group_init_zero;
	mpvm_task_GroupReply reply = mpvm_task_GroupReply_init_zero;
	struct pvmi_tid_list list = { NULL, 0, 0 };
	struct pvmi_answer raw;
	int result;

	memset(answer, 0, sizeof(*answer));
	body.verb = (mpvm_task_Group_Verb)question->verb;
	body.name = PVMI_SEND_STRING(question->name);
	body.tid = (uint32_t)question->tid;
	body.number = question->number;
	body.call = ++pvmi->groups.calls;
	body.page = question->page;
	body.unusable = question->unusable;
	result = pvmi_link_request(mpvm_task_ToDaemon_group_tag, mpvm_task_Group_fields, &body,
				   question->verb == PVMI_GROUP_BARRIER || question->verb == PVMI_GROUP_FREEZE ?
				   PVMI_REPEAT_AND_HANDLE : PVMI_REPEAT, &raw);
	reply.tids = (pb_callback_t){ .funcs.decode = pvmi_read_unsigned, .arg = &list };
	if (result >= 0 && !pvmi_answer_decode(&raw, mpvm_task_ToTask_group_tag, mpvm_task_GroupReply_fields, &reply))
		result = PvmSysErr;
	pvmi_answer_free(&raw);
	if (result < 0) {
		free(list.tids);
		return result;
	}
	if (reply.page)
		pvmi_group_adopt(question->name, reply.page);
	answer->value = reply.value;
	answer->page = reply.page;
	answer->enter = reply.enter;
	answer->tids = list.tids;
	answer->count = list.count;
	return PvmOk;
}

/* ------------------------------------------------------------------ answered by a page */

static int instance_on_page(const struct pvmi_group *group, int tid)
{
	uint32_t i;

	for (i = 0; i < group->members && tid; i++)
		if (group->page->member[i].tid == (uint32_t)tid)
			return (int)i;
	return PvmNotInGroup;
}

static int tid_on_page(const struct pvmi_group *group, int instance)
{
	uint32_t tid = instance >= 0 && (uint32_t)instance < group->members ? group->page->member[instance].tid : 0;

	return tid ? (int)tid : PvmNoInst;
}

static int members_on_page(const struct pvmi_group *group, struct pvmi_group_answer *answer)
{
	uint32_t i;

	answer->tids = malloc(group->members * sizeof(*answer->tids) + 1);
	if (!answer->tids)
		return PvmNoMem;
	for (i = 0; i < group->members; i++)
		answer->tids[i] = (int)group->page->member[i].tid;
	answer->count = (int)group->members;
	return (int)group->present;
}

/* False: the page does not tell, or there is none. The page is true at the moment of the look: the
 * registry withdraws it before the group changes. */
static bool answered_by_page(const struct pvmi_group_question *question, struct pvmi_group_answer *answer, int *result)
{
	const struct pvmi_group *group = pvmi_group_find(question->name);

	memset(answer, 0, sizeof(*answer));
	if (!group)
		return false;
	switch (question->verb) {
	case PVMI_GROUP_INSTANCE:
		*result = instance_on_page(group, question->tid);
		break;
	case PVMI_GROUP_TID:
		*result = tid_on_page(group, question->number);
		break;
	case PVMI_GROUP_SIZE:
		*result = (int)group->present;
		break;
	case PVMI_GROUP_MEMBERS:
		*result = members_on_page(group, answer);
		break;
	default:
		return false;
	}
	answer->value = *result;
	return true;
}

bool pvmi_group_look_after(void)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!plane)
		return false;
	plane->intake_mark = plane->taken_bytes;
	pvmi_plane_take();
	if (pvmi_ticks() - plane->events_ticks >= SERVICE_US * plane->ticks_per_us || plane->unsettled || plane->blocked)
		pvmi_plane_service(PVMI_PROGRAM);
	pvmi_plane_settle();
	pvmi_hand_over();
	pvmi_handlers_run();
	/* Handlers of the program are called here only; without an agent so is everything else. */
	return plane->unsettled || plane->blocked || pvmi->messages->handlers || !pvmi->agent;
}

/* A program that asks for the size again and again waits for others to join: they need the processor
 * more than it does, and their joining is what makes the answer another one. */
static void be_patient(const struct pvmi_group_question *question)
{
	struct pvmi_groups *groups = &pvmi->groups;

	groups->polls = question->verb == PVMI_GROUP_SIZE && groups->last_poll + 1 == pvmi_guard.calls ? groups->polls + 1 : 0;
	groups->last_poll = pvmi_guard.calls;
	if (groups->polls >= POLLS_BEFORE_PAUSE)
		pvmi_plane_wait(sys_now_ns() + PAUSE_NS);
}

/* ------------------------------------------------------------------ for libgpvm3 */

static int request(const struct pvmi_group_question *question, struct pvmi_group_answer *answer)
{
	int result;

	if (question->verb == PVMI_GROUP_BARRIER) {
		memset(answer, 0, sizeof(*answer));
		return pvmi_group_barrier(question->name, question->number);
	}
	if (!answered_by_page(question, answer, &result))
		return pvmi_group_ask(question, answer);
	pvmi_group_look_after();
	be_patient(question);
	return result;
}

int pvmi_group_request(int verb, const char *name, int tid, int number, int *value, int **tids, int *count)
{
	struct pvmi_group_question question = { .verb = (enum pvmi_group_verb)verb, .name = name, .tid = tid,
						.number = number };
	struct pvmi_group_answer answer;
	int result = pvmi_begin(PVMI_AS_TASK);

	if (result)
		return pvmi_end_quietly(result);
	result = request(&question, &answer);
	if (result >= 0 && value)
		*value = answer.value;
	if (result >= 0 && tids) {
		*tids = answer.tids;
		*count = answer.count;
	} else if (result >= 0) {
		free(answer.tids);
	}
	return pvmi_end_quietly(result);
}

/* PVM's group library sets pvm_errno and prints nothing. */
int pvmi_group_error(const char *function, int code)
{
	(void)function;
	if (code < 0)
		pvm_errno = code;
	return code;
}

void pvmi_group_event(int event, int phase, ...)
{
	va_list values;

	if (!pvmi->traced && !pvmi->tracing->nested)
		return;
	pvmi_begin(PVMI_ANYWHERE);
	va_start(values, phase);
	pvmi_tev_outer_list(event, phase, &values);
	va_end(values);
	pvmi_end_quietly(PvmOk);
}
