/*
 * Preloaded into a program that is not to be edited: its pvm_mcast waits until the file named by
 * MPVM_TEST_GATE exists, so that a test can move whoever waits for that message.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int pvm_mcast(int *tids, int count, int tag)
{
	int (*real)(int *, int, int) = (int (*)(int *, int, int))dlsym(RTLD_NEXT, "pvm_mcast");
	const char *gate = getenv("MPVM_TEST_GATE");

	fflush(stdout);
	while (gate && access(gate, F_OK))
		usleep(2000);
	return real(tids, count, tag);
}
