/*
 * barriers.c: groups under stress. Every task writes the number of the barrier into its place of a
 * file before it enters and looks at all places when it has left: nobody may leave before all have
 * entered. When all is well there is FILE.done at the end.
 *
 *   barriers FILE TASKS ROUNDS plain      TASKS members, one of them from the shell or the VM
 *   ...                        static     the same in a group that is frozen
 *   ...                        two        two groups in turn, and a reduce with a known result
 *   ...                        visitors   others join, ask, leave and are killed all the time; instance 0
 *                                         belongs to one that computes and never calls the library again
 */
#include <fcntl.h>
#include <signal.h>

#include "common.h"

#define MOST 64
enum { READY = 1, GO = 2, DONE = 3, SUM = 4 };

static char *path, *mode;
static int tasks, rounds, place, file;
static char *names[2] = { "barriers-a", "barriers-b" };

static void write_round(int64_t round)
{
	if (pwrite(file, &round, sizeof(round), place * (long)sizeof(round)) != sizeof(round))
		die("pwrite");
}

static void check_round(int64_t round)
{
	int64_t seen[MOST];
	int i;

	if (pread(file, seen, (size_t)tasks * sizeof(*seen), 0) != (long)((size_t)tasks * sizeof(*seen)))
		die("pread");
	for (i = 0; i < tasks; i++)
		if (seen[i] < round)
			die("barrier %ld was left while task %d was at %ld", (long)round, i, (long)seen[i]);
}

static void pass(char *group, int64_t round)
{
	int code;

	write_round(round);
	code = pvm_barrier(group, !strcmp(mode, "visitors") || round % 3 ? tasks : -1);
	if (code)
		die("barrier %ld: %d", (long)round, code);
	check_round(round);
}

static void combine(int *type, void *x, void *y, int *items, int *info)
{
	*(unsigned int *)x = *(unsigned int *)x * 31 + *(unsigned int *)y;
	*info = (*type == PVM_UINT && *items == 1) ? PvmOk : PvmBadParam;
}

/* An operation that shows the order in which the members' values were taken. */
static void reduce(int64_t round)
{
	unsigned int value = (unsigned int)(mix((uint64_t)round) + (unsigned int)place), expected;
	int i, code, root = (int)(round % tasks);

	expected = (unsigned int)mix((uint64_t)round);
	for (i = 1; i < tasks; i++)
		expected = expected * 31 + (unsigned int)(mix((uint64_t)round) + (unsigned int)i);
	code = pvm_reduce(combine, &value, 1, PVM_UINT, SUM, names[0], root);
	if (code < 0)
		die("reduce %ld: %d", (long)round, code);
	if (place == root && value != expected)
		die("reduce %ld: %u instead of %u", (long)round, value, expected);
}

