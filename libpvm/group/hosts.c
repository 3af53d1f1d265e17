/*
 * hosts.c: on which hosts a group's members are. PVM counts a member where it was born; here it counts
 * where it is now.
 */
#include <stdlib.h>

#include "group.h"

#pragma GCC visibility push(default)
int pvm_grphostinfo(char *group, int host, int *coordinator, int *members, int *hosts);
int pvm_grpvhostinfo(char *group, int **coordinators, int **members, int *hosts);
#pragma GCC visibility pop

/* By host, in the order of their tids; coordinator: the lowest tid of the members there. */
struct table {
	int *host, *coordinator, *members;
	int count;
};

static void free_table(struct table *table)
{
	free(table->host);
	free(table->coordinator);
	free(table->members);
	*table = (struct table){ NULL, NULL, NULL, 0 };
}

static void count_member(struct table *table, int tid, int host)
{
	int at = table->count, i;

	while (at > 0 && table->host[at - 1] >= host)
		at--;
	if (at < table->count && table->host[at] == host) {
		table->members[at]++;
		if (tid < table->coordinator[at])
			table->coordinator[at] = tid;
		return;
	}
	for (i = table->count++; i > at; i--) {
		table->host[i] = table->host[i - 1];
		table->coordinator[i] = table->coordinator[i - 1];
		table->members[i] = table->members[i - 1];
	}
	table->host[at] = host;
	table->coordinator[at] = tid;
	table->members[at] = 1;
}

/* A group that does not exist has no hosts, which is no error. */
static int find_hosts(const char *group, struct table *table)
{
	int *tids = NULL, i, host, count;

	*table = (struct table){ NULL, NULL, NULL, 0 };
	count = group && *group ? gpvm_members(group, &tids) : group ? PvmNoGroup : PvmNullGroup;
	if (count <= 0)
		return count == PvmNoGroup ? PvmOk : count;
	table->host = malloc((size_t)count * sizeof(int));
	table->coordinator = malloc((size_t)count * sizeof(int));
	table->members = malloc((size_t)count * sizeof(int));
	if (!table->host || !table->coordinator || !table->members) {
		free(tids);
		free_table(table);
		return PvmNoMem;
	}
	for (i = 0; i < count; i++) {
		host = tids[i] ? pvm_tidtohost(tids[i]) : -1;
		if (host > 0)
			count_member(table, tids[i], host);
	}
	free(tids);
	return PvmOk;
}

/* Of one host (as pvm_config names it): the lowest tid and the number of its members there, and how many
 * hosts there are. No member there: -1, 0, 0. */
int pvm_grphostinfo(char *group, int host, int *coordinator, int *members, int *hosts)
{
	struct table table;
	int result = find_hosts(group, &table), i;

	if (result < 0)
		return pvmi_group_error("pvm_grphostinfo", result);
	*coordinator = -1;
	*members = *hosts = 0;
	for (i = 0; i < table.count; i++)
		if (table.host[i] == host) {
			*coordinator = table.coordinator[i];
			*members = table.members[i];
			*hosts = table.count;
		}
	free_table(&table);
	return PvmOk;
}

/* The same of all hosts; the lists stay until the next call. */
int pvm_grpvhostinfo(char *group, int **coordinators, int **members, int *hosts)
{
	static struct table table;
	int result;

	free_table(&table);
	result = find_hosts(group, &table);
	*coordinators = table.coordinator;
	*members = table.members;
	*hosts = table.count;
	return pvmi_group_error("pvm_grpvhostinfo", result);
}
