/*
 * farm WORKERS UNITS MILLISECONDS [SEED]
 *
 * The master hands out numbered units of work, one at a time to each worker; a worker computes for
 * the given time and answers with a value that the master knows. Each unit must come back once.
 */
#include "common.h"

#define TAG_WORK 1
#define TAG_RESULT 2
#define TAG_STOP 3

static int seed;

static double compute(int unit, int milliseconds)
{
	double until = seconds() + milliseconds / 1000.0;
	double x;

	do {
		int i;

		x = unit + seed + 0.5;
		for (i = 0; i < 20000; i++)
			x = x * 0.999 + (double)(i % 7) / 3;
	} while (seconds() < until);
	return x;
}

static int worker(void)
{
	for (first_message(-1);; pvm_recv(pvm_parent(), -1)) {
		int tag, unit, milliseconds;
		double x;

		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		if (tag == TAG_STOP)
			break;
		pvm_upkint(&unit, 1, 1);
		pvm_upkint(&milliseconds, 1, 1);
		pvm_upkint(&seed, 1, 1);
		x = compute(unit, milliseconds);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&unit, 1, 1);
		pvm_pkdouble(&x, 1, 1);
		pvm_send(pvm_parent(), TAG_RESULT);
	}
	verdict("farm member ok seed=%d", seed);
	pvm_exit();
	return 0;
}

static void hand_out(int tid, int unit, int milliseconds)
{
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&unit, 1, 1);
	pvm_pkint(&milliseconds, 1, 1);
	pvm_pkint(&seed, 1, 1);
	pvm_send(tid, TAG_WORK);
}

int main(int argc, char **argv)
{
	static char *role[] = { "worker", NULL };
	static int tids[1024];
	int workers, units, milliseconds, next = 0, back = 0, i;
	char *seen, what[64];

	pvm_mytid();
	if (argc == 2)
		return worker();
	if (argc < 4) {
		fprintf(stderr, "usage: farm WORKERS UNITS MILLISECONDS [SEED]\n");
		return 2;
	}
	workers = atoi(argv[1]);
	units = atoi(argv[2]);
	milliseconds = atoi(argv[3]);
	seed = argc > 4 ? atoi(argv[4]) : 0;
	seen = calloc((size_t)units, 1);
	i = pvm_spawn(own_name(argv), role, PvmTaskDefault, "", workers, tids);
	if (i != workers) {
		snprintf(what, sizeof what, "farm not started seed=%d", seed);
		not_started(tids, workers, i, what);
	}
	printf("farm started\n");
	fflush(stdout);
	for (i = 0; i < workers && next < units; i++)
		hand_out(tids[i], next++, milliseconds);
	while (back < units) {
		int source, unit;
		double x;

		pvm_recv(-1, TAG_RESULT);
		pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &source);
		pvm_upkint(&unit, 1, 1);
		pvm_upkdouble(&x, 1, 1);
		if (unit < 0 || unit >= units || seen[unit])
			die("unit %d came twice or was never given", unit);
		if (x != compute(unit, 0))
			die("unit %d: %.17g instead of %.17g", unit, x, compute(unit, 0));
		seen[unit] = 1;
		back++;
		if (next < units)
			hand_out(source, next++, milliseconds);
	}
	pvm_initsend(PvmDataDefault);
	pvm_mcast(tids, workers, TAG_STOP);
	printf("farm ok workers=%d units=%d\n", workers, units);
	verdict("farm ok seed=%d", seed);
	pvm_exit();
	return 0;
}
