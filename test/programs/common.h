/* What the test programs share: a generator whose every value can be made again, and a way out. */
#ifndef MPVM_TEST_COMMON_H
#define MPVM_TEST_COMMON_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <pvm3.h>

static inline uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static inline uint64_t key(uint64_t seed, uint64_t who, uint64_t number)
{
	return mix(mix(seed ^ who << 40) ^ number);
}

/* Fills with bytes that depend on the key and on their place. */
static inline void fill(unsigned char *p, size_t bytes, uint64_t k)
{
	uint64_t x = k | 1;

	while (bytes >= 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p, &x, 8);
		p += 8;
		bytes -= 8;
	}
	if (bytes) {
		x = mix(x);
		memcpy(p, &x, bytes);
	}
}

/* Offset of the first wrong byte, or -1. */
static inline long differs(const unsigned char *p, size_t bytes, uint64_t k)
{
	const unsigned char *start = p;
	uint64_t x = k | 1;

	while (bytes >= 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (memcmp(p, &x, 8))
			return p - start;
		p += 8;
		bytes -= 8;
	}
	if (bytes) {
		x = mix(x);
		if (memcmp(p, &x, bytes))
			return p - start;
	}
	return -1;
}

/* 0 B to 1 MiB, mostly small, as programs send them. */
static inline size_t mixed_size(uint64_t k, size_t most)
{
	uint64_t shape = k % 1000;
	size_t limit;

	if (shape < 50)
		return 0;
	if (shape < 550)
		limit = 64;
	else if (shape < 850)
		limit = 4096;
	else if (shape < 970)
		limit = 65536;
	else if (shape < 998)
		limit = 262144;
	else
		return most;
	if (limit > most)
		limit = most;
	return mix(k) % limit + 1;
}

static inline double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * What became of this task, as a line of the file that MPVM_TEST_VERDICTS names: whoever reads the
 * output may be killed, or cut off; the file is open for this line only, and keeps nobody from moving.
 */
static inline void verdict(const char *format, ...)
{
	const char *path = getenv("MPVM_TEST_VERDICTS");
	char line[512];
	va_list list;
	int length, fd;

	if (!path)
		return;
	length = snprintf(line, sizeof line, "t%x ", pvm_mytid());
	va_start(list, format);
	length += vsnprintf(line + length, sizeof line - (size_t)length - 1, format, list);
	va_end(list);
	if (length > (int)sizeof line - 2)
		length = sizeof line - 2;
	line[length++] = '\n';
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)length) != length)
		perror(path);
	close(fd);
}

static inline void die(const char *format, ...)
{
	char why[400];
	va_list list;

	fflush(stdout);
	va_start(list, format);
	vsnprintf(why, sizeof why, format, list);
	va_end(list);
	fprintf(stderr, "t%x pid %d: %s\n", pvm_mytid(), (int)getpid(), why);
	fflush(stderr);
	verdict("failed: %s", why);
	pvm_exit();
	exit(1);
}

/* A start that has failed in part: nothing of it goes on. */
static inline void not_started(const int *tids, int wanted, int started, const char *what)
{
	int i;

	for (i = 0; i < started; i++)
		pvm_kill(tids[i]);
	fprintf(stderr, "%s: started %d of %d, first code %d\n", what, started, wanted, tids[started > 0 ? started : 0]);
	verdict("%s", what);
	pvm_exit();
	exit(1);
}

/*
 * The first message of the parent. If that has ended before, its start has failed, and so does this
 * task's. Nor has it a parent if the daemon died right after it had started this process, before it had
 * noted it: the parent was told that it was not started.
 */
static inline void first_message(int tag)
{
	struct timeval second = { 1, 0 };
	int parent = pvm_parent();

	if (parent < 0 && parent != PvmNoParent)
		die("no parent: %d", parent);
	while (parent == PvmNoParent || pvm_trecv(parent, tag, &second) == 0) {
		if (parent != PvmNoParent && (pvm_pstat(parent) != PvmNoTask || pvm_probe(parent, tag) > 0))
			continue;
		pvm_exit();
		exit(1);
	}
}

/* The name under which pvm_spawn finds this program again: its file name. */
static inline char *own_name(char **argv)
{
	char *slash = strrchr(argv[0], '/');

	return slash ? slash + 1 : argv[0];
}

#endif
