/* Several notices about one task, and one about several. */
#include "probe.h"

int main(int argc, char **argv)
{
	int t[3], i, about, count = 0;

	start();
	if (is_child(argc, argv, "wait")) {
		pvm_recv(pvm_parent(), 1);
		pvm_exit();
		return 0;
	}
	for (i = 0; i < 3; i++)
		t[i] = child_of(argv, "wait");
	SHOW(pvm_notify(PvmTaskExit, 10, 3, t));
	SHOW(pvm_notify(PvmTaskExit, 11, 1, t + 1));
	SHOW(pvm_notify(PvmTaskExit, 11, 1, t + 1));
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_mcast(t, 3, 1));
	for (i = 0; i < 3; i++) {
		if (patient_recv(-1, 10) <= 0)
			return 1;
		pvm_upkint(&about, 1, 1);
		count += about == t[0] || about == t[1] || about == t[2];
	}
	SHOW(count);
	SHOW(patient_recv(-1, 11) > 0);
	SHOW(patient_recv(-1, 11) > 0);
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
