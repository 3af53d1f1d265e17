/*
 * lastwords: its children send to it and die the next moment, by _exit() or a signal; prints how many were heard.
 * Then a child sends to one of its own, which is no task yet, and dies before that one becomes one.
 */
#include "common.h"
#include <errno.h>
#include <signal.h>

#define EACH 20

static void say(int to)
{
	int i;

	for (i = 0; i < EACH; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_send(to, 1);
	}
}

static void speak(const char *end)
{
	say(pvm_parent());
	if (!strcmp(end, "exit"))
		_exit(0);
	kill(getpid(), SIGKILL);
}

/* Its first call of the library is after the end of the one that has sent to it. */
static void inherit(int dead, int root)
{
	struct timeval patience = { 10, 0 };
	int heard = 0, value, parent;

	while (!kill(dead, 0) || errno != ESRCH)
		usleep(1000);
	parent = pvm_parent();
	pvm_notify(PvmTaskExit, 1, 1, &parent);
	while (pvm_trecv(-1, 1, &patience) > 0 && !pvm_upkint(&value, 1, 1) && value == heard)
		heard++;
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&heard, 1, 1);
	pvm_pkint(&value, 1, 1);
	pvm_send(root, 3);
	pvm_exit();
	exit(0);
}

static void bequeath(char *program)
{
	char pid[16], root[16], *args[] = { "heir", pid, root, NULL };
	int heir;

	sprintf(pid, "%d", getpid());
	sprintf(root, "%d", pvm_parent());
	pvm_spawn(program, args, PvmTaskDefault, "", 1, &heir);
	say(heir);
	_exit(0);
}

int main(int argc, char **argv)
{
	char *ends[] = { "exit", "kill" }, *args[] = { NULL, NULL };
	struct timeval patience = { 10, 0 };
	int i, tid, heard, last;

	if (argc > 1 && !strcmp(argv[1], "heir"))
		inherit(atoi(argv[2]), atoi(argv[3]));
	if (argc > 1 && !strcmp(argv[1], "bequeath"))
		bequeath(argv[0]);
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
	args[0] = "bequeath";
	pvm_spawn(argv[0], args, PvmTaskDefault, "", 1, &tid);
	heard = last = -1;
	if (pvm_trecv(-1, 3, &patience) > 0) {
		pvm_upkint(&heard, 1, 1);
		pvm_upkint(&last, 1, 1);
	}
	printf("heir: %d heard, then the end of %s\n", heard, last == tid ? "their sender" : "another");
	pvm_exit();
	return 0;
}
