/*
 * What a thread does in the kernel, and since when it has slept there.
 *
 * The kernel tells a thread's call and arguments in /proc/self/task/TID/syscall, but not when a wait
 * for a length of time began. The scheduler's clock of when the thread last left its processor
 * (se.exec_start in /proc/self/task/TID/sched) says it: for a thread that sleeps this is when it fell
 * asleep. That clock is a processor's own, and stands still while the processor serves interrupts or
 * other machines; so it is compared with the agent's own, taken on the same processor. What was lost
 * to others meanwhile makes the sleep look shorter, never longer; so does a wait that was woken in
 * between for nothing. Where a kernel has no such file nothing is known, and waits begin anew.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <time.h>

#include "capture.h"

#define MOST_LOOKING_NS 3000000u        /* of a stop: with very many threads asleep some wait anew */
#define MOST_PROCESSORS 1024
#define PROCESSOR_FIELD 37              /* of stat, counted from behind the name */

static uint64_t looked_ns;

void ckpt_begin_looking(void)
{
	looked_ns = 0;
}

/* "NR 0xARGS... 0xSP 0xPC", "-1 0xSP 0xPC" or "running". */
static void read_call(uint32_t tid, struct ckpt_call *call)
{
	char path[64], text[256];
	const char *at = text;
	int field;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/syscall", tid);
	if (ckpt_read_file(path, text, sizeof(text)) <= 0 || *at < '0' || *at > '9')
		return;
	call->number = (long)ckpt_parse(&at, 10);
	for (field = 0; field < 8 && *at == ' '; field++) {
		uint64_t value;

		at += 3;        /* " 0x" */
		value = ckpt_parse(&at, 16);
		if (field == 6)
			call->sp = value;
		else if (field == 7)
			call->ip = value;
	}
}

static const char *behind_colon(const char *text, const char *name)
{
	const char *at = ckpt_find_line(text, name);

	while (at && (*at == ' ' || *at == ':'))
		at++;
	return at;
}

/* When it last left its processor, by that one's clock, or how long it has been on it. 0: not known. */
static uint64_t read_schedule(uint32_t tid, uint64_t *switches)
{
	char path[64], text[2048];
	const char *start, *count;
	uint64_t milliseconds;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/sched", tid);
	if (ckpt_read_file(path, text, sizeof(text)) <= 0)
		return 0;
	start = behind_colon(text, "se.exec_start");
	count = behind_colon(text, "nr_voluntary_switches");
	if (!start || !count)
		return 0;
	*switches = ckpt_parse(&count, 10);
	milliseconds = ckpt_parse(&start, 10);
	return *start++ == '.' ? milliseconds * 1000000 + ckpt_parse(&start, 10) : 0;
}

static long processor_of(uint32_t tid)
{
	char path[64], text[512];
	const char *at = text, *p;
	int field;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/stat", tid);
	if (ckpt_read_file(path, text, sizeof(text)) <= 0)
		return -1;
	for (p = text; *p; p++)
		if (*p == ')')
			at = p;
	for (field = 0; *at && field < PROCESSOR_FIELD; at++)
		field += *at == ' ';
	return *at >= '0' && *at <= '9' ? (long)ckpt_parse(&at, 10) : -1;
}

/* The clock of that processor, now. 0: not known. */
static uint64_t clock_of(long processor)
{
	uint8_t before[MOST_PROCESSORS / 8], there[MOST_PROCESSORS / 8] = { 0 };
	long size = SYS(sched_getaffinity, 0, sizeof(before), before);
	uint64_t switches, clock = 0;

	if (size <= 0 || processor < 0 || processor >= size * 8)
		return 0;
	there[processor / 8] = (uint8_t)(1 << processor % 8);
	if (SYS(sched_setaffinity, 0, size, there) == 0) {
		SYS(sched_yield);       /* only then our own is renewed */
		clock = read_schedule((uint32_t)SYS(gettid), &switches);
		SYS(sched_setaffinity, 0, size, before);
	}
	return clock;
}

static void find_sleep(uint32_t tid, struct ckpt_call *call)
{
	uint64_t fell = read_schedule(tid, &call->switches), clock, slept;

	if (!fell)
		return;
	clock = clock_of(processor_of(tid));
	if (clock <= fell)
		return;
	slept = clock - fell;
	slept -= slept / 1024;          /* the two clocks need not run at quite the same rate */
	call->asleep_since = ckpt_clock_ns(CLOCK_MONOTONIC) - slept;
}

void ckpt_look_at_call(uint32_t tid, struct ckpt_call *call)
{
	uint64_t start;

	*call = (struct ckpt_call){ .number = -1 };
	read_call(tid, call);
	if (call->number < 0 || !ckpt_arch_hides_rest(call->number) || looked_ns > MOST_LOOKING_NS)
		return;
	start = ckpt_clock_ns(CLOCK_MONOTONIC);
	find_sleep(tid, call);
	looked_ns += ckpt_clock_ns(CLOCK_MONOTONIC) - start;
}
