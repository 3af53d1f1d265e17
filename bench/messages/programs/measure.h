/*
 * measure.h: how every contestant measures, so that they measure alike.
 *
 * A point is timed in batches. One batch lasts a ninth of the time allowed, so that one that was
 * disturbed by another process on the machine is outvoted; the point's value is the median.
 * A line of output is "ROW CASE SIZE SECONDS BEST".
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 9

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* It must end, whatever happens. */
static inline void prepare_process(void)
{
	alarm(120);
}

static inline int by_size(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

struct time {
	double median, best;
};

static inline struct time summary(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return (struct time){ (values[(count - 1) / 2] + values[count / 2]) / 2, values[0] };
}

/* share: how many of the things that are reported one repetition had. */
static inline void report(const char *row, const char *name, size_t size, struct time t, double share)
{
	printf("%s %s %zu %.4g %.4g\n", row, name, size, t.median / share, t.best / share);
	fflush(stdout);
}

/* Seconds a call of work(count, argument) takes for each of its `count` repetitions; in all about
 * `allowed` seconds. */
static inline struct time measure(void (*work)(int count, void *argument), void *argument, double allowed)
{
	double times[BATCHES], from, took;
	int count = 1, i;

	work(1, argument);      /* connections, page faults */
	for (;;) {
		from = now();
		work(count, argument);
		took = now() - from;
		if (took > allowed / BATCHES / 4 || count > 1 << 24)
			break;
		count *= took < allowed / BATCHES / 64 ? 8 : 2;
	}
	count = (int)(count * (allowed / BATCHES) / took);
	if (count < 1)
		count = 1;
	for (i = 0; i < BATCHES; i++) {
		from = now();
		work(count, argument);
		times[i] = (now() - from) / count;
	}
	return summary(times, BATCHES);
}

/* "0,8,64": sizes in bytes. */
static inline int parse_sizes(const char *text, size_t *sizes, int limit)
{
	char *end;
	int count = 0;

	while (*text && count < limit) {
		sizes[count++] = strtoul(text, &end, 0);
		text = *end == ',' ? end + 1 : end;
	}
	return count;
}

#endif
