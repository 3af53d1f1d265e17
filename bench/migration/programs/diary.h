/*
 * diary.h: what a program writes down of itself while it is moved: pairs of numbers, the first of
 * them CLOCK_REALTIME in microseconds. A ring in its own memory, so that writing it costs no more
 * than any other store; SIGTERM puts it into a file and ends the program. The reader finds the
 * order by the times.
 */
#ifndef MPVM_BENCH_DIARY_H
#define MPVM_BENCH_DIARY_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DIARY_ENTRIES 131072u

struct entry {
	uint64_t at_us, value;
};

static struct entry diary[DIARY_ENTRIES];
static const char *diary_path;
static uint64_t written;

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void close_diary(int signal)
{
	uint64_t entries = written < DIARY_ENTRIES ? written : DIARY_ENTRIES;
	int fd = open(diary_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)signal;
	_exit(write(fd, diary, entries * sizeof(*diary)) == (ssize_t)(entries * sizeof(*diary)) ? 0 : 1);
}

static inline void open_diary(const char *path)
{
	diary_path = path;
	signal(SIGTERM, close_diary);
}

static inline void note(uint64_t at_us, uint64_t value)
{
	diary[written++ % DIARY_ENTRIES] = (struct entry){ at_us, value };
}

#endif
