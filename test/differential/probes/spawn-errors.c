/* What pvm_spawn says when it cannot. */
#include "probe.h"

int main(int argc, char **argv)
{
	int t[4] = { 99, 99, 99, 99 };
	char *name = own_name(argv);

	(void)argc;
	start();
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_spawn("no_such_program", NULL, 0, "", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn("no_such_program", NULL, 0, "", 3, t));
	printf("%d %d %d %d\n", t[0], t[1], t[2], t[3]);
	SHOW(pvm_spawn("/no/such/program", NULL, 0, "", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn("/etc/passwd", NULL, 0, "", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn("/tmp", NULL, 0, "", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn(name, NULL, PvmTaskHost, "no.such.host", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn(name, NULL, PvmTaskArch, "NOARCH", 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn(name, NULL, 0, "", 0, t));
	SHOW(pvm_spawn(name, NULL, 0, "", -1, t));
	SHOW(pvm_spawn(name, NULL, PvmTaskHost, NULL, 1, t));
	SHOW(t[0]);
	SHOW(pvm_spawn(name, NULL, PvmTaskHost | PvmHostCompl, ".", 1, NULL) <= 0 || 1);
	SHOW(pvm_spawn("", NULL, 0, "", 1, t));
	SHOW(t[0]);
	pvm_exit();
	return 0;
}
