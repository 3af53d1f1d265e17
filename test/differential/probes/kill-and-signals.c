/* pvm_kill, pvm_sendsig, pvm_pstat, with the living, the dead and the never born. */
#include "probe.h"

static volatile sig_atomic_t seen;

static void note(int signal)
{
	seen = signal;
}

int main(int argc, char **argv)
{
	int tid, me = start();

	if (is_child(argc, argv, "wait")) {
		signal(SIGUSR1, note);
		signal_to(pvm_parent(), 1);
		while (!seen)
			usleep(1000);
		signal_to(pvm_parent(), 2);
		for (;;)
			pause();
	}
	pvm_setopt(PvmAutoErr, 0);
	tid = child_of(argv, "wait");
	SHOW(patient_recv(tid, 1) > 0);
	SHOW(pvm_pstat(tid));
	SHOW(pvm_sendsig(tid, 0));
	SHOW(pvm_sendsig(tid, SIGUSR1));
	SHOW(patient_recv(tid, 2) > 0);
	pvm_notify(PvmTaskExit, 21, 1, &tid);
	SHOW(pvm_kill(tid));
	SHOW(patient_recv(-1, 21) > 0);
	SHOW(pvm_pstat(tid));
	SHOW(pvm_kill(tid));
	SHOW(pvm_sendsig(tid, SIGTERM));
	SHOW(pvm_kill(-5));
	SHOW(pvm_kill(0));
	SHOW(pvm_sendsig(0, 9));
	SHOW(pvm_pstat(me));
	SHOW(pvm_pstat(0));
	SHOW(pvm_pstat(-1));
	SHOW(pvm_pstat(0x3ffc0001));
	pvm_exit();
	return 0;
}
