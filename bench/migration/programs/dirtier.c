/*
 * dirtier MEBIBYTES MBPS DIARY
 *
 * Holds that much memory, writes to MBPS megabytes of it a second, page after page, and computes for
 * the rest of the time. Four thousand times a second it notes the time and how much it has computed:
 * the longest hole is how long it stood still, the slope how fast it ran. Messages that come are
 * taken in. SIGTERM ends it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>

#include "diary.h"
#ifndef ALONE
#include <pvm3.h>
#endif

#define SLICE_NS 250000u
#define PAGE 4096u

static volatile uint64_t sink;

/* About 10 us, in registers. */
static void compute(void)
{
	uint64_t x = sink | 1;
	int i;

	for (i = 0; i < 6000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	sink = x;
}

static unsigned char *hold(size_t bytes)
{
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	for (at = 0; at < bytes; at += PAGE)
		memset(memory + at, 1 + (int)(at / PAGE % 251), PAGE);
	return memory;
}

static void take_messages(void)
{
#ifndef ALONE
	while (pvm_nrecv(-1, -1) > 0)
		;
#endif
}

int main(int argc, char **argv)
{
	size_t bytes, at = 0;
	uint64_t rate, units = 0, start, slice = 0, owed = 0, dirtied = 0;
	unsigned char *memory;

	if (argc < 4)
		return 2;
	bytes = strtoull(argv[1], NULL, 10) << 20;
	rate = strtoull(argv[2], NULL, 10);
#ifndef ALONE
	pvm_mytid();
#endif
	open_diary(argv[3]);
	memory = hold(bytes);
	printf("dirtier ready\n");
	fflush(stdout);
	start = now_ns();
	for (;;) {
		uint64_t now = now_ns();

		note(now / 1000, units);
		take_messages();
		/* What it could not write while it stood still it does not make up for. */
		if (now > start + (slice + 8) * SLICE_NS)
			slice = (now - start) / SLICE_NS;
		slice++;
		owed += rate * SLICE_NS / 1000;         /* MB/s are bytes a microsecond */
		for (; owed >= PAGE; owed -= PAGE) {
			memset(memory + at, (int)(++dirtied), PAGE);
			at = (at + PAGE) % bytes;
			if (now_ns() > start + slice * SLICE_NS) {      /* more than it can */
				owed = 0;
				break;
			}
		}
		do {
			compute();
			units++;
		} while (now_ns() < start + slice * SLICE_NS);
	}
}
