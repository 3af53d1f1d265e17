/* Whose entries may be overwritten or deleted by another, what stays when the owner leaves, waiting. */
#include "probe.h"

int main(int argc, char **argv)
{
	int i = 7, tid;

	start();
	pvm_setopt(PvmAutoErr, 0);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&i, 1, 1);
	if (is_child(argc, argv, "owner")) {
		pvm_putinfo("owned", pvm_getsbuf(), PvmMboxDefault);
		pvm_putinfo("open", pvm_getsbuf(), PvmMboxOverWritable);
		pvm_putinfo("stays", pvm_getsbuf(), PvmMboxPersistent);
		signal_to(pvm_parent(), 1);
		pvm_recv(pvm_parent(), 2);
		pvm_exit();
		return 0;
	}
	if (is_child(argc, argv, "late")) {
		pvm_recv(pvm_parent(), 3);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_putinfo("awaited", pvm_getsbuf(), PvmMboxPersistent);
		pvm_exit();
		return 0;
	}
	tid = child_of(argv, "owner");
	patient_recv(tid, 1);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&i, 1, 1);
	SHOW(pvm_putinfo("owned", pvm_getsbuf(), PvmMboxDefault));
	SHOW(pvm_delinfo("owned", 0, PvmMboxDefault));
	SHOW(pvm_recvinfo("owned", 0, 0) > 0);
	SHOW(pvm_putinfo("open", pvm_getsbuf(), PvmMboxOverWritable));
	SHOW(pvm_putinfo("stays", pvm_getsbuf(), PvmMboxPersistent));
	pvm_notify(PvmTaskExit, 4, 1, &tid);
	signal_to(tid, 2);
	patient_recv(-1, 4);
	SHOW(pvm_recvinfo("owned", 0, 0));
	SHOW(pvm_recvinfo("stays", 0, 0) > 0);
	SHOW(pvm_delinfo("stays", 0, 0));
	SHOW(pvm_delinfo("open", 0, 0));
	tid = child_of(argv, "late");
	signal_to(tid, 3);
	SHOW(pvm_recvinfo("awaited", 0, PvmMboxWaitForInfo) > 0);
	SHOW(pvm_delinfo("awaited", 0, 0));
	pvm_exit();
	return 0;
}
