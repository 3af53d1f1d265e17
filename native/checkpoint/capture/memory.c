/*
 * Rounds over memory.
 *
 * A round names every area, then sends its pages. Anonymous private memory (heap and stack
 * included) is sent while the program runs and watched from then on: userfaultfd in asynchronous
 * write-protect mode, read with PAGEMAP_SCAN. What is not watched (mapped since, moved by mremap,
 * or of a kind that is small or that others can write) is sent whole in the last round, when the
 * program is stopped.
 *
 *   kind                    live rounds      last round
 *   anonymous, heap, stack  watched          what was written since; new ones whole
 *   private file            -                pages that were written (they are anonymous by now)
 *   shared memory           -                what the object has allocated
 *   borrowed                -                the ranges that the client names
 *   vDSO                    -                its content, to be compared
 *   shared file, vvar       -                nothing
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"

/* Newer than the headers of Debian 12. */
struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_CALL _IOWR('f', 16, struct scan)
#define SCAN_PROTECT 1          /* PM_SCAN_WP_MATCHING */
#define SCAN_WATCHED 2          /* PM_SCAN_CHECK_WPASYNC */
#define IS_WRITTEN 2
#define IS_FILE 4
#define IS_PRESENT 8
#define IS_SWAPPED 16
#define IS_ZERO_PAGE 32
#define HAS_CONTENT (IS_PRESENT | IS_SWAPPED)
#define FEATURES (1u << 15 | 1u << 13 | 1u << 12)       /* WP_ASYNC, WP_UNPOPULATED, WP_HUGETLBFS_SHMEM */

#define ROUND_STOP_MS 5000
#define RECORD_PAGES 1024u      /* of one PAGES record: 4 MiB */

static struct ckpt_out *out(void)
{
	return &ckpt_engine.work->out;
}

/* ------------------------------------------------------------------ sending */

/* Memory of the running program can go away while it is read: what is gone is sent as zeros, and
 * the next round says UNMAP. */
static void read_memory(uint8_t *to, uintptr_t from, size_t length, bool readable)
{
	struct iovec local = { to, length }, remote = { (void *)from, length };
	long n;

	if (readable && ckpt_engine.frozen) {
		memcpy(to, (void *)from, length);
		return;
	}
	while (length) {
		n = -1;
		if (readable)
			n = SYS(process_vm_readv, SYS(getpid), &local, 1, &remote, 1, 0);
		if (n <= 0)     /* no right to read, perhaps only since the round began */
			n = SYS(pread64, ckpt_engine.work->memory, to, length, from);
		if (n <= 0) {   /* no memory any more */
			n = CKPT_PAGE - from % CKPT_PAGE;
			if ((size_t)n > length)
				n = length;
			memset(to, 0, n);
		}
		to += n;
		from += n;
		length -= n;
		local = (struct iovec){ to, length };
		remote = (struct iovec){ (void *)from, length };
	}
}

static int send_pages(struct ckpt_job *job, uintptr_t start, uintptr_t end, bool readable)
{
	mpvm_image_Pages pages = mpvm_image_Pages_init_zero;
	size_t left, room;
	uint8_t *to;

	while (start < end) {
		pages.start = start;
		pages.count = (end - start) / CKPT_PAGE;
		if (pages.count > RECORD_PAGES)
			pages.count = RECORD_PAGES;
		if (ckpt_out_record(out(), mpvm_image_RecordType_PAGES, mpvm_image_Pages_fields, &pages))
			return ckpt_stream_error(job, "sending pages");
		job->pages += pages.count;
		job->page_bytes += pages.count * CKPT_PAGE;
		for (left = pages.count * CKPT_PAGE; left; left -= room, start += room) {
			to = ckpt_out_room(out(), &room);
			if (!to)
				return ckpt_stream_error(job, "sending pages");
			if (room > left)
				room = left;
			read_memory(to, start, room, readable);
			ckpt_out_used(out(), room);
		}
	}
	return 0;
}

