/* A member that is killed while it waits in a barrier has come all the same; it is a member no more. */
#include "probe.h"

int main(int argc, char **argv)
{
	int t[2], i, x;

	start();
	if (is_child(argc, argv, "in")) {
		pvm_joingroup("probe-death");
		signal_to(pvm_parent(), 1);
		pvm_recv(pvm_parent(), 2);
		x = pvm_barrier("probe-death", 3);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&x, 1, 1);
		pvm_send(pvm_parent(), 3);
		pvm_recv(pvm_parent(), 4);
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_joingroup("probe-death"));
	for (i = 0; i < 2; i++) {
		t[i] = child_of(argv, "in");
		patient_recv(t[i], 1);
	}
	pvm_notify(PvmTaskExit, 9, 1, t);
	signal_to(t[0], 2);
	/* Another count is refused as soon as it waits, and passes before. */
	for (i = 0; i < 4000 && (x = pvm_barrier("probe-death", 1)) == 0; i++)
		usleep(1000);
	SHOW(x);
	pvm_kill(t[0]);
	patient_recv(-1, 9);
	for (i = 0; i < 400 && pvm_gsize("probe-death") != 2; i++)
		usleep(5000);
	SHOW(pvm_gsize("probe-death"));
	SHOW(pvm_barrier("probe-death", 1));
	signal_to(t[1], 2);
	SHOW(pvm_barrier("probe-death", 3));
	patient_recv(t[1], 3);
	pvm_upkint(&x, 1, 1);
	SHOW(x);
	signal_to(t[1], 4);
	SHOW(pvm_barrier("probe-death", 1));
	SHOW(pvm_lvgroup("probe-death"));
	pvm_exit();
	return 0;
}
