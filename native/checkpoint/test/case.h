/* What the programs that are moved have in common: a table of cases, each of about thirty lines. */
#ifndef CASE_H
#define CASE_H
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mini.h"

struct test_case {
	const char *name;
	void (*run)(void);
};

extern unsigned wanted;                 /* moves to wait for */

#define CHECK(what) \
	do { \
		if (!(what)) { \
			printf("line %d: %s, errno %d, moves %u\n", __LINE__, #what, errno, mini_moves); \
			exit(1); \
		} \
	} while (0)

static inline int more(void)
{
	return mini_moves < wanted;
}

/* Until the next move, or the end. */
static inline void until_moved(void)
{
	const struct timespec pause = { 0, 300000 };
	unsigned start = mini_moves;

	while (mini_moves == start && more())
		nanosleep(&pause, NULL);
}

static inline uint64_t hash(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	return x * 0xc4ceb9fe1a85ec53ull;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

double series(unsigned n);              /* computes for a while; the same result every time */

/* PROGRAM NAME [MOVES]: runs the case, says "ok"; without a name, lists them. */
int run_case(const struct test_case *table, int argc, char **argv);
#endif
