/*
 * Finding what the program has written since it was sent. The first of these that is to be had is
 * used, or the one that is asked for:
 *
 *   userfaultfd   the kernel notes writes (asynchronous write protection), PAGEMAP_SCAN reads and
 *                 protects again in one call, while the program runs
 *   soft-dirty    the kernel notes writes in the pagemap; to read the notes and to wipe them is two
 *                 steps, so the program stands still for them once a round
 *   compare       nobody notes anything: every page is hashed, each round, the last included
 *   none          stop and copy
 *
 * Not by mprotect and SIGSEGV: system calls that write to a protected page fail with EFAULT instead,
 * and a thread that has blocked SIGSEGV (as the C library does while it makes a thread) is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>

#include "pages.h"

#define FEATURES (1u << 15 | 1u << 13 | 1u << 12)       /* WP_ASYNC, WP_UNPOPULATED, WP_HUGETLBFS_SHMEM */

/* ------------------------------------------------------------------ userfaultfd */

static void close_uffd(void)
{
	if (ckpt_engine.work->uffd >= 0)
		SYS(close, ckpt_engine.work->uffd);
	ckpt_engine.work->uffd = -1;
}

static long open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURES };
	long fd = SYS(userfaultfd, O_CLOEXEC | O_NONBLOCK | 1 /* UFFD_USER_MODE_ONLY */), error;

	if (fd < 0)
		return fd;
	ckpt_engine.work->uffd = fd;
	error = SYS(ioctl, fd, UFFDIO_API, &api);
	if (error)
		close_uffd();
	return error;
}

static bool watch_uffd(const struct ckpt_area *area)
{
	struct uffdio_register range = {
		.range = { area->start, area->end - area->start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return SYS(ioctl, ckpt_engine.work->uffd, UFFDIO_REGISTER, &range) == 0;
}

static bool is_watched_uffd(const struct ckpt_area *area)
{
	struct ckpt_query query = { SCAN_WATCHED, 0, IS_WRITTEN, 0 };
	uintptr_t from = area->start;

	return ckpt_scan_batch(&from, area->start + CKPT_PAGE, &query) >= 0;
}

/* For the first time, while the program runs: protect all, then send what is there. Not what the
 * first step returns: where mremap has joined areas, some pages are protected since an earlier
 * round. (Only what is there is protected: marks on what is not would need page tables.) */
static int send_first_uffd(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct ckpt_query protect = { SCAN_PROTECT, 0, IS_WRITTEN, HAS_CONTENT };
	struct ckpt_query content = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, IS_PRESENT };
	struct sysinfo info = { 0 };
	uintptr_t from = area->start;
	long n;

	SYS(sysinfo, &info);
	if (info.totalswap)
		content.anyof |= IS_SWAPPED;
	while (from < area->end) {
		n = ckpt_scan_batch(&from, area->end, &protect);
		if (n < 0)
			return ckpt_scan_failed(job, area, n);
	}
	return ckpt_send_content(job, area, &content, CKPT_ANEW);
}

static int send_dropped_uffd(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct ckpt_query dropped = { 0, HAS_CONTENT, IS_WRITTEN | HAS_CONTENT, 0 };
	uintptr_t from = area->start;
	long n, i;
	int error = 0;

	while (from < area->end && !error) {
		n = ckpt_scan_batch(&from, area->end, &dropped);
		if (n < 0)
			return ckpt_scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++)
			error = ckpt_send_range(job, mpvm_image_RecordType_ZERO,
						ckpt_engine.work->regions[i].start,
						ckpt_engine.work->regions[i].end);
	}
	return error;
}

/* What was written since the last look; while the program runs it is protected again in one go.
 * Not with SCAN_WATCHED: when the program has mapped something else there meanwhile, the call would
 * fail after it has protected what lies before that. As it is, the new mapping is passed over, and
 * the next round finds that it is not watched. */
static int send_written_uffd(struct ckpt_job *job, const struct ckpt_area *area)
{
	bool last = ckpt_engine.work->last;
	struct ckpt_query written = { last ? 0 : SCAN_PROTECT, 0, IS_WRITTEN, HAS_CONTENT };
	uintptr_t from = area->start;
	long n, i;
	int error = send_dropped_uffd(job, area);

	while (from < area->end && !error) {
		n = ckpt_scan_batch(&from, area->end, &written);
		if (n < 0)
			return ckpt_scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++) {
			const struct ckpt_region *region = &ckpt_engine.work->regions[i];

			if (region->categories & IS_ZERO_PAGE)
				error = ckpt_send_range(job, mpvm_image_RecordType_ZERO, region->start,
							region->end);
			else
				error = ckpt_send_pages(job, region->start, region->end,
							area->protection & PROT_READ, CKPT_AGAIN);
			CKPT_FAULT(job, last ? CKPT_FAULT_AGENT_MEMORY : CKPT_FAULT_AGENT_ROUND);
		}
	}
	return error;
}

static uint64_t dirty_bytes_uffd(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct ckpt_query query = { 0, 0, IS_WRITTEN, HAS_CONTENT };
	uint64_t bytes = 0;
	size_t i;
	long n, k;

	(void)job;
	for (i = 0; i < work->area_count[work->current]; i++) {
		const struct ckpt_area *area = &work->areas[work->current][i];
		uintptr_t from = area->start;

		while (area->watched && from < area->end) {
			n = ckpt_scan_batch(&from, area->end, &query);
			if (n < 0)
				break;
			for (k = 0; k < n; k++)
				bytes += work->regions[k].end - work->regions[k].start;
		}
	}
	return bytes;
}

static const struct ckpt_tracker userfaultfd = {
	CKPT_TRACK_USERFAULTFD, "userfaultfd", open_uffd, close_uffd, watch_uffd, is_watched_uffd, NULL,
	send_first_uffd, send_written_uffd, dirty_bytes_uffd,
};

/* ------------------------------------------------------------------ none */

static long open_none(void)
{
	return 0;
}

static void close_none(void)
{
}

static const struct ckpt_tracker none = { CKPT_TRACK_NONE, "none", open_none, close_none, NULL, NULL, NULL, NULL, NULL, NULL };

/* ------------------------------------------------------------------ which one */

static const struct ckpt_tracker *const trackers[] = { &userfaultfd, &ckpt_soft_dirty, &ckpt_compare, &none };
#define TRACKERS (sizeof(trackers) / sizeof(trackers[0]))

int ckpt_open_tracker(struct ckpt_job *job)
{
	const char *name = "?";
	long error = -ENOSYS;
	size_t i;

	for (i = 0; i < TRACKERS; i++) {
		if (job->tracking != CKPT_TRACK_ANY && job->tracking != trackers[i]->tracking)
			continue;
		name = trackers[i]->name;
		error = trackers[i]->open();
		if (error)
			continue;
		ckpt_engine.work->tracker = trackers[i];
		job->tracking = trackers[i]->tracking;
		return 0;
	}
	return ckpt_fail(job, CKPT_E_TRACKING, "%s: %e", name, error);
}

void ckpt_close_tracker(void)
{
	if (ckpt_engine.work->tracker)
		ckpt_engine.work->tracker->close();
	ckpt_engine.work->tracker = NULL;
}
