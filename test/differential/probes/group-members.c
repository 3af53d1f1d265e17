/* Instances, broadcast, barrier, and a member that dies. */
#include "probe.h"

int main(int argc, char **argv)
{
	int t[3], i, x, sum = 0, me = start();

	if (is_child(argc, argv, "member")) {
		i = pvm_joingroup("probe-members");
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_send(pvm_parent(), 5);
		pvm_recv(pvm_parent(), 6);
		pvm_initsend(PvmDataDefault);
		pvm_bcast("probe-members", 66);
		x = pvm_barrier("probe-members", 3);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&x, 1, 1);
		pvm_send(pvm_parent(), 7);
		pvm_recv(pvm_parent(), 8);
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_joingroup("probe-members"));
	for (i = 0; i < 2; i++) {
		t[i] = child_of(argv, "member");
		patient_recv(t[i], 5);
		pvm_upkint(&x, 1, 1);
		SHOW(x);
	}
	SHOW(pvm_gsize("probe-members"));
	SHOW(pvm_gettid("probe-members", 1) == t[0]);
	SHOW(pvm_getinst("probe-members", t[1]));
	pvm_initsend(PvmDataDefault);
	pvm_mcast(t, 2, 6);
	for (i = 0; i < 2; i++)
		sum += patient_recv(-1, 66) > 0;
	SHOW(sum);
	SHOW(pvm_barrier("probe-members", 3));
	for (i = 0; i < 2; i++) {
		patient_recv(t[i], 7);
		pvm_upkint(&x, 1, 1);
		SHOW(x);
	}
	pvm_notify(PvmTaskExit, 9, 2, t);
	pvm_initsend(PvmDataDefault);
	pvm_mcast(t, 2, 8);
	patient_recv(-1, 9);
	patient_recv(-1, 9);
	for (i = 0; i < 400 && pvm_gsize("probe-members") != 1; i++)
		usleep(5000);
	SHOW(pvm_gsize("probe-members"));
	SHOW(pvm_gettid("probe-members", 0) == me);
	SHOW(pvm_gettid("probe-members", 1));
	SHOW(pvm_lvgroup("probe-members"));
	pvm_exit();
	return 0;
}
