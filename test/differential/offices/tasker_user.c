/* Has a tasker start tasks: what comes out must be as without one. */
#include "../probes/probe.h"

static int tasker(void)
{
	int tid = 0;

	while (pvm_recvinfo(PVMTASKERCLASS, 0, PvmMboxFirstAvail) < 0)
		usleep(10000);
	pvm_upkint(&tid, 1, 1);
	return tid;
}

static void spawn(char *name, char **args)
{
	int tid = -77, n, mid, value = 0;

	n = pvm_spawn(name, args, PvmTaskHost, ".", 1, &tid);
	printf("spawn of %s: %d\n", name, n);
	if (n < 1) {
		printf("code %d\n", tid);
		return;
	}
	SHOW(pvm_notify(PvmTaskExit, 9, 1, &tid));
	mid = patient_recv(-1, 9);
	if (mid > 0)
		pvm_upkint(&value, 1, 1);
	printf("its end is told: %d\n", value == tid);
}

int main(int argc, char **argv)
{
	char *child[] = { "child", "two words", NULL };
	int me = start(), them = 0, value = 0;

	if (is_child(argc, argv, "child")) {
		pvm_initsend(PvmDataDefault);
		pvm_pkstr(argv[2]);
		pvm_pkstr(getenv("OFFICE_TEST") ? getenv("OFFICE_TEST") : "(none)");
		pvm_send(pvm_parent(), 3);
		pvm_exit();
		return 5;
	}
	putenv("OFFICE_TEST=exported");
	pvm_export("OFFICE_TEST");
	them = tasker();
	spawn(own_name(argv), child);
	if (patient_recv(-1, 3) > 0) {
		char words[64], exported[64];

		pvm_upkstr(words);
		pvm_upkstr(exported);
		printf("the child says: %s, %s\n", words, exported);
	}
	spawn("no_such_program_at_all", NULL);
	spawn("/bin/false", NULL);
	SHOW(pvm_reg_tasker());
	signal_to(them, 99);
	SHOW(pvm_notify(PvmTaskExit, 8, 1, &them));
	patient_recv(-1, 8);
	spawn(own_name(argv), child);
	SHOW(patient_recv(-1, 3) > 0);
	SHOW(pvm_exit());
	return 0;
}
