/* pvm_tasks: all, of a host, one, none. */
#include "probe.h"

static void show(int n, struct pvmtaskinfo *t, int me, int child)
{
	int i;

	for (i = 0; i < n; i++)
		if (t[i].ti_tid == me || t[i].ti_tid == child)
			printf("%s parent %s host %s flags 0x%x name '%s' pid %s\n", t[i].ti_tid == me ? "me" : "child",
			       t[i].ti_ptid == me ? "me" : t[i].ti_ptid == 0 ? "0" : "other",
			       t[i].ti_host == pvm_tidtohost(me) ? "of me" : "other", t[i].ti_flag, t[i].ti_a_out,
			       t[i].ti_pid == getpid() ? "mine" : t[i].ti_pid > 1 ? "other" : "none");
}

int main(int argc, char **argv)
{
	struct pvmtaskinfo *t;
	int n, child, me = start();

	if (is_child(argc, argv, "wait")) {
		signal_to(pvm_parent(), 1);
		pvm_recv(pvm_parent(), 2);
		pvm_exit();
		return 0;
	}
	pvm_setopt(PvmAutoErr, 0);
	child = child_of(argv, "wait");
	patient_recv(child, 1);
	SHOW(pvm_tasks(0, &n, &t));
	show(n, t, me, child);
	SHOW(pvm_tasks(child, &n, &t));
	SHOW(n);
	show(n, t, me, child);
	SHOW(pvm_tasks(pvm_tidtohost(me), &n, &t));
	SHOW(n >= 2);
	SHOW(pvm_tasks(me, &n, NULL));
	SHOW(pvm_tasks(0x3ffc0000, &n, &t));
	SHOW(n);
	SHOW(pvm_tasks(pvm_tidtohost(me) | 0x3fff0, &n, &t));
	SHOW(n);
	SHOW(pvm_tasks(-1, &n, &t));
	signal_to(child, 2);
	pvm_exit();
	return 0;
}
