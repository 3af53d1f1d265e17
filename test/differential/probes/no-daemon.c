/* Without a daemon: codes and words. */
#include "probe.h"

int main(void)
{
	int n;

	unsetenv("PVMSOCK");
	setenv("PVM_TMP", "/nonexistent", 1);
	setenv("MPVM_DIR", "/nonexistent", 1);
	dup2(1, 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_mytid());
	SHOW(pvm_parent());
	SHOW(pvm_config(&n, NULL, NULL));
	SHOW(pvm_joingroup("group"));
	SHOW(pvm_exit());
	SHOW(pvm_initsend(0) > 0);
	SHOW(pvm_send(0x40001, 1));
	SHOW(pvm_recv(-1, -1));
	SHOW(pvm_nrecv(-1, -1));
	SHOW(pvm_spawn("x", NULL, 0, "", 1, &n));
	return 0;
}
