/*
 * group.c: joining, leaving, asking, waiting for each other.
 */
#include <stdlib.h>

#include "group.h"

static int check_name(const char *group)
{
	return group && *group ? PvmOk : PvmNullGroup;
}

static int ask(int verb, const char *group, int tid, int number, int *value)
{
	int error = check_name(group);

	return error ? error : pvmi_group_request(verb, group, tid, number, value, NULL, NULL);
}

/* The number that the group server answers with. */
static int ask_value(int verb, const char *group, int tid, int number)
{
	int value = 0, result = ask(verb, group, tid, number, &value);

	return result < 0 ? result : value;
}

int gpvm_exit(int event, const char *function, int result)
{
	pvmi_group_event(event, TEV_EVENT_EXIT, result);
	return pvmi_group_error(function, result);
}

int gpvm_members(const char *group, int **tids)
{
	int count = 0, result = check_name(group);

	*tids = NULL;
	if (!result)
		result = pvmi_group_request(MEMBERS, group, 0, 0, NULL, tids, &count);
	return result < 0 ? result : count;
}

int pvm_joingroup(char *group)
{
	int result;

	gpvm_entry(TEV_JOINGROUP, group);
	result = ask_value(JOIN, group, 0, 0);
	return gpvm_exit(TEV_JOINGROUP, "pvm_joingroup", result);
}

int pvm_lvgroup(char *group)
{
	int result;

	gpvm_entry(TEV_LVGROUP, group);
	result = ask(LEAVE, group, 0, 0, NULL);
	return gpvm_exit(TEV_LVGROUP, "pvm_lvgroup", result < 0 ? result : PvmOk);
}

int pvm_getinst(char *group, int tid)
{
	int result;

	gpvm_entry(TEV_GETINST, group, tid);
	result = ask_value(INSTANCE, group, tid, 0);
	return gpvm_exit(TEV_GETINST, "pvm_getinst", result);
}

int pvm_gettid(char *group, int instance)
{
	int result;

	gpvm_entry(TEV_GETTID, group, instance);
	result = ask_value(TID, group, 0, instance);
	return gpvm_exit(TEV_GETTID, "pvm_gettid", result);
}

int pvm_gsize(char *group)
{
	int result;

	gpvm_entry(TEV_GSIZE, group);
	result = ask_value(SIZE, group, 0, 0);
	return gpvm_exit(TEV_GSIZE, "pvm_gsize", result);
}

int pvm_barrier(char *group, int count)
{
	int result;

	gpvm_entry(TEV_BARRIER, group, count);
	result = count < 1 && count != -1 ? PvmBadParam : ask(BARRIER, group, 0, count, NULL);
	return gpvm_exit(TEV_BARRIER, "pvm_barrier", result < 0 ? result : PvmOk);
}

int pvm_freezegroup(char *group, int size)
{
	return pvmi_group_error("pvm_freezegroup", ask_value(FREEZE, group, 0, size));
}

/* *to: to whom, malloc'd; *others: how many. */
static int bcast(const char *group, int tag, int **to, int *others)
{
	int *tids, count, i, me;

	if (tag < 0)
		return PvmBadParam;
	me = pvm_mytid();
	if (me < 0)
		return me;
	count = gpvm_members(group, &tids);
	if (count < 0)
		return count;
	for (i = 0; i < count; i++)
		if (tids[i] && tids[i] != me)
			tids[(*others)++] = tids[i];
	*to = tids;
	return *others ? pvm_mcast(tids, *others, tag) : PvmNoInst;
}

int pvm_bcast(char *group, int tag)
{
	int result, *to = NULL, others = 0;

	gpvm_entry(TEV_BCAST, group, tag);
	result = bcast(group, tag, &to, &others);
	pvmi_group_event(TEV_BCAST, TEV_EVENT_EXIT, result, to, others);
	free(to);
	return pvmi_group_error("pvm_bcast", result);
}
