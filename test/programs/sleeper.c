/*
 * sleeper KIND MILLISECONDS [TIMES]
 *
 * Sleeps in one kind of system call, TIMES times (0: until a message comes), and checks that each
 * lasts as long as asked and ends as it should: nobody who moves a program may cut a sleep short.
 */
#include "common.h"

#include <errno.h>
#include <poll.h>
#include <sys/select.h>

static int once(const char *kind, int milliseconds)
{
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	struct timeval v = { milliseconds / 1000, milliseconds % 1000 * 1000L };

	if (!strcmp(kind, "nanosleep"))
		return nanosleep(&t, NULL);
	if (!strcmp(kind, "clock_nanosleep"))
		return clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	if (!strcmp(kind, "usleep"))
		return usleep((useconds_t)milliseconds * 1000);
	if (!strcmp(kind, "select"))
		return select(0, NULL, NULL, NULL, &v);
	if (!strcmp(kind, "poll"))
		return poll(NULL, 0, milliseconds);
	if (!strcmp(kind, "trecv"))
		return pvm_trecv(-1, 77, &v);
	die("no such kind: %s", kind);
	return -1;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "nanosleep";
	int milliseconds = argc > 2 ? atoi(argv[2]) : 100;
	int times = argc > 3 ? atoi(argv[3]) : 0;
	int i, message = 0;

	pvm_mytid();
	printf("sleeper ready\n");
	fflush(stdout);
	for (i = 0; (!times || i < times) && !message; i++) {
		double from = seconds();
		int code;

		errno = 0;
		code = once(kind, milliseconds);
		if (code != 0)
			die("%s number %d: returned %d, errno %d", kind, i, code, errno);
		if (seconds() - from < milliseconds / 1000.0 - 0.0005)
			die("%s number %d: only %.4f s", kind, i, seconds() - from);
		message = pvm_probe(-1, 1) > 0;
	}
	printf("sleeper ok %s\n", kind);
	pvm_exit();
	return 0;
}
