/* Spawning without telling who did it, and in a directory of choice, with any flags or none. */
#include "probe.h"

static void spawned(char **argv, int flags, char *where)
{
	char *args[3] = { "where", NULL, NULL }, mine[16], directory[256];
	int tid = 0, parent, n;

	snprintf(mine, sizeof(mine), "%d", pvm_mytid());
	args[1] = mine;
	n = pvm_spawn(own_name(argv), args, flags, where, 1, &tid);
	printf("flags %d where \"%s\": %d\n", flags, where, n);
	if (n != 1) {
		printf("  %d\n", tid);
		return;
	}
	if (patient_recv(tid, 3) <= 0)
		return;
	pvm_upkint(&parent, 1, 1);
	pvm_upkstr(directory);
	printf("  parent %s, directory %s\n", parent == pvm_mytid() ? "told" : parent == PvmParentNotSet ? "not told" : "?",
	       where[0] ? directory : "of its own");
}

int main(int argc, char **argv)
{
	char directory[256];
	int parent;

	start();
	if (is_child(argc, argv, "where")) {
		parent = pvm_parent();
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&parent, 1, 1);
		pvm_pkstr(getcwd(directory, sizeof(directory)) ? directory : "?");
		pvm_send(atoi(argv[2]), 3);
		pvm_exit();
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	spawned(argv, PvmTaskDefault, "");
	spawned(argv, PvmNoSpawnParent, "");
	spawned(argv, PvmTaskDefault, ":/usr");
	spawned(argv, PvmTaskArch, "LINUX64:/usr");
	spawned(argv, PvmTaskHost, ".:/usr");
	spawned(argv, PvmTaskDefault, "nohost:/usr");
	spawned(argv, PvmTaskHost, ":/usr");
	SHOW(pvm_mstat("."));
	pvm_exit();
	return 0;
}
