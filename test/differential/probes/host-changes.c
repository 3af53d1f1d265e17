/* Hosts that cannot be added or removed, and why; notices about hosts. The first host has a loopback address. */
#include "probe.h"

static void try(const char *what, int (*call)(char **, int, int *), char *line)
{
	int code = 5, n = call(&line, 1, &code);

	printf("%s \"%s\" = %d, %d\n", what, line, n, code);
}

int main(void)
{
	char *names[2] = { "no.such.host.invalid", "10.1.2.3 zz=1" };
	int codes[2] = { 5, 5 }, me = start(), host = pvm_tidtohost(me), n;
	struct pvmhostinfo *hosts;
	char own[256];

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_delhosts(names, 0, codes));
	SHOW(pvm_delhosts(names, -1, codes));
	SHOW(pvm_addhosts(names, 0, codes));
	SHOW(pvm_addhosts(names, -1, codes));
	try("add", pvm_addhosts, "10.1.2.3");
	try("add", pvm_addhosts, "10.1.2.3 sp=7 lo=me");
	try("add", pvm_addhosts, "no.such.host.invalid");
	try("add", pvm_addhosts, "10.1.2.3 zz=1");
	try("add", pvm_addhosts, "10.1.2.3 lo");
	try("add", pvm_addhosts, "10.1.2.3 word");
	try("add", pvm_addhosts, " ");
	try("add", pvm_addhosts, "");
	try("add", pvm_addhosts, "& 10.1.2.3");
	SHOW(pvm_addhosts(names, 2, codes));
	SHOW(codes[0]);
	SHOW(codes[1]);
	SHOW(pvm_addhosts(names, 1, NULL));
	try("delete", pvm_delhosts, "no.such.host.invalid");
	try("delete", pvm_delhosts, "");
	try("delete", pvm_delhosts, "10.1.2.3 sp=7");
	pvm_config(&n, NULL, &hosts);
	snprintf(own, sizeof(own), "%s", hosts[0].hi_name);
	names[0] = own;
	SHOW(pvm_delhosts(names, 1, codes));
	SHOW(codes[0]);
	names[1] = "nobody";
	SHOW(pvm_delhosts(names, 2, codes));
	SHOW(codes[0]);
	SHOW(codes[1]);
	SHOW(pvm_delhosts(names, 2, NULL));
	SHOW(pvm_start_pvmd(0, NULL, 0));
	SHOW(pvm_notify(PvmHostDelete, 30, 1, &host));
	SHOW(pvm_notify(PvmHostAdd, 31, -1, NULL));
	SHOW(pvm_notify(PvmHostAdd, 32, 1, NULL));
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
