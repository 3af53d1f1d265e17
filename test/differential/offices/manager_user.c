/* Everything that a resource manager has a say in, asked for under one. */
#include "../probes/probe.h"

static void show_tasks(int me)
{
	struct pvmtaskinfo *tasks;
	int i, count = 0, named = 0, mine = 0;

	SHOW(pvm_tasks(0, &count, &tasks));
	for (i = 0; i < count; i++) {
		named += tasks[i].ti_a_out[0] != 0;
		mine += tasks[i].ti_ptid == me;
	}
	printf("%d tasks, %d with names, %d mine\n", count, named, mine);
}

static int child(void)
{
	int *siblings, count = pvm_siblings(&siblings), i, me = pvm_mytid(), among = 0;

	for (i = 0; i < count; i++)
		among += siblings[i] == me;
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&count, 1, 1);
	pvm_pkint(&among, 1, 1);
	pvm_send(pvm_parent(), 4);
	patient_recv(-1, 5);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int me = start(), i, hosts, kinds, tids[3] = { 0, 0, 0 }, numbers[2], about, seen = 0, manager = 0;
	char *args[] = { "child", NULL };
	struct pvmhostinfo *host;

	if (is_child(argc, argv, "child"))
		return child();
	if (pvm_recvinfo(PVMRMCLASS, 0, PvmMboxFirstAvail) > 0)
		pvm_upkint(&manager, 1, 1);
	SIGN(manager);
	SHOW(pvm_config(&hosts, &kinds, &host));
	printf("kinds %d, tid %d, architecture %s\n", kinds, host[0].hi_tid > 0, host[0].hi_arch);
	show_tasks(me);
	SHOW(pvm_spawn(own_name(argv), args, PvmTaskDefault, "", 3, tids));
	SHOW(pvm_notify(PvmTaskExit, 9, 3, tids));
	for (i = 0; i < 3; i++)
		if (patient_recv(-1, 4) > 0) {
			pvm_upkint(numbers, 2, 1);
			printf("a child has %d siblings, is among them %d\n", numbers[0], numbers[1]);
		}
	show_tasks(me);
	for (i = 0; i < 3; i++)
		signal_to(tids[i], 5);
	for (i = 0; i < 3; i++) {
		int mid = patient_recv(-1, 9), j;

		about = 0;
		if (mid > 0)
			pvm_upkint(&about, 1, 1);
		for (j = 0; j < 3; j++)
			if (tids[j] == about)
				seen |= 1 << j;
		printf("told by the manager: %d\n", source_of(mid) == manager);
	}
	printf("ends of %d\n", seen);
	show_tasks(me);
	SHOW(pvm_exit());
	return 0;
}