static int send_range(struct ckpt_job *job, uint32_t type, uintptr_t start, uintptr_t end)
{
	mpvm_image_Range range = { start, end };

	if (ckpt_out_record(out(), type, mpvm_image_Range_fields, &range))
		return ckpt_stream_error(job, "sending a range");
	return 0;
}

/* ------------------------------------------------------------------ scanning */

struct query {
	uint64_t flags, inverted, mask, anyof;
};

/* One batch from *from on; moves *from. Count, or -errno. */
static long scan_batch(uintptr_t *from, uintptr_t end, const struct query *query)
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

static long next_batch(uintptr_t *from, uintptr_t end, const struct query *query)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long n;

	if (!work->no_scan) {
		n = scan_batch(from, end, query);
		if (n != -ENOTTY && n != -EINVAL)
			return n;
		work->no_scan = true;
	}
	return read_batch(from, end, query->inverted & IS_FILE);
}

static int scan_failed(struct ckpt_job *job, const struct ckpt_area *area, long error)
{
	return ckpt_fail(job, CKPT_E_SYSTEM, "looking for pages of %lx-%lx %s: %e", area->start,
			 area->end, ckpt_area_path(area), error);
}

/* ------------------------------------------------------------------ kinds of areas */

static bool can_watch(const struct ckpt_area *area)
{
	if (area->borrowed || area->whole || area->transient)
		return false;
	return area->kind == mpvm_image_Area_Kind_ANONYMOUS ||
	       area->kind == mpvm_image_Area_Kind_HEAP || area->kind == mpvm_image_Area_Kind_STACK;
}

static int send_content(struct ckpt_job *job, const struct ckpt_area *area, const struct query *query)
{
	uintptr_t from = area->start;
	long n, i;
	int error = 0;

	while (from < area->end && !error) {
		n = next_batch(&from, area->end, query);
		if (n < 0)
			return scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++)
			error = send_pages(job, ckpt_engine.work->regions[i].start,
					   ckpt_engine.work->regions[i].end,
					   area->protection & PROT_READ);
		if (!error && !ckpt_engine.frozen)
			CKPT_FAULT(job, CKPT_FAULT_AGENT_ROUND);
	}
	return error;
}

static int send_unwatched(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct query query = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, HAS_CONTENT };

	if (area->kind == mpvm_image_Area_Kind_FILE_PRIVATE) {
		query.inverted = query.mask = IS_FILE;
	} else if (area->whole) {
		query.inverted = query.mask = 0;
		SYS(madvise, area->start, area->end - area->start, MADV_POPULATE_READ);
	}
	return send_content(job, area, &query);
}

/* For the first time, while the program runs: protect all, then send what is there. Not what the
 * first step returns: where mremap has joined areas, some pages are protected since an earlier
 * round. (Only what is there is protected: marks on what is not would need page tables.) */
static int send_first(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct query protect = { SCAN_PROTECT, 0, IS_WRITTEN, HAS_CONTENT };
	struct query content = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, IS_PRESENT };
	struct sysinfo info = { 0 };
	uintptr_t from = area->start;
	long n;

	SYS(sysinfo, &info);
	if (info.totalswap)
		content.anyof |= IS_SWAPPED;
	while (from < area->end) {
		n = scan_batch(&from, area->end, &protect);
		if (n < 0)
			return scan_failed(job, area, n);
	}
	return send_content(job, area, &content);
}

/* What was written since the last look; while the program runs it is protected again in one go.
 * Not with SCAN_WATCHED: when the program has mapped something else there meanwhile, the call would
 * fail after it has protected what lies before that. As it is, the new mapping is passed over, and
 * the next round finds that it is not watched. */
