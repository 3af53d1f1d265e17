/*
 * alltoall TASKS ROUNDS SEED [MOST]
 *
 * In every round each task sends a block to every other and checks the blocks it gets. Rounds may
 * overlap by one, as the tasks do not wait for each other but through the data.
 */
#include "common.h"

#define TAG_SETUP 1
#define TAG_REPORT 2
#define FIRST_ROUND 100

static int tids[256], tasks, rounds, me, most;
static unsigned int seed;

static uint64_t block(int from, int to, int round)
{
	return key(seed, (uint64_t)from * 256 + (uint64_t)to, (uint64_t)round);
}

static void one_round(unsigned char *memory, int round)
{
	int i, left = tasks - 1;

	for (i = 0; i < tasks; i++) {
		size_t size = mixed_size(block(me, i, round), (size_t)most);

		if (i == me)
			continue;
		fill(memory, size, block(me, i, round));
		pvm_initsend(round & 1 ? PvmDataRaw : PvmDataDefault);
		pvm_pkbyte((char *)memory, (int)size, 1);
		if (pvm_send(tids[i], FIRST_ROUND + round) < 0)
			die("round %d: send to %d", round, i);
	}
	while (left--) {
		int source, from;
		size_t size;

		if (pvm_recv(-1, FIRST_ROUND + round) < 0)
			die("round %d: receive", round);
		pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &source);
		for (from = 0; from < tasks && tids[from] != source; from++)
			;
		if (from == tasks)
			die("round %d: a message from the stranger t%x", round, source);
		size = mixed_size(block(from, me, round), (size_t)most);
		if (size && pvm_upkbyte((char *)memory, (int)size, 1) < 0)
			die("round %d: short block from %d", round, from);
		if (differs(memory, size, block(from, me, round)) >= 0)
			die("round %d: spoilt or doubled block from %d", round, from);
	}
}

int main(int argc, char **argv)
{
	static char *role[] = { "member", NULL };
	unsigned char *memory;
	char what[64];
	int i;

	tids[0] = pvm_mytid();
	if (argc == 2) {
		first_message(TAG_SETUP);
		pvm_upkint(&tasks, 1, 1);
		pvm_upkint(&rounds, 1, 1);
		pvm_upkint(&most, 1, 1);
		pvm_upkuint(&seed, 1, 1);
		pvm_upkint(tids, tasks, 1);
		for (i = 0; i < tasks; i++)
			if (tids[i] == pvm_mytid())
				me = i;
	} else if (argc >= 4) {
		tasks = atoi(argv[1]);
		rounds = atoi(argv[2]);
		seed = (unsigned int)strtoul(argv[3], NULL, 0);
		most = argc > 4 ? atoi(argv[4]) : 65536;
		i = pvm_spawn(own_name(argv), role, PvmTaskDefault, "", tasks - 1, tids + 1);
		if (i != tasks - 1) {
			snprintf(what, sizeof what, "alltoall not started seed=%u", seed);
			not_started(tids + 1, tasks - 1, i, what);
		}
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&tasks, 1, 1);
		pvm_pkint(&rounds, 1, 1);
		pvm_pkint(&most, 1, 1);
		pvm_pkuint(&seed, 1, 1);
		pvm_pkint(tids, tasks, 1);
		pvm_mcast(tids + 1, tasks - 1, TAG_SETUP);
		printf("alltoall started\n");
		fflush(stdout);
	} else {
		fprintf(stderr, "usage: alltoall TASKS ROUNDS SEED [MOST]\n");
		return 2;
	}
	memory = malloc((size_t)most + 8);
	for (i = 0; i < rounds; i++)
		one_round(memory, i);
	if (argc == 2) {
		pvm_initsend(PvmDataDefault);
		pvm_send(pvm_parent(), TAG_REPORT);
	} else {
		for (i = 1; i < tasks; i++)
			pvm_recv(-1, TAG_REPORT);
		printf("alltoall ok tasks=%d rounds=%d seed=%u\n", tasks, rounds, seed);
	}
	verdict("alltoall %s seed=%u", argc == 2 ? "member ok" : "ok", seed);
	pvm_exit();
	return 0;
}
