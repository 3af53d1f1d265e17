/* The mailbox with every flag, and two owners. */
#include "probe.h"

int pvmreset(int tid, int kill_tasks, char *class_name, int index);

static int put(char *name, int value, int flags)
{
	int result;

	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	result = pvm_putinfo(name, pvm_getsbuf(), flags);
	return result;
}

static void get(char *name, int index, int flags)
{
	int value = -1, mid = pvm_recvinfo(name, index, flags);

	if (mid > 0)
		pvm_upkint(&value, 1, 1);
	printf("%s %d flags %d: %d\n", name, index, flags, mid > 0 ? value : mid);
}

static int child(void)
{
	int codes[12], n = 0;

	pvm_setopt(PvmAutoErr, 0);
	codes[n++] = put("probe_a", 2, PvmMboxDefault);
	codes[n++] = put("probe_over", 2, PvmMboxDefault);
	codes[n++] = put("probe_multi", 2, PvmMboxMultiInstance);
	codes[n++] = pvm_delinfo("probe_a", 0, PvmMboxDefault);
	codes[n++] = pvm_delinfo("probe_over", 0, PvmMboxDefault);
	codes[n++] = pvm_recvinfo("probe_a", 0, PvmMboxReadAndDelete) > 0;
	codes[n++] = put("probe_kept", 5, PvmMboxPersistent | PvmMboxMultiInstance);
	codes[n++] = put("probe_kept", 6, PvmMboxMultiInstance);
	codes[n++] = put("probe_free", 7, PvmMboxPersistent | PvmMboxOverWritable);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&n, 1, 1);
	pvm_pkint(codes, n, 1);
	pvm_send(pvm_parent(), 1);
	patient_recv(pvm_parent(), 2);
	put("probe_late", 9, PvmMboxDefault);
	patient_recv(pvm_parent(), 3);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int tid, n = 0, i, codes[12];

	start();
	if (is_child(argc, argv, "child"))
		return child();
	pvm_setopt(PvmAutoErr, 0);
	pvmreset(pvm_mytid(), 0, "probe_kept", -1);      /* of an earlier run */
	SHOW(put("probe_a", 1, PvmMboxDefault));
	SHOW(put("probe_over", 1, PvmMboxOverWritable));
	SHOW(put("probe_multi", 1, PvmMboxMultiInstance));
	SHOW(put("probe_multi", 11, PvmMboxMultiInstance));
	tid = child_of(argv, "child");
	patient_recv(tid, 1);
	pvm_upkint(&n, 1, 1);
	pvm_upkint(codes, n, 1);
	for (i = 0; i < n; i++)
		printf("%d ", codes[i]);
	printf("\n");
	get("probe_a", 0, PvmMboxDefault);
	get("probe_over", 0, PvmMboxDefault);
	for (i = 0; i < 4; i++) {
		get("probe_multi", i, PvmMboxDefault);
		get("probe_multi", i, PvmMboxFirstAvail);
	}
	SHOW(pvm_delinfo("probe_multi", 1, PvmMboxDefault));
	get("probe_multi", 1, PvmMboxFirstAvail);
	SHOW(put("probe_multi", 12, PvmMboxMultiInstance));
	SHOW(put("probe_multi", 13, PvmMboxMultiInstance | 5 << PvmMboxDirectIndexShift));
	SHOW(pvm_delinfo("probe_multi", 2, PvmMboxDefault));
	get("probe_kept", 1, PvmMboxDefault);
	signal_to(tid, 2);
	get("probe_late", 0, PvmMboxWaitForInfo);
	SHOW(pvm_notify(PvmTaskExit, 4, 1, &tid));
	signal_to(tid, 3);
	patient_recv(-1, 4);
	get("probe_kept", 0, PvmMboxDefault);
	get("probe_kept", 1, PvmMboxDefault);
	SHOW(put("probe_kept", 8, PvmMboxDefault));
	SHOW(pvm_delinfo("probe_kept", 0, PvmMboxDefault));
	get("probe_kept", 0, PvmMboxReadAndDelete);
	get("probe_free", 0, PvmMboxReadAndDelete);
	get("probe_free", 0, PvmMboxDefault);
	get("probe_a", 0, PvmMboxReadAndDelete);
	get("probe_a", -1, PvmMboxDefault);
	get("", 0, PvmMboxDefault);
	SHOW(pvm_delinfo("probe_b", 0, 0));
	/* Persistent and without an owner: only a reset takes it away. */
	SHOW(pvmreset(pvm_mytid(), 0, "probe_kept", -1));
	get("probe_kept", 0, PvmMboxDefault);
	SHOW(pvm_exit());
	return 0;
}
