/* What is packed or sent does not change with the program's memory afterwards. */
#include "probe.h"

static int child(void)
{
	int i, mid, values[4];

	for (i = 0; i < 4; i++) {
		mid = patient_recv(pvm_parent(), i + 1);
		memset(values, 0, sizeof(values));
		pvm_upkint(values, 4, 1);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(values, 4, 1);
		pvm_send(pvm_parent(), i + 1);
	}
	pvm_exit();
	return 0;
}

static void show(int tid, int tag)
{
	int values[4] = { 0 };

	patient_recv(tid, tag);
	pvm_upkint(values, 4, 1);
	printf("tag %d: %d %d %d %d\n", tag, values[0], values[1], values[2], values[3]);
}

int main(int argc, char **argv)
{
	int values[4] = { 1, 2, 3, 4 }, tid, i;

	start();
	if (is_child(argc, argv, "child"))
		return child();
	tid = child_of(argv, "child");
	pvm_initsend(PvmDataDefault);
	pvm_pkint(values, 4, 1);
	values[0] = 100;
	SHOW(pvm_send(tid, 1));
	pvm_initsend(PvmDataRaw);
	pvm_pkint(values, 4, 1);
	values[1] = 200;
	SHOW(pvm_send(tid, 2));
	/* In place: as it is when it is sent. */
	pvm_initsend(PvmDataInPlace);
	pvm_pkint(values, 4, 1);
	values[2] = 300;
	SHOW(pvm_send(tid, 3));
	values[3] = 400;
	SHOW(pvm_psend(tid, 4, values, 4, PVM_INT));
	for (i = 0; i < 4; i++)
		values[i] = -1;
	for (i = 1; i <= 4; i++)
		show(tid, i);
	SHOW(pvm_exit());
	return 0;
}
