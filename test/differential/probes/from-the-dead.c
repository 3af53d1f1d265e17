/* A task that has ended: what it sent arrives, before the notice; what is sent to it vanishes. */
#include "probe.h"

static int child(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_send(pvm_parent(), 7);
	}
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int tid, i, value, mid, next = 0, wrong = 0;

	start();
	if (is_child(argc, argv, "child"))
		return child();
	tid = child_of(argv, "child");
	SHOW(pvm_notify(PvmTaskExit, 8, 1, &tid));
	for (i = 0; i < 51; i++) {
		mid = patient_recv(-1, -1);
		if (tag_of(mid) == 8) {
			pvm_upkint(&value, 1, 1);
			printf("notice after %d, about it %d\n", i, value == tid);
			continue;
		}
		pvm_upkint(&value, 1, 1);
		wrong += value != next++ || source_of(mid) != tid;
	}
	SHOW(wrong);
	SHOW(pvm_pstat(tid));
	signal_to(tid, 9);
	SHOW(pvm_psend(tid, 9, &value, 1, PVM_INT));
	SHOW(pvm_mcast(&tid, 1, 9));
	SHOW(pvm_kill(tid));
	SHOW(pvm_nrecv(tid, -1));
	SHOW(pvm_notify(PvmTaskExit, 8, 1, &tid));
	SHOW(patient_recv(-1, 8) > 0);
	SHOW(pvm_exit());
	return 0;
}
