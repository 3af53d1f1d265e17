/*
 * mpi ROW ARGUMENTS: the rows of pvm.c that have a counterpart in MPI, compiled with Open MPI and
 * with MPICH. The number of tasks is mpirun's.
 *
 *   pingpong SIZES SECONDS · rate SECONDS · mcast SIZES SECONDS · barrier SECONDS · reduce SECONDS ·
 *   ring SECONDS · pairs SECONDS
 */
#include <mpi.h>

#include "measure.h"

enum { PINGPONG, RATE, MCAST, BARRIER, REDUCE, RING, PAIRS, QUIT };
enum { DATA = 2, ANSWER = 3, TOKEN = 4 };
static const char *const rows[] = { "pingpong", "rate", "mcast", "barrier", "reduce", "ring", "pairs" };
#define WINDOW 256
#define MOST_BYTES (64UL << 20)

struct command {
	int kind, count, size;
};

static int tasks, me;
static char *out, *in;

static void pingpong(const struct command *c)
{
	int i;

	for (i = 0; i < c->count; i++) {
		if (me == 0) {
			MPI_Send(out, c->size, MPI_BYTE, 1, DATA, MPI_COMM_WORLD);
			MPI_Recv(in, c->size, MPI_BYTE, 1, DATA, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		} else {
			MPI_Recv(in, c->size, MPI_BYTE, 0, DATA, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			MPI_Send(out, c->size, MPI_BYTE, 0, DATA, MPI_COMM_WORLD);
		}
	}
}

static void rate(const struct command *c)
{
	int i, total = c->count * WINDOW;

	for (i = 0; i < total; i++) {
		if (me == 0) {
			MPI_Send(out, 8, MPI_BYTE, 1, DATA, MPI_COMM_WORLD);
			if ((i + 1) % WINDOW == 0 && i >= WINDOW)
				MPI_Recv(in, 8, MPI_BYTE, 1, ANSWER, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		} else {
			MPI_Recv(in, 8, MPI_BYTE, 0, DATA, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			if ((i + 1) % WINDOW == 0)
				MPI_Send(out, 8, MPI_BYTE, 0, ANSWER, MPI_COMM_WORLD);
		}
	}
	if (me == 0)
		MPI_Recv(in, 8, MPI_BYTE, 1, ANSWER, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void mcast(const struct command *c)
{
	int i, j;

	for (i = 0; i < c->count; i++) {
		MPI_Bcast(out, c->size, MPI_BYTE, 0, MPI_COMM_WORLD);
		if (me)
			MPI_Send(in, 8, MPI_BYTE, 0, ANSWER, MPI_COMM_WORLD);
		else
			for (j = 1; j < tasks; j++)
				MPI_Recv(in, 8, MPI_BYTE, MPI_ANY_SOURCE, ANSWER, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	}
}

static void collective(const struct command *c)
{
	double value = me, sum;
	int i;

	for (i = 0; i < c->count; i++) {
		if (c->kind == REDUCE)
			MPI_Reduce(&value, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
		MPI_Barrier(MPI_COMM_WORLD);
	}
}

static void ring(const struct command *c)
{
	int i, before = (me + tasks - 1) % tasks, after = (me + 1) % tasks;

	for (i = 0; i < c->count; i++) {
		if (me == 0)
			MPI_Send(out, 8, MPI_BYTE, after, TOKEN, MPI_COMM_WORLD);
		MPI_Recv(in, 8, MPI_BYTE, before, TOKEN, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		if (me != 0)
			MPI_Send(out, 8, MPI_BYTE, after, TOKEN, MPI_COMM_WORLD);
	}
}

static void pairs(const struct command *c)
{
	int i, j;

	for (i = 0; i < c->count; i++) {
		for (j = 1; j < tasks; j++)
			MPI_Send(out, 64, MPI_BYTE, (me + j) % tasks, TOKEN, MPI_COMM_WORLD);
		for (j = 1; j < tasks; j++)
			MPI_Recv(in, 64, MPI_BYTE, (me + tasks - j) % tasks, TOKEN, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	}
}

static void obey(const struct command *c)
{
	switch (c->kind) {
	case PINGPONG: pingpong(c); break;
	case RATE: rate(c); break;
	case MCAST: mcast(c); break;
	case BARRIER:
	case REDUCE: collective(c); break;
	case RING: ring(c); break;
	case PAIRS: pairs(c); break;
	}
}

static void tell_all(struct command *c)
{
	int i;

	for (i = 1; i < tasks; i++)
		MPI_Send(c, 3, MPI_INT, i, 1, MPI_COMM_WORLD);
}

static void work(int count, void *argument)
{
	struct command *c = argument;

	c->count = count;
	tell_all(c);
	obey(c);
}

static void member(void)
{
	struct command c;

	for (;;) {
		MPI_Recv(&c, 3, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		if (c.kind == QUIT)
			return;
		obey(&c);
	}
}

static void first(int argc, char **argv)
{
	double allowed = atof(argv[argc - 1]);
	struct command c = { .size = 8 };
	char number[16];
	size_t size[32];
	int count, i;

	while (c.kind < QUIT && strcmp(rows[c.kind], argv[1]))
		c.kind++;
	if (c.kind == PINGPONG || c.kind == MCAST) {
		snprintf(number, sizeof(number), "%d", tasks);
		count = parse_sizes(argv[2], size, 32);
		for (i = 0; i < count; i++) {
			c.size = (int)size[i];
			report(argv[1], c.kind == MCAST ? number : "mpi", size[i],
			       measure(work, &c, allowed), c.kind == PINGPONG ? 2 : 1);
		}
	} else if (c.kind == RATE) {
		report("rate", "raw", 8, measure(work, &c, allowed), WINDOW);
	} else {
		report(argv[1], c.kind == RING || c.kind == PAIRS ? "raw" : "8", (size_t)tasks,
		       measure(work, &c, allowed), c.kind == RING ? tasks : 1);
	}
	c.kind = QUIT;
	tell_all(&c);
}

int main(int argc, char **argv)
{
	prepare_process();
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &me);
	MPI_Comm_size(MPI_COMM_WORLD, &tasks);
	out = malloc(MOST_BYTES);
	in = malloc(MOST_BYTES);
	memset(out, 1, MOST_BYTES);
	memset(in, 2, MOST_BYTES);
	if (me == 0)
		first(argc, argv);
	else
		member();
	MPI_Finalize();
	return 0;
}
