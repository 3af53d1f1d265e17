/* pvm_insert, pvm_lookup and pvm_delete of PVM 3.3. */
#include "probe.h"

int pvmreset(int tid, int kill_tasks, char *class_name, int index);

int main(void)
{
	int d = -1;

	start();
	pvm_setopt(PvmAutoErr, 0);
	pvmreset(pvm_mytid(), 0, "probe-33", -1);        /* of an earlier run */
	SHOW(pvm_insert("probe-33", -1, 7));
	SHOW(pvm_insert("probe-33", -1, 8));
	SHOW(pvm_insert("probe-33", 0, 9));
	SHOW(pvm_insert("probe-33", 5, 10));
	SHOW(pvm_lookup("probe-33", -1, &d));
	SHOW(d);
	SHOW(pvm_lookup("probe-33", 1, &d));
	SHOW(d);
	SHOW(pvm_lookup("probe-33", 3, &d));
	SHOW(pvm_lookup("probe-nil", 0, &d));
	SHOW(pvm_delete("probe-33", 0));
	SHOW(pvm_delete("probe-33", 0));
	SHOW(pvm_lookup("probe-33", -1, &d));
	SHOW(d);
	SHOW(pvm_insert("probe-33", -1, 11));
	SHOW(pvm_insert("probe-33", -2, 11));
	SHOW(pvm_insert("", -1, 11));
	SHOW(pvm_delete("probe-33", 99));
	pvm_exit();
	return 0;
}
