/* What the test programs share: a generator whose every value can be made again, and a way out. */
#ifndef MPVM_TEST_COMMON_H
#define MPVM_TEST_COMMON_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static inline void die(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	va_start(list, format);
	fprintf(stderr, "t%x pid %d: ", pvm_mytid(), (int)getpid());
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	fflush(stderr);
	pvm_exit();
	exit(1);
}

/* The name under which pvm_spawn finds this program again: its file name. */
static inline char *own_name(char **argv)
{
	char *slash = strrchr(argv[0], '/');

	return slash ? slash + 1 : argv[0];
}

#endif