static int send_written(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct query dropped = { 0, HAS_CONTENT, IS_WRITTEN | HAS_CONTENT, 0 };
	struct query written = { ckpt_engine.frozen ? 0 : SCAN_PROTECT, 0, IS_WRITTEN, HAS_CONTENT };
	uintptr_t from = area->start;
	long n, i;
	int error = 0;

	while (from < area->end && !error) {
		n = scan_batch(&from, area->end, &dropped);
		if (n < 0)
			return scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++)
			error = send_range(job, mpvm_image_RecordType_ZERO,
					   ckpt_engine.work->regions[i].start,
					   ckpt_engine.work->regions[i].end);
	}
	for (from = area->start; from < area->end && !error;) {
		n = scan_batch(&from, area->end, &written);
		if (n < 0)
			return scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++) {
			const struct ckpt_region *region = &ckpt_engine.work->regions[i];

			if (region->categories & IS_ZERO_PAGE)
				error = send_range(job, mpvm_image_RecordType_ZERO, region->start,
						   region->end);
			else
				error = send_pages(job, region->start, region->end,
						   area->protection & PROT_READ);
			CKPT_FAULT(job, ckpt_engine.frozen ? CKPT_FAULT_AGENT_MEMORY :
							     CKPT_FAULT_AGENT_ROUND);
		}
	}
	return error;
}

static int send_borrowed(struct ckpt_job *job, const struct ckpt_area *area)
{
	const struct ckpt_client *client = ckpt_engine.client;
	struct ckpt_range ranges[64];
	uintptr_t done = area->start, start, end;
	size_t cursor = 0, n, i;
	int error = 0;

	while (client->ranges && !error &&
	       (n = client->ranges(client->self, area->start, area->end, &cursor, ranges, 64)) > 0) {
		for (i = 0; i < n && !error; i++) {
			start = ranges[i].start & ~(CKPT_PAGE - 1);
			end = (ranges[i].end + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1);
			/* In any order; a page named twice in a row is sent once. */
			if (start < done && end >= done)
				start = done;
			if (start < area->start)
				start = area->start;
			if (end > area->end)
				end = area->end;
			if (start >= end)
				continue;
			error = send_pages(job, start, end, area->protection & PROT_READ);
			done = end;
		}
	}
	return error;
}

static int object_of(uint64_t inode)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->object_count; i++)
		if (work->objects[i].inode == inode)
			return work->objects[i].fd;
	return -1;
}

/* By descriptor: the object itself says where it has data. Opened anew: the position is the program's. */
static int send_object(struct ckpt_job *job, const struct ckpt_area *area, int fd)
{
	uint64_t length = area->end - area->start;
	char path[64];
	long own, data, hole;
	int error = 0;

	ckpt_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return scan_failed(job, area, own);
	data = SYS(lseek, own, area->offset, SEEK_DATA);
	while (data >= 0 && (uint64_t)data < area->offset + length && !error) {
		hole = SYS(lseek, own, data, SEEK_HOLE);
		if (hole < 0)
			break;
		hole = (hole + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1);
		if ((uint64_t)hole > area->offset + length)
			hole = area->offset + length;
		data &= ~(CKPT_PAGE - 1);
		error = send_pages(job, area->start + (data - area->offset),
				   area->start + (hole - area->offset), area->protection & PROT_READ);
		data = SYS(lseek, own, hole, SEEK_DATA);
	}
	SYS(close, own);
	return error;
}

/* Without one: what is in memory. Swapped pages of shared memory show up nowhere, so they are
 * brought in first where the machine swaps at all. */
static int send_resident(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct sysinfo info = { 0 };
	uint8_t *map = (uint8_t *)ckpt_engine.work->read_buffer;
	uintptr_t at, start, end;
	size_t i, n;
	long error = 0;

	SYS(sysinfo, &info);
	if (info.totalswap)
		SYS(madvise, area->start, area->end - area->start, MADV_POPULATE_READ);
	for (at = area->start; at < area->end && !error; at += n * CKPT_PAGE) {
		n = (area->end - at) / CKPT_PAGE;
		if (n > sizeof(ckpt_engine.work->read_buffer))
			n = sizeof(ckpt_engine.work->read_buffer);
		error = SYS(mincore, at, n * CKPT_PAGE, map);
		if (error)
			return scan_failed(job, area, error);
		for (i = 0; i < n && !error; i++) {
			if (!(map[i] & 1))
				continue;
			start = at + i * CKPT_PAGE;
			while (i < n && (map[i] & 1))
				i++;
			end = at + i * CKPT_PAGE;
			error = send_pages(job, start, end, area->protection & PROT_READ);
		}
	}
	return error;
}

