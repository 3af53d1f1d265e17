/* A task that waits in a barrier still answers: its message handlers run. */
#include "probe.h"

#define GROUP "probe-handlers"

static int answered;

static int answer(int mid)
{
	int x = 0, tid;

	pvm_bufinfo(mid, NULL, NULL, &tid);
	pvm_upkint(&x, 1, 1);
	x *= 2;
	answered++;
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&x, 1, 1);
	return pvm_send(tid, 6);
}

/* All come to each of four barriers; the parent only when the child, which waits there, has answered it. */
int main(int argc, char **argv)
{
	int i, j, x, tid;

	start();
	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "in")) {
		pvm_joingroup(GROUP);
		SHOW(pvm_addmhf(-1, 5, -1, answer) >= 0);
		signal_to(pvm_parent(), 1);
		for (i = 0; i < 4; i++)
			pvm_barrier(GROUP, 2);
		pvm_recv(pvm_parent(), 7);
		x = answered;
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&x, 1, 1);
		pvm_send(pvm_parent(), 8);
		pvm_exit();
		return 0;
	}
	SHOW(pvm_joingroup(GROUP) >= 0);
	tid = child_of(argv, "in");
	patient_recv(tid, 1);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 5; j++) {
			x = 10 * i + j;
			pvm_initsend(PvmDataDefault);
			pvm_pkint(&x, 1, 1);
			pvm_send(tid, 5);
			patient_recv(tid, 6);
			pvm_upkint(&x, 1, 1);
			SHOW(x);
		}
		SHOW(pvm_barrier(GROUP, 2));
	}
	signal_to(tid, 7);
	patient_recv(tid, 8);
	pvm_upkint(&x, 1, 1);
	SHOW(x);
	pvm_exit();
	return 0;
}
