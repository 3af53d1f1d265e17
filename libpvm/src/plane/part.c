/*
 * part.c: see part.h.
 *
 * The kernel spreads tasks over processors when they wake and when a processor becomes idle; two
 * that never sleep because each yields to the other stay where they are, at ten times the cost of a
 * message. One of the two, the younger, leaves: for an instant its affinity excludes this
 * processor. Only when the kernel counts no more runnable threads than there are processors, so
 * that nobody is crowded out; and seldom, for the count may have been a lucky moment.
 */
#include "part.h"

#define OFTEN 128
#define SELDOM_US 10000
#define MASK_WORDS 128          /* 8192 processors */

/* /proc/loadavg: three averages, then how many threads are runnable now. */
static long runnable(void)
{
	char text[64];
	long fd = sys_open("/proc/loadavg", O_RDONLY | O_CLOEXEC, 0), length, at = 0, count = 0;
	int spaces = 0;

	if (fd < 0)
		return -1;
	length = sys_read((int)fd, text, sizeof(text));
	sys_close((int)fd);
	while (at < length && spaces < 3)
		spaces += text[at++] == ' ';
	for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
		count = count * 10 + text[at] - '0';
	return spaces == 3 ? count : -1;
}

static void leave(uint32_t processor)
{
	uint64_t allowed[MASK_WORDS] = { 0 };
	long size = pvmi_syscall3(SYS_sched_getaffinity, 0, sizeof(allowed), (long)allowed), i;
	uint64_t bit = 1UL << processor % 64;
	long running = runnable();
	int count = 0;

	if (size <= 0 || running < 0 || processor / 64 >= (uint64_t)size / 8 || !(allowed[processor / 64] & bit))
		return;
	for (i = 0; i < size / 8; i++)
		count += __builtin_popcountl(allowed[i]);
	if (count < 2 || running > count)
		return;
	allowed[processor / 64] &= ~bit;
	if (pvmi_syscall3(SYS_sched_setaffinity, 0, size, (long)allowed) < 0)
		return;
	allowed[processor / 64] |= bit;
	pvmi_syscall3(SYS_sched_setaffinity, 0, size, (long)allowed);
}

void pvmi_part(struct pvmi_plane *plane)
{
	uint64_t now;

	if (++plane->spin.together < OFTEN || plane->spin.alone || pvmi->tid < plane->spin.sender)
		return;
	plane->spin.together = 0;
	now = pvmi_ticks();
	if (now - plane->spin.parted_ticks < SELDOM_US * plane->ticks_per_us)
		return;
	plane->spin.parted_ticks = now;
	leave(plane->spin.sender_processor);
}
