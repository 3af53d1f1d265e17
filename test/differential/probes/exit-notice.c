/* pvm_notify(PvmTaskExit): its message, its order after the last words, the dead, the cancelled. */
#include "probe.h"

int main(int argc, char **argv)
{
	int i, tid, about, me = start();

	if (is_child(argc, argv, "talk")) {
		pvm_setopt(PvmRoute, PvmDontRoute);        /* another route, another order */
		for (i = 0; i < 5; i++)
			signal_to(pvm_parent(), 3);
		pvm_exit();        /* without it PVM may lose the last words */
		return 3;
	}
	pvm_setopt(PvmAutoErr, 0);
	tid = child_of(argv, "talk");
	SHOW(pvm_notify(PvmTaskExit, 23, 1, &tid));
	for (i = 0; i < 6; i++) {
		if (patient_recv(-1, -1) <= 0)
			break;
		printf("tag %d\n", tag_of(pvm_getrbuf()));
	}
	SHOW(length_of(pvm_getrbuf()));
	printf("source 0x%x\n", (unsigned)source_of(pvm_getrbuf()) & 0x80000000u);
	SHOW(pvm_upkint(&about, 1, 1));
	SHOW(about == tid);
	SHOW(pvm_notify(PvmTaskExit, 24, 1, &tid));
	SHOW(patient_recv(-1, 24) > 0);
	about = 0x3ffc0001;
	SHOW(pvm_notify(PvmTaskExit, 25, 1, &about));
	SHOW(patient_recv(-1, 25) > 0);
	SHOW(pvm_notify(PvmTaskExit, 22, 0, &tid));
	SHOW(pvm_notify(PvmTaskExit, 22, -1, &tid));
	SHOW(pvm_notify(99, 22, 1, &tid));
	about = -7;
	SHOW(pvm_notify(PvmTaskExit, 22, 1, &about));
	SHOW(pvm_notify(PvmTaskExit, 26, 1, &me));
	SHOW(pvm_notify(PvmTaskExit | PvmNotifyCancel, 26, 1, &me));
	SHOW(patient_recv(-1, 26) > 0);
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
