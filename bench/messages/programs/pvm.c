/*
 * pvm ROW ARGUMENTS: one row of the benchmark, written against PVM's own interface: compiled once
 * against our library and once against Debian's PVM 3.4.6.
 *
 *   pingpong CASE SIZES SECONDS     half a round trip; CASE is xdr, raw, inplace or psend
 *   rate SECONDS                    time a message in a stream of 8 byte messages one way
 *   mcast TASKS SIZES SECONDS       pvm_mcast to the others, each of which answers
 *   barrier TASKS SECONDS           pvm_barrier
 *   reduce TASKS SECONDS            pvm_reduce of one double, then a barrier
 *   spawn TASKS TIMES               until all have answered
 *   ring TASKS SECONDS              time a hop of one token that goes round
 *   pairs TASKS SECONDS             every task sends 64 bytes to every other and waits for theirs
 *   pack SIZES SECONDS              pvm_initsend and pvm_pkdouble; memcpy of as much
 *   compute SECONDS                 time of a fixed piece of work without a call of the library
 *
 * PVM_BENCH_ROUTE: direct or default, for PVM; PVM_BENCH_WHERE: the host of the spawned tasks.
 */
#include <pvm3.h>

#include "measure.h"

enum { CONTROL = 1, DATA = 2, ANSWER = 3, TOKEN = 4 };
enum { XDR, RAW, IN_PLACE, PSEND, RATE, MCAST, BARRIER, REDUCE, SPAWN, RING, PAIRS, QUIT };
#define MOST_TASKS 256
#define WINDOW 256
#define GROUP "bench"

static const char *const cases[] = { "xdr", "raw", "inplace", "psend" };

struct command {
	int kind, count, size;
};

static int tids[MOST_TASKS], tasks = 1, me;
static double *out, *in;

static void give_up(const char *what, int code)
{
	fprintf(stderr, "pvm: %s: %d\n", what, code);
	exit(1);
}

/* ------------------------------------------------------------------ one message each way */

static void send_one(int to, int tag, const struct command *c)
{
	int code = 0;

	if (c->kind == PSEND) {
		code = pvm_psend(to, tag, (char *)out, c->size, PVM_BYTE);
	} else {
		pvm_initsend(c->kind == XDR ? PvmDataDefault : c->kind == IN_PLACE ? PvmDataInPlace : PvmDataRaw);
		if (c->size >= 8)
			pvm_pkdouble(out, c->size / 8, 1);
		code = pvm_send(to, tag);
	}
	if (code < 0)
		give_up("send", code);
}

static void receive_one(int from, int tag, const struct command *c)
{
	int code;

	if (c->kind == PSEND) {
		code = pvm_precv(from, tag, (char *)in, c->size, PVM_BYTE, NULL, NULL, NULL);
	} else {
		code = pvm_recv(from, tag);
		if (code >= 0 && c->size >= 8)
			code = pvm_upkdouble(in, c->size / 8, 1);
	}
	if (code < 0)
		give_up("receive", code);
}

static void send_command(int to, const struct command *c)
{
	pvm_initsend(PvmDataRaw);
	pvm_pkint((int *)c, 3, 1);
	pvm_send(to, CONTROL);
}

static void tell_all(const struct command *c)
{
	int i;

	for (i = 1; i < tasks; i++)
		send_command(tids[i], c);
}

/* ------------------------------------------------------------------ what both sides of a row do */

static void ring(int count)
{
	int i, before = tids[(me + tasks - 1) % tasks], after = tids[(me + 1) % tasks];
	struct command c = { RAW, 0, 8 };

	for (i = 0; i < count; i++) {
		if (me == 0)
			send_one(after, TOKEN, &c);
		receive_one(before, TOKEN, &c);
		if (me != 0)
			send_one(after, TOKEN, &c);
	}
}

static void pairs(int count)
{
	int i, j;
	struct command c = { RAW, 0, 64 };

	for (i = 0; i < count; i++) {
		for (j = 1; j < tasks; j++)
			send_one(tids[(me + j) % tasks], TOKEN, &c);
		for (j = 1; j < tasks; j++)
			receive_one(tids[(me + tasks - j) % tasks], TOKEN, &c);
	}
}

static void barriers(int count)
{
	while (count-- > 0)
		pvm_barrier(GROUP, tasks);
}

static void reduces(int count)
{
	double value;

	while (count-- > 0) {
		value = me;
		pvm_reduce(PvmSum, &value, 1, PVM_DOUBLE, 99, GROUP, 0);
		pvm_barrier(GROUP, tasks);
	}
}

/* ------------------------------------------------------------------ the other tasks */

