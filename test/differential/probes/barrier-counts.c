/* Barriers again and again: by all, by some, by -1, with a count that others do not have; questions between them. */
#include "probe.h"

#define GROUP "probe-counts"

static int me, tids[3];

static void round_of(int count)
{
	int i, result = 0;

	for (i = 0; i < 40; i++)
		result |= pvm_barrier(GROUP, count);
	if (me == 0)
		printf("40 of %d: %d\n", count, result);
}

static void questions(void)
{
	int i, wrong = 0;

	for (i = 0; i < 20; i++)
		wrong += pvm_gsize(GROUP) != 3 || pvm_gettid(GROUP, 2) != tids[2] || pvm_getinst(GROUP, tids[1]) != 1 ||
			 pvm_gettid(GROUP, 3) != PvmNoInst || pvm_getinst(GROUP, 0x3ffc0001) != PvmNotInGroup;
	if (me == 0)
		SHOW(wrong);
}

/* Instance 1 waits for two; 0 finds that out, and comes. */
static void two_of_three(void)
{
	int i, x = 0;

	if (me == 0) {
		for (i = 0; i < 4000 && (x = pvm_barrier(GROUP, 1)) == 0; i++)
			usleep(1000);
		SHOW(x);
		SHOW(pvm_barrier(GROUP, 3));
		SHOW(pvm_barrier(GROUP, -1));
		SHOW(pvm_barrier(GROUP, 2));
		signal_to(tids[1], 4);
		signal_to(tids[2], 4);
		return;
	}
	if (me == 1)
		pvm_barrier(GROUP, 2);
	pvm_recv(tids[0], 4);
}

int main(int argc, char **argv)
{
	int i;

	tids[0] = start();
	pvm_setopt(PvmAutoErr, 0);
	me = pvm_joingroup(GROUP);
	if (!is_child(argc, argv, "in")) {
		for (i = 1; i < 3; i++) {
			tids[i] = child_of(argv, "in");
			patient_recv(tids[i], 1);
		}
		pvm_initsend(PvmDataDefault);
		pvm_pkint(tids, 3, 1);
		pvm_mcast(tids + 1, 2, 2);
	} else {
		signal_to(pvm_parent(), 1);
		pvm_recv(pvm_parent(), 2);
		pvm_upkint(tids, 3, 1);
	}
	round_of(3);
	questions();
	round_of(-1);
	two_of_three();
	round_of(3);
	if (me == 2)
		pvm_lvgroup(GROUP);
	if (me == 2) {
		signal_to(tids[0], 5);
		signal_to(tids[1], 5);
		pvm_recv(tids[0], 6);
	} else {
		patient_recv(tids[2], 5);
		round_of(-1);
		if (me == 0) {
			SHOW(pvm_gsize(GROUP));
			SHOW(pvm_gettid(GROUP, 2));
			signal_to(tids[1], 6);
			signal_to(tids[2], 6);
		} else {
			pvm_recv(tids[0], 6);
		}
	}
	pvm_exit();
	return 0;
}
