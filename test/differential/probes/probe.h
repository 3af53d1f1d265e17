/* A probe shows one behaviour: it prints values, and the same source is run on both PVMs. */
#ifndef MPVM_PROBE_H
#define MPVM_PROBE_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <pvm3.h>

/* Under PROBE_PACE (milliseconds) there is time for a move between any two steps. */
static inline void pace(void)
{
	const char *ms = getenv("PROBE_PACE");
	struct timespec rest = { 0, ms ? atoi(ms) * 1000000L : 0 };

	while (ms && nanosleep(&rest, &rest) < 0)
		;
}

/* An expression and its value. */
#define SHOW(x) (pace(), printf("%s = %ld\n", #x, (long)(x)))
/* An expression that gives an id or handle: only whether it is one counts. */
#define SIGN(x) (pace(), show_sign(#x, (long)(x)))

static inline int show_sign(const char *what, long value)
{
	return printf("%s %s\n", what, value > 0 ? "> 0" : value == 0 ? "= 0" : "< 0");
}

static inline char *own_name(char **argv)
{
	char *slash = strrchr(argv[0], '/');

	return slash ? slash + 1 : argv[0];
}

/* Starts itself again with one word as argument; its tid or a code. */
static inline int child_of(char **argv, char *role)
{
	char *args[2] = { role, NULL };
	int tid = 0;
	int n = pvm_spawn(own_name(argv), args, PvmTaskDefault, "", 1, &tid);

	if (n != 1)
		printf("spawn of %s: %d, %d\n", role, n, tid);
	return tid;
}

static inline int is_child(int argc, char **argv, const char *role)
{
	return argc > 1 && !strcmp(argv[1], role);
}

static inline int length_of(int mid)
{
	int length = -99;

	pvm_bufinfo(mid, &length, NULL, NULL);
	return length;
}

static inline int tag_of(int mid)
{
	int tag = -99;

	pvm_bufinfo(mid, NULL, &tag, NULL);
	return tag;
}

static inline int source_of(int mid)
{
	int tid = -99;

	pvm_bufinfo(mid, NULL, NULL, &tid);
	return tid;
}

/* An empty message with a tag. */
static inline void signal_to(int tid, int tag)
{
	pace();
	pvm_initsend(PvmDataDefault);
	pvm_send(tid, tag);
}

/*
 * Receives, but gives up in the end, so that a probe always ends: after PROBE_PATIENCE seconds. That
 * guards against what never comes, it does not judge: big tasks that move all the time, on a machine
 * with other work, take long.
 */
static inline int patient_recv(int tid, int tag)
{
	const char *patience = getenv("PROBE_PATIENCE");
	struct timeval limit = { patience != NULL ? atoi(patience) : 8, 0 };
	int mid;

	pace();
	mid = pvm_trecv(tid, tag, &limit);

	if (mid == 0)
		printf("nothing came (tag %d)\n", tag);
	return mid;
}

static inline int start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	return pvm_mytid();
}

#endif
