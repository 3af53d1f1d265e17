/* pvm_mcast: doubles and oneself are left out. */
#include "probe.h"

int main(int argc, char **argv)
{
	int t[2], list[5], me = start(), i, n;

	if (is_child(argc, argv, "count")) {
		n = 0;
		while (tag_of(pvm_recv(pvm_parent(), -1)) != 9)
			n++;
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&n, 1, 1);
		pvm_send(pvm_parent(), 2);
		pvm_exit();
		return 0;
	}
	for (i = 0; i < 2; i++)
		t[i] = child_of(argv, "count");
	list[0] = list[3] = t[0];
	list[1] = me;
	list[2] = list[4] = t[1];
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_mcast(list, 5, 1));
	SHOW(list[0] == t[0] && list[1] == me && list[2] == t[1] && list[3] == t[0]);
	SHOW(pvm_mcast(list, 3, 9));
	for (i = 0; i < 2; i++) {
		patient_recv(t[i], 2);
		pvm_upkint(&n, 1, 1);
		SHOW(n);
	}
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
