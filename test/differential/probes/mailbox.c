/* pvm_putinfo, pvm_recvinfo and pvm_delinfo with every flag. */
#include "probe.h"

int main(void)
{
	struct pvmmboxinfo *list;
	int i = 42, m, n, k;

	start();
	pvm_setopt(PvmAutoErr, 0);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&i, 1, 1);
	m = pvm_getsbuf();
	SHOW(pvm_putinfo("probe-a", m, PvmMboxDefault));
	SHOW(pvm_putinfo("probe-a", m, PvmMboxDefault));
	SHOW(pvm_putinfo("probe-m", m, PvmMboxMultiInstance));
	SHOW(pvm_putinfo("probe-m", m, PvmMboxMultiInstance));
	SHOW(pvm_putinfo("probe-m", m, PvmMboxMultiInstance));
	SHOW(pvm_putinfo("probe-p", m, PvmMboxPersistent | PvmMboxOverWritable));
	SHOW(pvm_putinfo("", m, 0));
	SHOW(pvm_recvinfo("probe-a", 0, 0) > 0);
	i = 0;
	SHOW(pvm_upkint(&i, 1, 1));
	SHOW(i);
	SHOW(pvm_recvinfo("probe-a", 1, 0));
	SHOW(pvm_recvinfo("probe-a", 1, PvmMboxFirstAvail));
	SHOW(pvm_recvinfo("probe-m", 1, PvmMboxFirstAvail) > 0);
	SHOW(pvm_recvinfo("probe-m", 0, PvmMboxReadAndDelete) > 0);
	SHOW(pvm_recvinfo("probe-m", 0, 0));
	SHOW(pvm_recvinfo("probe-m", 0, PvmMboxFirstAvail) > 0);
	SHOW(pvm_putinfo("probe-m", m, PvmMboxMultiInstance));
	SHOW(pvm_recvinfo("probe-none", 0, 0));
	SHOW(pvm_delinfo("probe-m", 1, 0));
	SHOW(pvm_delinfo("probe-m", 1, 0));
	SHOW(pvm_delinfo("probe-none", 0, 0));
	SHOW(pvm_getmboxinfo("probe-*", &n, &list));
	for (i = 0; i < n; i++) {
		printf("class %s entries %d:", list[i].mi_name, list[i].mi_nentries);
		for (k = 0; k < list[i].mi_nentries; k++)
			printf(" %d/%s/0x%x", list[i].mi_indices[k], list[i].mi_owners[k] == pvm_mytid() ? "me" : "other",
			       list[i].mi_flags[k]);
		printf("\n");
	}
	SHOW(pvm_getmboxinfo("probe-none*", &n, &list));
	SHOW(n);
	SHOW(pvm_delinfo("probe-p", 0, 0));
	pvm_exit();
	return 0;
}