static int send_area_content(struct ckpt_job *job, const struct ckpt_area *area)
{
	int fd;

	if (area->borrowed)
		return send_borrowed(job, area);
	switch (area->kind) {
	case mpvm_image_Area_Kind_SHARED_MEMORY:
		fd = object_of(area->inode);
		return fd >= 0 ? send_object(job, area, fd) : send_resident(job, area);
	case mpvm_image_Area_Kind_VDSO:
		return send_pages(job, area->start, area->end, true);
	case mpvm_image_Area_Kind_VVAR:
	case mpvm_image_Area_Kind_FILE_SHARED:
		return 0;
	default:
		return area->watched ? send_written(job, area) : send_unwatched(job, area);
	}
}

/* ------------------------------------------------------------------ watching */

int ckpt_watch_open(struct ckpt_job *job)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURES };
	long fd = SYS(userfaultfd, O_CLOEXEC | O_NONBLOCK | 1 /* UFFD_USER_MODE_ONLY */);

	(void)job;
	if (fd >= 0 && SYS(ioctl, fd, UFFDIO_API, &api)) {
		SYS(close, fd);
		fd = -1;
	}
	ckpt_engine.work->uffd = fd < 0 ? -1 : fd;
	return 0;
}

void ckpt_watch_close(void)
{
	if (ckpt_engine.work->uffd >= 0)
		SYS(close, ckpt_engine.work->uffd);
	ckpt_engine.work->uffd = -1;
}

static bool watch(const struct ckpt_area *area)
{
	struct uffdio_register range = {
		.range = { area->start, area->end - area->start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return SYS(ioctl, ckpt_engine.work->uffd, UFFDIO_REGISTER, &range) == 0;
}

static bool is_watched(const struct ckpt_area *area)
{
	struct query query = { SCAN_WATCHED, 0, IS_WRITTEN, 0 };
	uintptr_t from = area->start;

	if (ckpt_engine.work->uffd < 0 || !can_watch(area))
		return false;
	return scan_batch(&from, area->start + CKPT_PAGE, &query) >= 0;
}

/* Was it sent in the round before, as one area or part of one? Not so when it has grown together
 * since: it has to become one mapping at the destination too. *from only grows. */
static bool was_sent(const struct ckpt_area *area, size_t *from)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const struct ckpt_area *before = work->areas[work->current ^ 1];
	size_t count = work->area_count[work->current ^ 1];

	while (*from < count && before[*from].end <= area->start)
		(*from)++;
	return *from < count && before[*from].watched && before[*from].start <= area->start &&
	       before[*from].end >= area->end;
}

uint64_t ckpt_dirty_bytes(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct query query = { 0, 0, IS_WRITTEN, HAS_CONTENT };
	uint64_t bytes = 0;
	size_t i;
	long n, k;

	for (i = 0; i < work->area_count[work->current]; i++) {
		const struct ckpt_area *area = &work->areas[work->current][i];
		uintptr_t from = area->start;

		while (area->watched && from < area->end) {
			n = scan_batch(&from, area->end, &query);
			if (n < 0)
				break;
			for (k = 0; k < n; k++)
				bytes += work->regions[k].end - work->regions[k].start;
		}
	}
	return bytes;
}

/* ------------------------------------------------------------------ a round */

static uint64_t file_size(const char *path)
{
	struct stat stat;

	return SYS(newfstatat, AT_FDCWD, path, &stat, 0) ? 0 : stat.st_size;
}

static int send_area(struct ckpt_job *job, const struct ckpt_area *area)
{
	mpvm_image_Area *message = &ckpt_engine.work->message.area;
	const char *path = ckpt_area_path(area);

	memset(message, 0, sizeof(*message));
	message->start = area->start;
	message->end = area->end;
	message->kind = area->kind;
	message->protection = area->protection;
	message->offset = area->offset;
	message->inode = area->inode;
	message->fresh = area->fresh;
	message->transient = area->transient;
	if (area->kind == mpvm_image_Area_Kind_FILE_PRIVATE ||
	    area->kind == mpvm_image_Area_Kind_FILE_SHARED)
		message->file_size = file_size(path);
	if (area->kind != mpvm_image_Area_Kind_ANONYMOUS &&
	    !ckpt_copy_text(message->path, sizeof(message->path), path))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "the path of mapping %lx is too long", area->start);
	if (ckpt_out_record(out(), mpvm_image_RecordType_AREA, mpvm_image_Area_fields, message))
		return ckpt_stream_error(job, "sending an area");
	return 0;
}

