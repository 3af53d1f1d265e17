/* lastwords: its children send to it and die the next moment, by _exit() or a signal; prints how many were heard. */
#include "common.h"
#include <signal.h>

#define EACH 20

static void speak(const char *end)
{
	int i, parent = pvm_parent();

	for (i = 0; i < EACH; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_send(parent, 1);
	}
	if (!strcmp(end, "exit"))
		_exit(0);
	kill(getpid(), SIGKILL);
}

int main(int argc, char **argv)
{
	char *ends[] = { "exit", "kill" }, *args[] = { NULL, NULL };
	struct timeval patience = { 10, 0 };
	int i, tid, heard;

	if (argc > 1)
		speak(argv[1]);
	for (i = 0; i < 2; i++) {
		args[0] = ends[i];
		if (pvm_spawn(argv[0], args, PvmTaskDefault, "", 1, &tid) != 1)
			return 1;
		pvm_notify(PvmTaskExit, 2, 1, &tid);
		for (heard = 0; pvm_trecv(tid, 1, &patience) > 0 && heard < EACH - 1; heard++)
			;
		printf("%s: %d heard\n", ends[i], heard + 1);
		pvm_trecv(-1, 2, &patience);
	}
	pvm_exit();
	return 0;
}
