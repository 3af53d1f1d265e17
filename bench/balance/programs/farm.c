/*
 * farm WORKERS UNITS MILLISECONDS
 *
 * The master hands out units of work, one at a time to each worker; each takes so much processor time,
 * however long that may last. It prints how long all of them took.
 */
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, MOST_WORKERS = 64 };

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The clock of the processor begins anew where a process has moved to: only what it gains is counted. */
static double compute(double seconds)
{
	double used = 0, last = now(CLOCK_PROCESS_CPUTIME_ID), x = 0.5;

	while (used < seconds) {
		double time;
		int i;

		for (i = 0; i < 100000; i++)
			x = x * 0.999 + (double)(i % 7) / 3;
		time = now(CLOCK_PROCESS_CPUTIME_ID);
		if (time > last)
			used += time - last;
		last = time;
	}
	return x;
}

static void worker(void)
{
	int milliseconds = 1;

	while (pvm_recv(pvm_parent(), TAG_WORK) > 0 && pvm_upkint(&milliseconds, 1, 1) == 0 && milliseconds > 0) {
		double x = compute(milliseconds / 1e3);

		pvm_initsend(PvmDataRaw);
		pvm_pkdouble(&x, 1, 1);
		pvm_send(pvm_parent(), TAG_RESULT);
	}
}

static void hand_out(int tid, int milliseconds)
{
	pvm_initsend(PvmDataRaw);
	pvm_pkint(&milliseconds, 1, 1);
	pvm_send(tid, TAG_WORK);
}

static int master(char *program, int workers, int units, int milliseconds)
{
	int tids[MOST_WORKERS], given = 0, done = 0, bytes, tag, tid, i;
	double started = now(CLOCK_MONOTONIC);

	if (pvm_spawn(program, NULL, PvmTaskDefault, "", workers, tids) != workers)
		return 1;
	for (i = 0; i < workers && given < units; i++, given++)
		hand_out(tids[i], milliseconds);
	while (done < units) {
		if (pvm_recv(-1, TAG_RESULT) < 0)
			return 1;
		pvm_bufinfo(pvm_getrbuf(), &bytes, &tag, &tid);
		done++;
		if (given < units) {
			hand_out(tid, milliseconds);
			given++;
		}
	}
	printf("farm: done in %.2f s\n", now(CLOCK_MONOTONIC) - started);
	for (i = 0; i < workers; i++)
		hand_out(tids[i], 0);
	return 0;
}

int main(int argc, char **argv)
{
	int result = 0;

	if (pvm_mytid() < 0)
		return 1;
	if (pvm_parent() > 0)
		worker();
	else if (argc == 4 && atoi(argv[1]) <= MOST_WORKERS)
		result = master(argv[0], atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
	else
		result = 2;
	pvm_exit();
	return result;
}
