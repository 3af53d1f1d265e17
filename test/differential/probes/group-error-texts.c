/* Which of the group functions print by themselves when they fail. */
#include "probe.h"

int main(void)
{
	int me = start();

	dup2(1, 2);
	SHOW(pvm_joingroup(""));
	SHOW(pvm_lvgroup("no-group"));
	SHOW(pvm_gsize("no-group"));
	SHOW(pvm_getinst("no-group", me));
	SHOW(pvm_gettid("no-group", 0));
	SHOW(pvm_barrier("no-group", 2));
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_bcast("no-group", 2));
	SHOW(pvm_joingroup("group-texts"));
	SHOW(pvm_joingroup("group-texts"));
	SHOW(pvm_gettid("group-texts", 7));
	SHOW(pvm_getinst("group-texts", 0x3ffc0001));
	SHOW(pvm_lvgroup("group-texts"));
	SHOW(pvm_reduce(PvmSum, &me, 1, PVM_INT, 1, "no-group", 0));
	pvm_exit();
	return 0;
}
