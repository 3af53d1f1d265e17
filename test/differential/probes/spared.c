/* PvmNoReset: said in the mailbox, read by pvm_getnoresets, obeyed by pvmreset. */
#include "probe.h"

int pvmreset(int tid, int kill_tasks, char *class_name, int index);

static int child(int spared)
{
	if (spared)
		pvm_setopt(PvmNoReset, 1);
	signal_to(pvm_parent(), 1);
	patient_recv(pvm_parent(), 2);
	signal_to(pvm_parent(), 3);
	pvm_exit();
	return 0;
}

static void class(char *name)
{
	struct pvmmboxinfo *classes;
	int count = -1;

	SHOW(pvm_getmboxinfo(name, &count, &classes));
	printf("%s: %d\n", name, count > 0 ? classes[0].mi_nentries : 0);
}

int main(int argc, char **argv)
{
	int me = start(), tids[2], *spared, count = -1, mid, gone = 0, value = 1;

	if (argc > 1)
		return child(!strcmp(argv[1], "spared"));
	SHOW(pvm_getnoresets(&spared, &count));
	SHOW(count);
	SHOW(pvm_setopt(PvmNoReset, 1));
	SHOW(pvm_setopt(PvmNoReset, 1));
	SHOW(pvm_getopt(PvmNoReset));
	SHOW(pvm_getnoresets(&spared, &count));
	printf("%d, me %d\n", count, spared[0] == me);
	SHOW(pvm_setopt(PvmNoReset, 0));
	SHOW(pvm_getnoresets(&spared, &count));
	SHOW(count);
	tids[0] = child_of(argv, "spared");
	tids[1] = child_of(argv, "other");
	patient_recv(tids[0], 1);
	patient_recv(tids[1], 1);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	SHOW(pvm_putinfo("probe_left", pvm_getsbuf(), PvmMboxPersistent));
	SHOW(pvm_notify(PvmTaskExit, 9, 2, tids));
	SHOW(pvmreset(me, 1, "", -1));
	mid = patient_recv(-1, 9);
	pvm_upkint(&gone, 1, 1);
	printf("the other is gone %d\n", gone == tids[1]);
	SHOW(pvm_pstat(tids[0]));
	class("probe_left");
	signal_to(tids[0], 2);
	SHOW(patient_recv(tids[0], 3) > 0);
	SHOW(pvm_delinfo("probe_left", 0, 0));
	SHOW(pvm_exit());
	return 0;
}
