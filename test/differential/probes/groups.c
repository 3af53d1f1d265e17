/* A group of one: join, leave, and every wrong name. */
#include "probe.h"

int main(void)
{
	int me = start();

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_joingroup(NULL));
	SHOW(pvm_joingroup(""));
	SHOW(pvm_joingroup("probe-group"));
	SHOW(pvm_joingroup("probe-group"));
	SHOW(pvm_getinst("probe-group", me));
	SHOW(pvm_gettid("probe-group", 0) == me);
	SHOW(pvm_gettid("probe-group", 5));
	SHOW(pvm_gettid("probe-group", -1));
	SHOW(pvm_getinst("no-group", me));
	SHOW(pvm_getinst("probe-group", 0x40fff));
	SHOW(pvm_gsize("no-group"));
	SHOW(pvm_gsize("probe-group"));
	SHOW(pvm_gsize(""));
	SHOW(pvm_barrier("no-group", 2));
	SHOW(pvm_barrier("probe-group", 1));
	SHOW(pvm_barrier("probe-group", -1));
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_bcast("probe-group", 1));
	SHOW(pvm_bcast("no-group", 1));
	SHOW(pvm_lvgroup("no-group"));
	SHOW(pvm_lvgroup("probe-group"));
	SHOW(pvm_lvgroup("probe-group"));
	SHOW(pvm_gsize("probe-group"));
	SHOW(pvm_lvgroup(""));
	SHOW(pvm_lvgroup(NULL));
	pvm_exit();
	return 0;
}
