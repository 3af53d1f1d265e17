/* A spawned task that leaves while its process lives on is told dead only when the process ends. */
#include "probe.h"

int main(int argc, char **argv)
{
	struct timeval moment = { 0, 300000 };
	int tid;

	start();
	if (is_child(argc, argv, "leave")) {
		pvm_recv(pvm_parent(), 1);
		pvm_exit();
		sleep(20);
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	tid = child_of(argv, "leave");
	pvm_notify(PvmTaskExit, 5, 1, &tid);
	signal_to(tid, 1);
	SHOW(pvm_trecv(-1, 5, &moment));
	SHOW(pvm_pstat(tid));
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_send(tid, 2));
	SHOW(pvm_kill(tid));
	SHOW(patient_recv(-1, 5) > 0);
	SHOW(pvm_pstat(tid));
	SHOW(pvm_send(tid, 2));
	pvm_exit();
	return 0;
}
