/* Which pages there are, and what they are: PAGEMAP_SCAN, or the pagemap itself before Linux 6.7. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include "scan.h"

/* Newer than the headers of Debian 12. */
struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_CALL _IOWR('f', 16, struct scan)

long ckpt_scan_batch(uintptr_t *from, uintptr_t end, const struct ckpt_query *query)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct scan scan = {
		.size = sizeof(scan),
		.flags = query->flags,
		.start = *from,
		.end = end,
		.vec = (uintptr_t)work->regions,
		.vec_len = sizeof(work->regions) / sizeof(work->regions[0]),
		.category_inverted = query->inverted,
		.category_mask = query->mask,
		.category_anyof_mask = query->anyof,
		.return_mask = IS_WRITTEN | IS_FILE | HAS_CONTENT | IS_ZERO_PAGE,
	};
	long n = SYS(ioctl, work->pagemap, PAGEMAP_SCAN_CALL, &scan);

	if (n >= 0)
		*from = scan.walk_end;
	return n;
}

/* Kernels before 6.7: the pagemap itself. Same result as asking for HAS_CONTENT without files. */
static long read_batch(uintptr_t *from, uintptr_t end, bool without_file)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	uint64_t *entries = (uint64_t *)work->read_buffer;
	const size_t most = sizeof(work->regions) / sizeof(work->regions[0]);
	size_t n = (end - *from) / CKPT_PAGE, i, count = 0;
	bool open = false;
	long got;

	if (n > most)
		n = most;
	got = SYS(pread64, work->pagemap, entries, n * 8, *from / CKPT_PAGE * 8);
	if (got <= 0)
		return got ? got : -EIO;
	for (i = 0; i < (size_t)got / 8; i++, *from += CKPT_PAGE) {
		bool content = entries[i] >> 62 && !(without_file && (entries[i] >> 61 & 1));

		if (content && !open)
			work->regions[count++] = (struct ckpt_region){ *from, 0, HAS_CONTENT };
		if (content)
			work->regions[count - 1].end = *from + CKPT_PAGE;
		open = content;
	}
	return count;
}

long ckpt_next_batch(uintptr_t *from, uintptr_t end, const struct ckpt_query *query)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long n;

	if (!work->no_scan) {
		n = ckpt_scan_batch(from, end, query);
		if (n != -ENOTTY && n != -EINVAL)
			return n;
		work->no_scan = true;
	}
	return read_batch(from, end, query->inverted & IS_FILE);
}