static void obey(const struct command *c, int parent)
{
	static const struct command answer = { RAW, 0, 8 };
	int i;

	switch (c->kind) {
	case RATE:
		for (i = 0; i < c->count; i++) {
			receive_one(parent, DATA, &answer);
			if ((i + 1) % WINDOW == 0)
				send_one(parent, ANSWER, &answer);
		}
		break;
	case MCAST:
		for (i = 0; i < c->count; i++) {
			pvm_recv(parent, DATA);
			if (c->size >= 8)
				pvm_upkdouble(in, c->size / 8, 1);
			send_one(parent, ANSWER, &answer);
		}
		break;
	case BARRIER: barriers(c->count); break;
	case REDUCE: reduces(c->count); break;
	case RING: ring(c->count); break;
	case PAIRS: pairs(c->count); break;
	default:
		for (i = 0; i < c->count; i++) {
			receive_one(parent, DATA, c);
			send_one(parent, ANSWER, c);
		}
	}
}

static void member(int parent)
{
	struct command c;
	int i;

	pvm_recv(parent, CONTROL);
	pvm_upkint(&tasks, 1, 1);
	pvm_upkint(tids, tasks, 1);
	for (i = 0; i < tasks; i++)
		if (tids[i] == pvm_mytid())
			me = i;
	for (;;) {
		pvm_recv(parent, CONTROL);
		pvm_upkint((int *)&c, 3, 1);
		if (c.kind == QUIT)
			break;
		if ((c.kind == BARRIER || c.kind == REDUCE) && !c.count)
			pvm_joingroup(GROUP);
		obey(&c, parent);
	}
	if (c.count)
		pvm_lvgroup(GROUP);
}

/* ------------------------------------------------------------------ the first task */

static void start(int count, char **argv)
{
	char *slash = strrchr(argv[0], '/'), *where = getenv("PVM_BENCH_WHERE");
	char *arguments[] = { "member", NULL };
	int started;

	tasks = count;
	tids[0] = pvm_mytid();
	if (count < 2)
		return;
	started = pvm_spawn(slash ? slash + 1 : argv[0], arguments, where ? PvmTaskHost : PvmTaskDefault,
			    where ? where : "", count - 1, tids + 1);
	if (started != count - 1)
		give_up("spawn", tids[count - 1]);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&tasks, 1, 1);
	pvm_pkint(tids, tasks, 1);
	pvm_mcast(tids + 1, tasks - 1, CONTROL);
}

static void stop(int left_group)
{
	struct command c = { QUIT, left_group, 0 };

	tell_all(&c);
}

static void pingpong(int count, void *argument)
{
	struct command *c = argument;
	int i;

	c->count = count;
	tell_all(c);
	for (i = 0; i < count; i++) {
		send_one(tids[1], DATA, c);
		receive_one(tids[1], ANSWER, c);
	}
}

static void rate(int count, void *argument)
{
	struct command c = { RATE, count * WINDOW, 8 }, one = { RAW, 0, 8 };
	int i;

	(void)argument;
	tell_all(&c);
	for (i = 0; i < count * WINDOW; i++) {
		send_one(tids[1], DATA, &one);
		/* One window is under way while the next is sent. */
		if ((i + 1) % WINDOW == 0 && i >= WINDOW)
			receive_one(tids[1], ANSWER, &one);
	}
	receive_one(tids[1], ANSWER, &one);
}

static void mcast(int count, void *argument)
{
	struct command *c = argument, answer = { RAW, 0, 8 };
	int i, j;

	c->count = count;
	tell_all(c);
	for (i = 0; i < count; i++) {
		pvm_initsend(PvmDataRaw);
		if (c->size >= 8)
			pvm_pkdouble(out, c->size / 8, 1);
		pvm_mcast(tids + 1, tasks - 1, DATA);
		for (j = 1; j < tasks; j++)
			receive_one(-1, ANSWER, &answer);
	}
}

static void together(int count, void *argument)
{
	struct command *c = argument;

	c->count = count;
	tell_all(c);
	if (c->kind == BARRIER)
		barriers(count);
	else if (c->kind == REDUCE)
		reduces(count);
	else if (c->kind == RING)
		ring(count);
	else
		pairs(count);
}

static void join(int kind)
{
	struct command c = { kind, 0, 0 };

	tell_all(&c);
	pvm_joingroup(GROUP);
	while (pvm_gsize(GROUP) < tasks)
		usleep(1000);
}

static void spawn(int count, int times, char **argv)
{
	char *slash = strrchr(argv[0], '/'), *arguments[] = { "answer", NULL };
	double *took = malloc((size_t)times * sizeof(*took)), from;
	int i, j, started;

	pvm_mytid();
	for (i = 0; i < times; i++) {
		from = now();
		started = pvm_spawn(slash ? slash + 1 : argv[0], arguments, PvmTaskDefault, "", count, tids);
		if (started != count)
			give_up("spawn", tids[count - 1]);
		for (j = 0; j < count; j++)
			pvm_recv(-1, ANSWER);
		took[i] = now() - from;
		pvm_notify(PvmTaskExit, TOKEN, count, tids);
		pvm_initsend(PvmDataRaw);
		pvm_mcast(tids, count, CONTROL);
		for (j = 0; j < count; j++)
			pvm_recv(-1, TOKEN);
	}
	report("spawn", "all", (size_t)count, summary(took, times), 1);
}