static void member(void)
{
	int64_t round;

	for (round = 1; round <= rounds; round++) {
		pass(names[0], round);
		if (strcmp(mode, "two"))
			continue;
		pass(names[1], ++round);
		if (round % 50 == 0)
			reduce(round);
	}
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* Comes, asks what must be true while it is a member, and goes; or waits to be killed. */
static void visitor(void)
{
	int me = pvm_mytid(), instance, i;

	for (i = 0;; i++) {
		instance = pvm_joingroup(names[0]);
		if (instance < 0)
			die("visitor joins: %d", instance);
		if (pvm_getinst(names[0], me) != instance || pvm_gettid(names[0], instance) != me ||
		    pvm_gsize(names[0]) < tasks + 2)
			die("visitor %d: instance %d, tid %x, size %d", instance, pvm_getinst(names[0], me),
			    pvm_gettid(names[0], instance), pvm_gsize(names[0]));
		if (pvm_lvgroup(names[0]) < 0)
			die("visitor leaves");
		if (i % 8 == 7) {
			pvm_joingroup(names[0]);
			pvm_initsend(PvmDataDefault);
			pvm_send(pvm_parent(), DONE);
			pvm_recv(pvm_parent(), GO);     /* never comes */
		}
	}
}

static int start(char **argv, int count, int number, int *tids)
{
	char text[2][16], *args[7] = { path, text[0], argv[3], mode, text[1], NULL, NULL };
	int i, started = 0;

	snprintf(text[0], sizeof(text[0]), "%d", tasks);
	for (i = 0; i < count; i++) {
		snprintf(text[1], sizeof(text[1]), "%d", number < 0 ? number : number + i);
		started += pvm_spawn(own_name(argv), args, PvmTaskDefault, "", 1, tids + i);
	}
	if (started != count)
		die("spawn: %d of %d", started, count);
	return started;
}

/* Instance 0 computes for ever; two visitors come and go, and are killed and replaced, until the members are done. */
static void watch_visitors(char **argv, int computing)
{
	int visitors[2], done = 0, i, source, killed = 0;

	start(argv, 2, -2, visitors);
	while (done < tasks) {
		pvm_recv(-1, DONE);
		pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &source);
		for (i = 0; i < 2 && visitors[i] != source; i++)
			;
		if (i == 2) {
			done++;
			continue;
		}
		pvm_kill(visitors[i]);
		killed++;
		start(argv, 1, -2, visitors + i);
	}
	pvm_kill(computing);
	pvm_kill(visitors[0]);
	pvm_kill(visitors[1]);
	printf("%d visitors killed\n", killed);
}

static void lead(char **argv)
{
	int tids[MOST], computing = 0, own = strcmp(mode, "visitors") != 0, i;
	char done[4096];

	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || ftruncate(file, (long)((size_t)tasks * sizeof(int64_t))))
		die("%s", path);
	if (!own) {
		start(argv, 1, -1, &computing);
		pvm_recv(computing, READY);
	}
	if (own && (pvm_joingroup(names[0]) || pvm_joingroup(names[1])))
		die("join");
	for (i = own; i < tasks; i++) {         /* instances in the order of places */
		start(argv, 1, i, tids + i);
		pvm_recv(tids[i], READY);
	}
	printf("barriers started\n");
	fflush(stdout);
	pvm_initsend(PvmDataDefault);
	pvm_mcast(tids + own, tasks - own, GO);
	if (own) {
		if (!strcmp(mode, "static") && pvm_freezegroup(names[0], tasks) < 0)
			die("freeze");
		member();
		for (i = 1; i < tasks; i++)
			pvm_recv(tids[i], DONE);
	} else {
		watch_visitors(argv, computing);
	}
	printf("%d barriers of %d tasks\n", rounds, tasks);
	snprintf(done, sizeof(done), "%s.done", path);
	close(open(done, O_WRONLY | O_CREAT, 0600));
}

static void follow(void)
{
	if (place == -2)
		visitor();
	if (pvm_joingroup(names[0]) < 0 || (place >= 0 && pvm_joingroup(names[1]) < 0))
		die("join");
	pvm_initsend(PvmDataDefault);
	pvm_send(pvm_parent(), READY);
	if (place == -1)
		spin();
	pvm_recv(pvm_parent(), GO);
	file = open(path, O_RDWR);
	if (file < 0)
		die("%s", path);
	if (!strcmp(mode, "static") && pvm_freezegroup(names[0], tasks) < 0)
		die("freeze");
	member();
	pvm_initsend(PvmDataDefault);
	pvm_send(pvm_parent(), DONE);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5)
		return 2;
	path = argv[1];
	tasks = atoi(argv[2]);
	rounds = atoi(argv[3]);
	mode = argv[4];
	if (tasks < 2 || tasks > MOST)
		return 2;
	pvm_mytid();
	if (argc > 5) {
		place = atoi(argv[5]);
		follow();
	} else {
		lead(argv);
	}
	pvm_exit();
	return 0;
}
