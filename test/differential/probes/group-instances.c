/* A member that leaves frees its instance for the next who joins. */
#include "probe.h"

int main(int argc, char **argv)
{
	int a, b, x;

	start();
	if (is_child(argc, argv, "in")) {
		x = pvm_joingroup("probe-slots");
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&x, 1, 1);
		pvm_send(pvm_parent(), 1);
		pvm_recv(pvm_parent(), 2);
		pvm_lvgroup("probe-slots");
		signal_to(pvm_parent(), 3);
		pvm_exit();
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	a = child_of(argv, "in");
	patient_recv(a, 1);
	pvm_upkint(&x, 1, 1);
	SHOW(x);
	SHOW(pvm_joingroup("probe-slots"));
	b = child_of(argv, "in");
	patient_recv(b, 1);
	pvm_upkint(&x, 1, 1);
	SHOW(x);
	signal_to(a, 2);
	patient_recv(a, 3);
	SHOW(pvm_gsize("probe-slots"));
	SHOW(pvm_gettid("probe-slots", 0));
	a = child_of(argv, "in");
	patient_recv(a, 1);
	pvm_upkint(&x, 1, 1);
	SHOW(x);
	signal_to(a, 2);
	signal_to(b, 2);
	patient_recv(a, 3);
	patient_recv(b, 3);
	SHOW(pvm_gsize("probe-slots"));
	SHOW(pvm_lvgroup("probe-slots"));
	pvm_exit();
	return 0;
}
