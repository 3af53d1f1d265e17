/*
 * reaper PROGRAM ARG...
 *
 * Runs a program and prints its exit code; stays as long as anything lives that it has left behind,
 * and takes in its end at once: CRIU cannot restore a process while a dead one has its pid.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status;
	pid_t child, one;

	if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 2;
	child = fork();
	if (!child) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	while ((one = wait(&status)) > 0) {
		if (one != child)
			continue;
		printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
		fflush(stdout);
	}
	return 0;
}
