/* doctor TID [end]: asks a subject for its health; one line of figures, then one a finding. */
#include "common.h"
#include "subject.h"

#define ROUNDS 300

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static double times[ROUNDS];
	static char findings[8192];
	int tid, i, figures[6];

	if (argc < 2 || pvm_mytid() < 0)
		return 2;
	tid = (int)strtol(argv[1] + (argv[1][0] == 't'), NULL, 16);
	if (argc > 2) {
		pvm_initsend(PvmDataDefault);
		pvm_send(tid, TAG_END);
		pvm_exit();
		return 0;
	}
	for (i = 0; i < ROUNDS; i++) {
		double from = seconds();

		pvm_initsend(PvmDataDefault);
		pvm_send(tid, TAG_ECHO);
		pvm_recv(tid, TAG_ECHO);
		times[i] = seconds() - from;
	}
	qsort(times, ROUNDS, sizeof *times, compare);
	pvm_initsend(PvmDataDefault);
	pvm_send(tid, TAG_CHECK);
	pvm_recv(tid, TAG_CHECK);
	pvm_upkstr(findings);
	pvm_upkint(figures, 6, 1);
	printf("rss=%d fds=%d maps=%d threads=%d pid=%d alarms=%d rtt_us=%.1f\n%s", figures[0],
	       figures[1], figures[2], figures[3], figures[4], figures[5], times[ROUNDS / 2] * 1e6, findings);
	pvm_exit();
	return 0;
}
