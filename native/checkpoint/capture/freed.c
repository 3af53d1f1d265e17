/*
 * Memory that the program has given up (MADV_FREE) stays where it is until the kernel needs it, and
 * looks like any other: only /proc/self/smaps tells how much of a mapping it is. So the kernel is
 * asked to take it now: MADV_PAGEOUT takes what is given up, and nothing else where there is no swap
 * space. Where there is some, such memory travels.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "capture.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define WORTH_IT 1024u          /* KiB of a mapping */

struct mapping {
	uintptr_t start, end;
};

static bool is_private(const char *permissions)
{
	return permissions[3] == 'p';
}

/* "start-end rwxp ..." begins a mapping, "LazyFree:   n kB" tells how much of it is given up. */
static void take_line(struct mapping *mapping, const char *line)
{
	const char *at = line;
	uint64_t start;

	if (ckpt_starts(line, "LazyFree:")) {
		for (at += 9; *at == ' '; at++)
			;
		if (mapping->start && ckpt_parse(&at, 10) >= WORTH_IT)
			SYS(madvise, mapping->start, mapping->end - mapping->start, MADV_PAGEOUT);
		return;
	}
	start = ckpt_parse(&at, 16);
	if (at == line || *at != '-')
		return;
	at++;
	*mapping = (struct mapping){ start, ckpt_parse(&at, 16) };
	if (!is_private(at + 1))
		mapping->start = 0;
}

void ckpt_drop_freed(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct mapping mapping = { 0, 0 };
	struct sysinfo info = { 0 };
	size_t used = 0;
	long fd, n, i;

	SYS(sysinfo, &info);
	if (info.totalswap)
		return;
	fd = SYS(openat, AT_FDCWD, "/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = SYS(read, fd, work->read_buffer, sizeof(work->read_buffer))) > 0) {
		for (i = 0; i < n; i++) {
			if (work->read_buffer[i] == '\n') {
				work->line[used] = 0;
				used = 0;
				take_line(&mapping, work->line);
			} else if (used + 1 < sizeof(work->line)) {
				work->line[used++] = work->read_buffer[i];
			}
		}
	}
	if (fd >= 0)
		SYS(close, fd);
}