/* Parts of what was sent in the last round that are not mapped any more, or are mapped anew. */
static int send_unmapped(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const struct ckpt_area *before = work->areas[work->current ^ 1];
	const struct ckpt_area *now = work->areas[work->current];
	size_t old_count = work->area_count[work->current ^ 1], count = work->area_count[work->current];
	size_t i, k = 0;
	int error = 0;

	for (i = 0; i < old_count && !error; i++) {
		uintptr_t at = before[i].start;

		if (!before[i].watched)
			continue;
		while (k < count && now[k].end <= at)
			k++;
		while (k < count && now[k].start < before[i].end && !error) {
			if (now[k].watched && now[k].start > at)
				error = send_range(job, mpvm_image_RecordType_UNMAP, at, now[k].start);
			if (now[k].watched)
				at = now[k].end;
			if (now[k].end >= before[i].end)
				break;
			k++;
		}
		if (at < before[i].end && !error)
			error = send_range(job, mpvm_image_RecordType_UNMAP, at, before[i].end);
	}
	return error;
}

static int send_live(struct ckpt_job *job, struct ckpt_area *area)
{
	bool fresh = area->fresh;
	int error;

	if (!area->watched)
		return 0;
	error = send_area(job, area);
	if (error)
		return error;
	return fresh ? send_first(job, area) : send_written(job, area);
}

/* Which areas are under watch and were sent, and, but for the last round, watches the others. The
 * program is stopped for that: a mapping that changed between being read of and being watched
 * would be split, and the program's next mremap of it would fail. */
static int look_at_areas(struct ckpt_job *job, bool last)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i, sent = 0;
	int error = last ? 0 : ckpt_stop(job, ROUND_STOP_MS, false);

	if (error)
		return error;
	error = ckpt_read_areas(job);
	for (i = 0; i < work->area_count[work->current] && !error; i++) {
		struct ckpt_area *area = &work->areas[work->current][i];

		area->watched = job->rounds && was_sent(area, &sent) && is_watched(area);
		area->fresh = !area->watched;
		if (!last && area->fresh && can_watch(area) && area->protection && work->uffd >= 0)
			area->watched = watch(area);
	}
	if (!last)
		ckpt_let_go();
	return error;
}

static int send_round(struct ckpt_job *job, uint32_t type, bool last)
{
	mpvm_image_Round round = { job->rounds, last };

	if (ckpt_out_record(out(), type, mpvm_image_Round_fields, &round))
		return ckpt_stream_error(job, "sending a round");
	return 0;
}

int ckpt_send_areas(struct ckpt_job *job, bool last)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct ckpt_area *areas;
	size_t i, count;
	int error = look_at_areas(job, last);

	if (error)
		return error;
	areas = work->areas[work->current];
	count = work->area_count[work->current];
	job->rounds++;
	error = send_round(job, mpvm_image_RecordType_ROUND, last);
	if (!error && job->rounds > 1)
		error = send_unmapped(job);
	for (i = 0; i < count && !error; i++)
		error = last ? send_area(job, &areas[i]) : send_live(job, &areas[i]);
	for (i = 0; i < count && last && !error; i++) {
		error = send_area_content(job, &areas[i]);
		if (!error)
			CKPT_FAULT(job, CKPT_FAULT_AGENT_MEMORY);
	}
	if (!error && !last)
		error = send_round(job, mpvm_image_RecordType_ROUND_END, false);
	return error;
}
