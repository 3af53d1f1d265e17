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
	return pvmi_group_error("pvm_joingroup", ask_value(JOIN, group, 0, 0));
}

int pvm_lvgroup(char *group)
{
	int result = ask(LEAVE, group, 0, 0, NULL);

	return pvmi_group_error("pvm_lvgroup", result < 0 ? result : PvmOk);
}

int pvm_getinst(char *group, int tid)
{
	return pvmi_group_error("pvm_getinst", ask_value(INSTANCE, group, tid, 0));
}

int pvm_gettid(char *group, int instance)
{
	return pvmi_group_error("pvm_gettid", ask_value(TID, group, 0, instance));
}

int pvm_gsize(char *group)
{
	return pvmi_group_error("pvm_gsize", ask_value(SIZE, group, 0, 0));
}

int pvm_barrier(char *group, int count)
{
	int result = count < 1 && count != -1 ? PvmBadParam : ask(BARRIER, group, 0, count, NULL);

	return pvmi_group_error("pvm_barrier", result < 0 ? result : PvmOk);
}

int pvm_freezegroup(char *group, int size)
{
	return pvmi_group_error("pvm_freezegroup", ask_value(FREEZE, group, 0, size));
}

static int bcast(const char *group, int tag)
{
	int *tids, count, i, others = 0, me, result;

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
			tids[others++] = tids[i];
	result = others ? pvm_mcast(tids, others, tag) : PvmNoInst;
	free(tids);
	return result;
}

int pvm_bcast(char *group, int tag)
{
	return pvmi_group_error("pvm_bcast", bcast(group, tag));
}

/* ------------------------------------------------------------------ shown by PVM's tools, not built */

double pvmgs_tmout __attribute__((visibility("default")));
int gstid __attribute__((visibility("default"))) = -1;

#pragma GCC visibility push(default)
int gs_getgstid(void);
int pvm_gsdump(char *group);
#pragma GCC visibility pop

/* There is no group server task: the registry keeps the groups. */
int gs_getgstid(void)
{
	return PvmNotImpl;
}

int pvm_gsdump(char *group)
{
	(void)group;
	return pvmi_group_error("pvm_gsdump", PvmNotImpl);
}
