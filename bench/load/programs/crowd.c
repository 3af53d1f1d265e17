/*
 * crowd TASKS: TASKS tasks are spawned at once and do what they are told, a line each on stdin.
 *
 *   start         they are spawned; the first line
 *   talk ROUNDS   every task sends a message to its right neighbour and waits for that of its left, so often
 *   end           all end; the program ends when it has heard of each end
 *
 * It answers "seconds" when all have done so.
 */
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAG_SETUP 1
#define TAG_READY 2
#define TAG_TALK 3
#define TAG_DONE 4
#define TAG_ENDED 5
#define TAG_RING 6
#define MOST 16384

static int tids[MOST];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int member(void)
{
	int parent = pvm_parent(), left, right, rounds, tag, i, number;

	pvm_recv(parent, TAG_SETUP);
	pvm_upkint(&left, 1, 1);
	pvm_upkint(&right, 1, 1);
	pvm_initsend(PvmDataDefault);
	pvm_send(parent, TAG_READY);
	for (;;) {
		pvm_recv(parent, -1);
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		if (tag != TAG_TALK)
			break;
		pvm_upkint(&rounds, 1, 1);
		for (i = 0; i < rounds; i++) {
			pvm_initsend(PvmDataDefault);
			pvm_pkint(&i, 1, 1);
			pvm_send(right, TAG_RING);
			pvm_recv(left, TAG_RING);
			pvm_upkint(&number, 1, 1);
			if (number != i)
				return 1;
		}
		pvm_initsend(PvmDataDefault);
		pvm_send(parent, TAG_DONE);
	}
	pvm_exit();
	return 0;
}

static void all_answer(int tasks, int tag)
{
	while (tasks--)
		if (pvm_recv(-1, tag) < 0)
			exit(1);
}

int main(int argc, char **argv)
{
	static char *role[] = { "member", NULL };
	char line[64], *slash = strrchr(argv[0], '/');
	int tasks, i;
	double from;

	if (argc == 2 && !strcmp(argv[1], "member"))
		return pvm_mytid() < 0 || member();
	if (argc != 2 || (tasks = atoi(argv[1])) < 2 || tasks > MOST || pvm_mytid() < 0)
		return 2;
	if (!fgets(line, sizeof line, stdin))
		return 0;
	from = now();
	i = pvm_spawn(slash ? slash + 1 : argv[0], role, PvmTaskDefault, "", tasks, tids);
	if (i != tasks) {
		fprintf(stderr, "crowd: started %d of %d, first code %d\n", i, tasks, tids[i > 0 ? i : 0]);
		return 1;
	}
	for (i = 0; i < tasks; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&tids[(i + tasks - 1) % tasks], 1, 1);
		pvm_pkint(&tids[(i + 1) % tasks], 1, 1);
		pvm_send(tids[i], TAG_SETUP);
	}
	all_answer(tasks, TAG_READY);
	printf("%.6f\n", now() - from);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		int rounds = 0, talk = sscanf(line, "talk %d", &rounds);

		from = now();
		if (!talk)
			pvm_notify(PvmTaskExit, TAG_ENDED, tasks, tids);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&rounds, 1, 1);
		pvm_mcast(tids, tasks, talk ? TAG_TALK : TAG_ENDED);
		all_answer(tasks, talk ? TAG_DONE : TAG_ENDED);
		printf("%.6f\n", now() - from);
		fflush(stdout);
		if (!talk)
			break;
	}
	pvm_exit();
	return 0;
}