static void pack(int count, void *argument)
{
	const struct command *c = argument;

	while (count-- > 0) {
		pvm_initsend(c->kind == XDR ? PvmDataDefault : PvmDataRaw);
		pvm_pkdouble(out, c->size / 8, 1);
	}
}

static void copy(int count, void *argument)
{
	const struct command *c = argument;

	while (count-- > 0) {
		memcpy(in, out, (size_t)c->size);
		__asm__ volatile("" : : "r"(in) : "memory");
	}
}

static volatile double sink;

static void compute(int count, void *argument)
{
	double x = 1;
	int i;

	(void)argument;
	while (count-- > 0)
		for (i = 0; i < 1000000; i++)
			x = x * 0.9999999 + 1e-7 * i;
	sink = x;
}

static void each_size(const char *row, const char *name, const char *sizes, double allowed, int kind,
		      void (*work)(int, void *))
{
	size_t size[32];
	int count = parse_sizes(sizes, size, 32), i;
	struct command c = { .kind = kind };

	for (i = 0; i < count; i++) {
		c.size = (int)size[i];
		report(row, name, size[i], measure(work, &c, allowed), work == pingpong ? 2 : 1);
	}
}

static int run(int argc, char **argv)
{
	const char *row = argv[1];
	struct command c = { 0 };
	int i;

	if (!strcmp(row, "pingpong") && argc == 5) {
		for (i = 0; i < 4 && strcmp(cases[i], argv[2]); i++)
			;
		start(2, argv);
		each_size(row, argv[2], argv[3], atof(argv[4]), i, pingpong);
		stop(0);
	} else if (!strcmp(row, "rate") && argc == 3) {
		start(2, argv);
		report(row, "raw", 8, measure(rate, &c, atof(argv[2])), WINDOW);
		stop(0);
	} else if (!strcmp(row, "mcast") && argc == 5) {
		start(atoi(argv[2]), argv);
		each_size(row, argv[2], argv[3], atof(argv[4]), MCAST, mcast);
		stop(0);
	} else if ((!strcmp(row, "barrier") || !strcmp(row, "reduce")) && argc == 4) {
		c.kind = *row == 'b' ? BARRIER : REDUCE;
		start(atoi(argv[2]), argv);
		join(c.kind);
		report(row, "8", (size_t)tasks, measure(together, &c, atof(argv[3])), 1);
		stop(1);
		pvm_lvgroup(GROUP);
	} else if ((!strcmp(row, "ring") || !strcmp(row, "pairs")) && argc == 4) {
		c.kind = *row == 'r' ? RING : PAIRS;
		start(atoi(argv[2]), argv);
		report(row, "raw", (size_t)tasks, measure(together, &c, atof(argv[3])), *row == 'r' ? tasks : 1);
		stop(0);
	} else if (!strcmp(row, "spawn") && argc == 4) {
		spawn(atoi(argv[2]), atoi(argv[3]), argv);
	} else if (!strcmp(row, "pack") && argc == 4) {
		tids[0] = pvm_mytid();
		each_size(row, "xdr", argv[2], atof(argv[3]), XDR, pack);
		each_size(row, "raw", argv[2], atof(argv[3]), RAW, pack);
		each_size(row, "memcpy", argv[2], atof(argv[3]), XDR, copy);
	} else if (!strcmp(row, "compute") && argc == 3) {
		pvm_mytid();
		report(row, "loop", 0, measure(compute, NULL, atof(argv[2])), 1);
	} else {
		return 2;
	}
	return 0;
}

#define MOST_BYTES (64UL << 20)

int main(int argc, char **argv)
{
	const char *route = getenv("PVM_BENCH_ROUTE");
	int result = 0;

	if (argc < 2)
		return 2;
	prepare_process();
	/* Written once, so that no page is missing when the clock runs. */
	out = malloc(MOST_BYTES + 64);
	in = malloc(MOST_BYTES + 64);
	if (strcmp(argv[1], "answer")) {
		memset(out, 1, MOST_BYTES);
		memset(in, 2, MOST_BYTES);
	}
	pvm_mytid();
	pvm_setopt(PvmRoute, route && !strcmp(route, "default") ? PvmDontRoute : PvmRouteDirect);
	if (!strcmp(argv[1], "member")) {
		member(pvm_parent());
	} else if (!strcmp(argv[1], "answer")) {
		pvm_initsend(PvmDataRaw);
		pvm_send(pvm_parent(), ANSWER);
		pvm_recv(pvm_parent(), CONTROL);
	} else {
		result = run(argc, argv);
	}
	pvm_exit();
	return result;
}
