/* Hosts that do not exist cannot be added or removed; notices about hosts. */
#include "probe.h"

int main(void)
{
	char *names[1] = { "no.such.host.invalid" };
	int codes[1] = { 5 }, me = start(), host = pvm_tidtohost(me);

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_delhosts(names, 0, codes));
	SHOW(pvm_addhosts(names, 0, codes));
	SHOW(pvm_notify(PvmHostDelete, 30, 1, &host));
	SHOW(pvm_notify(PvmHostAdd, 31, -1, NULL));
	SHOW(pvm_notify(PvmHostAdd, 32, 1, NULL));
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
