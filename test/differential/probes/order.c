/* Two hundred numbered messages of changing size, packing and route arrive in order. */
#include "probe.h"

int main(int argc, char **argv)
{
	static char block[60000];
	static const int routes[] = { PvmDontRoute, PvmAllowDirect, PvmRouteDirect };
	int i, n, tid, wrong = 0;

	start();
	if (is_child(argc, argv, "send")) {
		for (i = 0; i < 200; i++) {
			if (i % 20 == 0)
				pvm_setopt(PvmRoute, routes[i / 20 % 3]);
			pvm_initsend(i % 3 == 0 ? PvmDataInPlace : i % 3 == 1 ? PvmDataRaw : PvmDataDefault);
			pvm_pkint(&i, 1, 1);
			pvm_pkbyte(block, i * 311 % 60000, 1);
			pvm_send(pvm_parent(), i % 4);
		}
		pvm_exit();
		return 0;
	}
	tid = child_of(argv, "send");
	for (i = 0; i < 200; i++) {
		if (patient_recv(tid, -1) <= 0)
			break;
		pvm_upkint(&n, 1, 1);
		wrong += n != i || tag_of(pvm_getrbuf()) != i % 4;
	}
	SHOW(i);
	SHOW(wrong);
	pvm_exit();
	return 0;
}
