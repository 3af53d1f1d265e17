/*
 * group_bench.c: what group operations cost, in microseconds each. The same source runs on PVM 3.4.6
 * and on mpvm; run it on both, one after the other.
 *
 *   group_bench TASKS [ROUNDS]     one line an operation: name, tasks, median and best of the rounds
 *
 * The program started is instance 0 and spawns the others. An operation is one that all have
 * finished: a bcast or mcast counts until the last acknowledgement is here, a reduce with the barrier
 * that follows it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <pvm3.h>

#define GROUP "group-bench"
#define MOST 256
enum { READY = 1, DATA = 2, ACK = 3, SUM = 4 };

static int members, me, tids[MOST];
static char payload[1 << 20];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *what, int code)
{
	fprintf(stderr, "group_bench: %s: %d\n", what, code);
	exit(1);
}

static void barrier(int size)
{
	int code = pvm_barrier(GROUP, members);

	(void)size;
	if (code < 0)
		fail("pvm_barrier", code);
}

static void acknowledged(int size, int by_group)
{
	int i, code = 0;

	if (me == 0) {
		pvm_initsend(PvmDataRaw);
		pvm_pkbyte(payload, size, 1);
		code = by_group ? pvm_bcast(GROUP, DATA) : pvm_mcast(tids + 1, members - 1, DATA);
		for (i = 1; i < members && code >= 0; i++)
			code = pvm_recv(-1, ACK);
	} else {
		code = pvm_recv(-1, DATA);
		if (code > 0)
			pvm_upkbyte(payload, size, 1);
		pvm_initsend(PvmDataRaw);
		code = pvm_send(tids[0], ACK);
	}
	if (code < 0)
		fail("bcast, mcast", code);
}

static void bcast(int size) { acknowledged(size, 1); }
static void mcast(int size) { acknowledged(size, 0); }

static void reduce(int size)
{
	double value = me;
	int code = pvm_reduce(PvmSum, &value, 1, PVM_DOUBLE, SUM, GROUP, 0);

	if (code < 0)
		fail("pvm_reduce", code);
	if (me == 0 && value != members * (members - 1) / 2.0)
		fail("the sum is wrong", (int)value);
	barrier(size);
}

static const struct {
	const char *name;
	void (*run)(int size);
	int size, times;
} operations[] = {
	{ "barrier", barrier, 0, 300 },
	{ "mcast 8 B", mcast, 8, 200 },
	{ "bcast 8 B", bcast, 8, 200 },
	{ "reduce+barrier", reduce, 8, 200 },
	{ "mcast 64 KB", mcast, 65536, 60 },
	{ "bcast 64 KB", bcast, 65536, 60 },
	{ "bcast 1 MB", bcast, 1 << 20, 10 },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(int rounds)
{
	double took[64], start;
	unsigned int o;
	int r, i;

	for (o = 0; o < sizeof(operations) / sizeof(operations[0]); o++) {
		for (r = -1; r < rounds; r++) {         /* the first warms up */
			barrier(0);
			start = now_us();
			for (i = 0; i < operations[o].times; i++)
				operations[o].run(operations[o].size);
			if (r >= 0)
				took[r] = (now_us() - start) / operations[o].times;
		}
		qsort(took, (size_t)rounds, sizeof(took[0]), by_value);
		if (me == 0)
			printf("%-16s %3d %10.1f %10.1f\n", operations[o].name, members, took[rounds / 2], took[0]);
		fflush(stdout);
	}
}

static void start_others(char *program, char **args)
{
	char *name = strrchr(program, '/');
	int i, count;

	count = pvm_spawn(name ? name + 1 : program, args, PvmTaskDefault, "", members - 1, tids + 1);
	if (count != members - 1)
		fail("pvm_spawn", count);
	for (i = 1; i < members; i++)           /* instances in the order of the joins */
		pvm_recv(tids[i], READY);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(tids, members, 1);
	pvm_mcast(tids + 1, members - 1, READY);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 7, joined;

	members = argc > 1 ? atoi(argv[1]) : 4;
	if (members < 2 || members > MOST || rounds < 1 || rounds > 64)
		return 2;
	tids[0] = pvm_mytid();
	if (pvm_parent() == PvmNoParent) {
		joined = pvm_joingroup(GROUP);
		start_others(argv[0], argv + 1);
	} else {
		joined = pvm_joingroup(GROUP);
		pvm_initsend(PvmDataDefault);
		pvm_send(pvm_parent(), READY);
		pvm_recv(pvm_parent(), READY);
		pvm_upkint(tids, members, 1);
	}
	if (joined < 0)
		fail("pvm_joingroup", joined);
	me = tids[0] == pvm_mytid() ? 0 : joined ? joined : 1;
	barrier(0);
	measure(rounds);
	barrier(0);
	pvm_exit();
	return 0;
}
