/*
 * What the program has said of its memory (madvise, mlock), and areas that grow downwards. Only smaps
 * tells, and the kernel looks at every page for it (a quarter of a second a GiB): so it is read once,
 * while the program runs, and of small tasks only, unless memory is locked.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "../image/advice.h"
#include "capture.h"

#define MOST_RESIDENT_KIB (64u << 10)

static uint64_t status_kib(const char *name)
{
	const char *at = ckpt_find_line(ckpt_engine.work->line, name);

	return at ? ckpt_parse(&at, 10) : 0;
}

static bool worth_looking(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (ckpt_read_file("/proc/self/status", work->line, sizeof(work->line)) <= 0)
		return false;
	return status_kib("VmLck:") || status_kib("VmRSS:") <= MOST_RESIDENT_KIB;
}

static bool starts_area(const char *line)
{
	while ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f'))
		line++;
	return *line == '-';
}

/* "VmFlags: rd wr mr mw me ac hg " */
static uint32_t read_flags(const char *at)
{
	uint32_t advice = 0;
	size_t i;

	for (; *at; at++)
		for (i = 0; i < CKPT_ADVICES; i++)
			if (at[-1] == ' ' && at[0] == ckpt_advices[i].name[0] && at[1] == ckpt_advices[i].name[1])
				advice |= 1u << i;
	return advice;
}

static void take_line(struct ckpt_advised *area, const char *line)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (starts_area(line)) {
		area->start = ckpt_parse(&line, 16);
		line++;
		area->end = ckpt_parse(&line, 16);
		return;
	}
	if (!ckpt_starts(line, "VmFlags:"))
		return;
	area->advice = read_flags(line + 9);
	if (area->start <= (uintptr_t)work && area->end > (uintptr_t)work)
		work->locks_future = area->advice & CKPT_ADVICE_LOCKED;
	else if (area->advice && work->advised_count < sizeof(work->advised) / sizeof(work->advised[0]))
		work->advised[work->advised_count++] = *area;
}

void ckpt_read_advice(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct ckpt_advised area = { 0 };
	size_t used = 0;
	long fd, n, i;

	if (!worth_looking())
		return;
	fd = SYS(openat, AT_FDCWD, "/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = SYS(read, fd, work->read_buffer, sizeof(work->read_buffer))) > 0) {
		for (i = 0; i < n; i++) {
			if (work->read_buffer[i] == '\n') {
				work->line[used] = 0;
				used = 0;
				take_line(&area, work->line);
			} else if (used + 1 < sizeof(work->line)) {
				work->line[used++] = work->read_buffer[i];
			}
		}
	}
	SYS(close, fd);
}

/* Of an area, or of one that was a part of it when we looked. */
uint32_t ckpt_advice_of(const struct ckpt_area *area)
{
	const struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->advised_count; i++)
		if (work->advised[i].start < area->end && work->advised[i].end > area->start)
			return work->advised[i].advice;
	return 0;
}
