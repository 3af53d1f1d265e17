/*
 * crasher exit N | raise SIGNAL | abort | fault | leave N, with "wait" before it: after a message.
 * leave: pvm_exit first, then exit N.
 */
#include "common.h"

#include <signal.h>

int main(int argc, char **argv)
{
	char **arg = argv + 1;

	pvm_mytid();
	if (argc > 1 && !strcmp(*arg, "wait")) {
		printf("crasher ready\n");
		fflush(stdout);
		pvm_recv(-1, -1);
		arg++;
	}
	if (!*arg)
		return 2;
	printf("crasher ends\n");
	fflush(stdout);
	if (!strcmp(arg[0], "exit"))
		exit(atoi(arg[1]));
	if (!strcmp(arg[0], "leave")) {
		pvm_exit();
		exit(atoi(arg[1]));
	}
	if (!strcmp(arg[0], "raise"))
		raise(atoi(arg[1]));
	if (!strcmp(arg[0], "abort"))
		abort();
	if (!strcmp(arg[0], "fault"))
		*(volatile int *)8 = 1;
	return 2;
}
