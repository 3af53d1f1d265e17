/* A group that is frozen: what can still be asked, who may leave it, and what is left then. */
#include "probe.h"

static int member(void)
{
	pvm_setopt(PvmAutoErr, 0);
	printf("member joins: %d\n", pvm_joingroup("frozen"));
	printf("member freezes: %d\n", pvm_freezegroup("frozen", 2));
	signal_to(pvm_parent(), 1);
	patient_recv(pvm_parent(), 2);
	printf("member asks: %d %d\n", pvm_gsize("frozen"), pvm_getinst("frozen", pvm_mytid()));
	printf("member leaves: %d\n", pvm_lvgroup("frozen"));
	printf("member leaves again: %d\n", pvm_lvgroup("frozen"));
	printf("member asks: %d\n", pvm_gsize("frozen"));
	signal_to(pvm_parent(), 3);
	patient_recv(pvm_parent(), 4);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int tid, values[2] = { 1, 2 }, got[2];

	start();
	if (is_child(argc, argv, "member"))
		return member();
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_freezegroup("none", 1));
	SHOW(pvm_freezegroup("", 1));
	SHOW(pvm_freezegroup(NULL, 1));
	SHOW(pvm_joingroup("alone"));
	SHOW(pvm_freezegroup("alone", 1));
	SHOW(pvm_gsize("alone"));
	SHOW(pvm_getinst("alone", pvm_mytid()));
	SHOW(pvm_gettid("alone", 0) == pvm_mytid());
	SHOW(pvm_gettid("alone", 1));
	SHOW(pvm_barrier("alone", 1));
	SHOW(pvm_barrier("alone", -1));
	SHOW(pvm_scatter(got, values, 2, PVM_INT, 5, "alone", 0));
	SHOW(got[1]);
	SHOW(pvm_gather(got, values, 2, PVM_INT, 6, "alone", 0));
	SHOW(pvm_joingroup("alone"));
	SHOW(pvm_lvgroup("alone"));
	SHOW(pvm_gsize("alone"));

	SHOW(pvm_joingroup("frozen"));
	tid = child_of(argv, "member");
	SHOW(pvm_freezegroup("frozen", 2));
	SHOW(patient_recv(tid, 1) > 0);
	SHOW(pvm_gsize("frozen"));
	SHOW(pvm_gettid("frozen", 1) == tid);
	signal_to(tid, 2);
	SHOW(patient_recv(tid, 3) > 0);
	/* Under PVM the one who has left is still seen here: the group was copied when it was frozen. */
	SHOW(pvm_gettid("frozen", 0) == pvm_mytid());
	SHOW(pvm_getinst("frozen", pvm_mytid()));
	SHOW(pvm_barrier("frozen", 2));
	SHOW(pvm_lvgroup("frozen"));
	SHOW(pvm_lvgroup("frozen"));
	SHOW(pvm_gsize("frozen"));
	signal_to(tid, 4);
	SHOW(pvm_exit());
	return 0;
}
