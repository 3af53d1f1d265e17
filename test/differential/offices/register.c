/* Offices are taken and given back; who holds one shows. */
#include "../probes/probe.h"

static void flag(int tid)
{
	struct pvmtaskinfo *tasks;
	int count = 0;

	pvm_tasks(tid, &count, &tasks);
	printf("flag %x\n", count == 1 ? tasks[0].ti_flag & 0xf00 : -1);
}

static void class(char *name)
{
	struct pvmmboxinfo *classes;
	int count = 0;

	SHOW(pvm_getmboxinfo(name, &count, &classes));
	if (count == 1)
		printf("%s: %d entries, first index %d flags %d\n", classes[0].mi_name, classes[0].mi_nentries,
		       classes[0].mi_indices[0], classes[0].mi_flags[0]);
	else
		printf("%d classes\n", count);
}

static int second(void)
{
	char mask[36] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
	int codes[3] = { pvm_reg_hoster(), pvm_reg_tasker(), pvm_reg_tracer(0, 666, 0, 667, mask, 0, PvmTraceFull) };

	pvm_initsend(PvmDataDefault);
	pvm_pkint(codes, 3, 1);
	pvm_send(pvm_parent(), 1);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	char mask[36] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@", text[64];
	int me = start(), codes[3], numbers[7], tid;

	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "second"))
		return second();
	tid = child_of(argv, "second");         /* before there is a tasker, it does what it has been asked to */
	if (patient_recv(tid, 1) > 0) {
		pvm_upkint(codes, 3, 1);
		printf("alone: %d %d %d\n", codes[0], codes[1], codes[2]);
	}
	pvm_notify(PvmTaskExit, 2, 1, &tid);
	patient_recv(-1, 2);
	SHOW(pvm_reg_hoster());
	flag(me);
	class(PVMHOSTERCLASS);
	SHOW(pvm_reg_tracer(0, 666, 0, 667, mask, 512, PvmTraceFull));
	flag(me);
	class(PVMTRACERCLASS);
	SHOW(pvm_recvinfo(PVMTRACERCLASS, 0, PvmMboxDefault) > 0);
	pvm_upkint(numbers, 5, 1);
	pvm_upkstr(text);
	pvm_upkint(numbers + 5, 2, 1);
	printf("me %d, %d %d %d %d %s %d %d\n", numbers[0] == me, numbers[1], numbers[2], numbers[3], numbers[4], text, numbers[5], numbers[6]);
	tid = child_of(argv, "second");
	if (patient_recv(tid, 1) > 0) {
		pvm_upkint(codes, 3, 1);
		printf("when taken: %d %d %d\n", codes[0], codes[1], codes[2]);
	}
	pvm_notify(PvmTaskExit, 2, 1, &tid);
	patient_recv(-1, 2);
	SHOW(pvm_reg_hoster());
	flag(me);
	class(PVMHOSTERCLASS);
	SHOW(pvm_reg_tracer(0, 666, 0, 667, mask, 512, PvmTraceFull));
	flag(me);
	class(PVMTRACERCLASS);
	SHOW(pvm_exit());
	return 0;
}
