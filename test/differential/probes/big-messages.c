/* Large messages, many fragments in PVM's terms, each way of packing, to a task and back. */
#include "probe.h"

#define MANY 700001

int main(int argc, char **argv)
{
	static int v[MANY], back[MANY];
	int i, n, tid, round;

	start();
	if (is_child(argc, argv, "echo")) {
		for (round = 0; round < 3; round++) {
			pvm_recv(pvm_parent(), 1);
			pvm_upkint(&n, 1, 1);
			pvm_upkint(back, n, 1);
			pvm_initsend(PvmDataDefault);
			pvm_pkint(&n, 1, 1);
			pvm_pkint(back, n, 1);
			pvm_send(pvm_parent(), 2);
		}
		pvm_exit();
		return 0;
	}
	for (i = 0; i < MANY; i++)
		v[i] = i * 7 - 3;
	tid = child_of(argv, "echo");
	for (round = 0; round < 3; round++) {
		n = round == 0 ? 1 : round == 1 ? 5000 : MANY;
		pvm_initsend(round == 1 ? PvmDataRaw : round == 2 ? PvmDataInPlace : PvmDataDefault);
		pvm_pkint(&n, 1, 1);
		pvm_pkint(v, n, 1);
		SHOW(pvm_send(tid, 1));
		SHOW(pvm_recv(tid, 2) > 0);
		SHOW(length_of(pvm_getrbuf()));
		pvm_upkint(&n, 1, 1);
		pvm_upkint(back, n, 1);
		SHOW(memcmp(v, back, (size_t)n * sizeof *v));
	}
	pvm_exit();
	return 0;
}
