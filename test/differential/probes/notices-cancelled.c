/* pvm_notify of every kind, made and cancelled; what the cancelling brings. */
#include "probe.h"

static int child(void)
{
	patient_recv(pvm_parent(), 1);
	pvm_exit();
	return 0;
}

static void what_comes(int tag)
{
	struct timeval short_time = { 0, 300000 };
	int mid, values[2] = { 0, 0 };

	while ((mid = pvm_trecv(-1, tag, &short_time)) > 0) {
		pvm_upkint(values, 1, 1);
		printf("tag %d: %d bytes, from the daemon %d\n", tag, length_of(mid), source_of(mid) == (int)0x80000000);
	}
}

int main(int argc, char **argv)
{
	int tids[2], host, i;

	start();
	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "child"))
		return child();
	tids[0] = child_of(argv, "child");
	tids[1] = child_of(argv, "child");
	host = tids[0] & 0x3ffc0000;
	SHOW(pvm_notify(PvmTaskExit, 10, 2, tids));
	SHOW(pvm_notify(PvmTaskExit, 11, 2, tids));
	SHOW(pvm_notify(PvmTaskExit | PvmNotifyCancel, 11, 1, tids));
	what_comes(11);
	SHOW(pvm_notify(PvmTaskExit | PvmNotifyCancel, 99, 1, tids));
	what_comes(99);
	SHOW(pvm_notify(PvmHostDelete, 12, 1, &host));
	SHOW(pvm_notify(PvmHostDelete | PvmNotifyCancel, 12, 1, &host));
	what_comes(12);
	SHOW(pvm_notify(PvmHostAdd, 13, -1, NULL));
	SHOW(pvm_notify(PvmHostAdd, 13, 3, NULL));
	SHOW(pvm_notify(PvmHostAdd, 13, 0, NULL));
	SHOW(pvm_notify(PvmHostAdd | PvmNotifyCancel, 13, 0, NULL));
	what_comes(13);
	SHOW(pvm_notify(PvmTaskExit, 10, 0, tids));
	SHOW(pvm_notify(PvmTaskExit, 10, -1, tids));
	SHOW(pvm_notify(PvmHostDelete, 10, 0, &host));
	SHOW(pvm_notify(0, 10, 1, tids));
	SHOW(pvm_notify(77, 10, 1, tids));
	i = 0;
	SHOW(pvm_notify(PvmTaskExit, 10, 1, &i));
	for (i = 0; i < 2; i++)
		signal_to(tids[i], 1);
	for (i = 0; i < 2; i++)
		SHOW(patient_recv(-1, 10) > 0);
	SHOW(patient_recv(-1, 11) > 0);
	what_comes(11);
	SHOW(pvm_exit());
	return 0;
}
