/*
 * server.c: questions that PVM's tools send to its group server task: which groups there are, and who
 * waits in them. Here every task is that server to itself: what it sends to itself in the context of
 * groups is answered in that send, from what the registry says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../api/api.h"
#include "groups.h"

/* PVM's tags. */
#define DUMP 9                  /* print all */
#define STATE 10                /* and answer with the same tag: count, then what pack_state packs */

struct state {
	struct state *next;
	char *name;
	struct pvmi_tid_list tids, waiting;
	int barrier, freeze;
};
struct states {
	struct state *first, **end;
	int count;
};

static void free_state(struct state *state)
{
	free(state->name);
	free(state->tids.tids);
	free(state->waiting.tids);
	free(state);
}

static void free_states(struct states *states)
{
	struct state *state;

	while ((state = states->first)) {
		states->first = state->next;
		free_state(state);
	}
}

static bool read_state(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct states *states = *argument;
	mpvm_task_GroupState from = mpvm_task_GroupState_init_zero;
	struct state *state = calloc(1, sizeof(*state));

	(void)field;
	if (!state)
		return false;
	from.name = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &state->name };
	from.tids = (pb_callback_t){ .funcs.decode = pvmi_read_unsigned, .arg = &state->tids };
	from.waiting = (pb_callback_t){ .funcs.decode = pvmi_read_unsigned, .arg = &state->waiting };
	if (!pb_decode(stream, mpvm_task_GroupState_fields, &from) || !state->name) {
		free_state(state);
		return false;
	}
	state->barrier = from.barrier;
	state->freeze = from.freeze;
	*states->end = state;
	states->end = &state->next;
	states->count++;
	return true;
}

static int ask(struct states *states)
{
	mpvm_task_Group body = { .verb = (mpvm_task_Group_Verb)PVMI_GROUP_LIST };
	mpvm_task_GroupReply reply = mpvm_task_GroupReply_init_zero;
	struct pvmi_answer answer;
	int result;

	*states = (struct states){ .end = &states->first };
	result = pvmi_link_request(mpvm_task_ToDaemon_group_tag, mpvm_task_Group_fields, &body, PVMI_REPEAT, &answer);
	reply.groups = (pb_callback_t){ .funcs.decode = read_state, .arg = states };
	if (result >= 0 && !pvmi_answer_decode(&answer, mpvm_task_ToTask_group_tag, mpvm_task_GroupReply_fields, &reply))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	return result < 0 ? result : PvmOk;
}

static int present(const struct state *state)
{
	int i, count = 0;

	for (i = 0; i < state->tids.count; i++)
		count += state->tids.tids[i] != 0;
	return count;
}

/* As PVM says it: -1 when nobody waits. */
static int needed(int count)
{
	return count ? count : -1;
}

static void print_state(const struct state *state)
{
	const struct pvmi_tid_list *waiting = &state->waiting;
	int i;

	printf("group: %s  size: %d barrier_count: %d barrier_reached %d\n", state->name, present(state), needed(state->barrier),
	       state->barrier ? waiting->count : 0);
	printf(" sgroup_count: %d sgroup_reached %d\n  Tids: \n", needed(state->freeze), state->freeze ? waiting->count : 0);
	for (i = 0; i < state->tids.count; i++)
		if (state->tids.tids[i])
			printf("(%d,  0x%x) ", i, (unsigned int)state->tids.tids[i]);
	printf("\n");
	if (!state->barrier)
		return;
	printf("tids waiting on barrier:\n");
	for (i = 0; i < waiting->count; i++)
		printf("0x%x  ", (unsigned int)waiting->tids[i]);
	printf("\n");
}

static int dump(int mid)
{
	struct states states;
	struct state *state;
	int result = ask(&states);

	(void)mid;
	if (result >= 0) {
		printf("DUMP 0x%x, %d groups:\n", pvmi->tid, states.count);
		for (state = states.first; state; state = state->next)
			print_state(state);
		fflush(stdout);
	}
	free_states(&states);
	return result;
}

static int pack_ints(struct pvmi_message *message, const int *values, int count)
{
	return count ? pvmi_pack(message, values, count, 1, PVM_INT) : PvmOk;
}

static int pack_state(struct pvmi_message *message, const struct state *state)
{
	int reached = state->barrier ? state->waiting.count : 0;
	int head[] = { present(state), state->tids.count, needed(state->barrier), reached };
	int result = pvmi_pack_int(message, (int)strlen(state->name));

	if (!result)
		result = pvmi_pack_string(message, state->name);
	if (!result)
		result = pack_ints(message, head, 4);
	if (!result)
		result = pack_ints(message, state->tids.tids, state->tids.count);
	return result ? result : pack_ints(message, state->waiting.tids, reached);
}

/* The answer has the question's source, tag and context: it goes to the queue, past the handler. */
static void answer(struct pvmi_message *message)
{
	struct pvmi_messages *m = pvmi->messages;

	message->tag = STATE;
	message->context = PVMI_GROUP_CONTEXT;
	message->source = message->destination = pvmi->tid;
	message->sealed = true;
	message->room = 0;
	pvmi_queue_append(&m->received, message);
	m->arrivals++;
}

static int tell_state(int mid)
{
	struct pvmi_message *message = pvmi_message_new();
	struct states states;
	struct state *state;
	int result;

	(void)mid;
	if (!message)
		return PvmNoMem;
	result = ask(&states);
	if (!result)
		result = pvmi_pack_int(message, states.count);
	for (state = states.first; state && !result; state = state->next)
		result = pack_state(message, state);
	free_states(&states);
	if (result)
		pvmi_message_unref(message);
	else
		answer(message);
	return result;
}

int pvmi_group_server(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result) {
		/* PvmExists the second time. */
		pvmi_handler_add(0, (int)pvmi->tid, DUMP, PVMI_GROUP_CONTEXT, dump);
		pvmi_handler_add(0, (int)pvmi->tid, STATE, PVMI_GROUP_CONTEXT, tell_state);
		result = (int)pvmi->tid;
	}
	return pvmi_end_quietly(result);
}
