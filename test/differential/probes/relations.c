/* pvm_parent of tasks from a shell, spawned, and enrolled again after pvm_exit. */
#include "probe.h"

int main(int argc, char **argv)
{
	int v[6];
	int me = start();

	if (is_child(argc, argv, "again")) {
		v[0] = me;
		v[1] = pvm_parent();
		pvm_exit();
		v[2] = pvm_mytid();
		v[3] = pvm_parent();
		v[4] = pvm_siblings(&(int *){ NULL });
		pvm_initsend(PvmDataDefault);
		pvm_pkint(v, 5, 1);
		pvm_send(v[1], 4);
		pvm_exit();
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_parent());
	child_of(argv, "again");
	if (patient_recv(-1, 4) <= 0)
		return 1;
	pvm_upkint(v, 5, 1);
	SHOW(v[1] == me);
	SHOW(v[0] != v[2]);
	SHOW(v[2] > 0);
	SHOW(v[3]);
	SHOW(v[4]);
	SHOW(pvm_exit());
	SHOW(pvm_exit());
	v[0] = pvm_mytid();
	SHOW(v[0] > 0 && v[0] != me);
	SHOW(pvm_parent());
	SHOW(pvm_exit());
	return 0;
}
