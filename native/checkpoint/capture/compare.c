/*
 * Where the kernel does not note which pages are written, pages are compared with what was sent of
 * them: by a hash of 62 bits, in a table that has an entry for each page there could be (only what
 * is used of it takes memory). With soft-dirty bits only those pages are looked at that may have
 * changed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "pages.h"

#define TABLE_SIZE (0x800000000000ul / CKPT_PAGE * sizeof(uint64_t))
#define ENTRY_SOFT_DIRTY (1ull << 55)
#define ENTRY_EXCLUSIVE (1ull << 56)
#define ENTRY_PRESENT (1ull << 63)

/* ------------------------------------------------------------------ the table */

static void close_table(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (work->marks)
		SYS(munmap, work->marks, TABLE_SIZE);
	work->marks = NULL;
	if (work->clear_refs >= 0)
		SYS(close, work->clear_refs);
	work->clear_refs = -1;
}

static long open_table(void)
{
	long at = SYS(mmap, 0, TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);

	if (at < 0 && at > -4096)
		return at;
	SYS(madvise, at, TABLE_SIZE, MADV_NOHUGEPAGE);
	SYS(madvise, at, TABLE_SIZE, MADV_DONTFORK);
	ckpt_engine.work->marks = (uint64_t *)at;
	return 0;
}

bool ckpt_is_table(uintptr_t start, uintptr_t end)
{
	uintptr_t table = (uintptr_t)ckpt_engine.work->marks;

	return table && start >= table && end <= table + TABLE_SIZE;
}

/* By content: it does not matter what became of the mapping meanwhile. */
static bool watch(const struct ckpt_area *area)
{
	(void)area;
	return true;
}

/* ------------------------------------------------------------------ sending */

static int send_first(struct ckpt_job *job, const struct ckpt_area *area)
{
	static const struct ckpt_query content = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, HAS_CONTENT };

	return ckpt_send_content(job, area, &content, CKPT_ANEW);
}

/* Where there is no page any more, or one of zeros. */
static int send_absent(struct ckpt_job *job, uintptr_t start, uintptr_t end)
{
	uint64_t *marks = ckpt_engine.work->marks;
	uintptr_t from;
	int error = 0;

	while (start < end && !error) {
		if (!(marks[start / CKPT_PAGE] & CKPT_MARK_SENT)) {
			start += CKPT_PAGE;
			continue;
		}
		for (from = start; start < end && marks[start / CKPT_PAGE] & CKPT_MARK_SENT; start += CKPT_PAGE)
			marks[start / CKPT_PAGE] = 0;
		error = ckpt_send_range(job, mpvm_image_RecordType_ZERO, from, start);
	}
	return error;
}

static bool is_to_look_at(uintptr_t page)
{
	const struct ckpt_workspace *work = ckpt_engine.work;

	return work->clear_refs < 0 || work->marks[page / CKPT_PAGE] & CKPT_MARK_LOOK;
}

static int send_present(struct ckpt_job *job, const struct ckpt_area *area, uintptr_t start, uintptr_t end)
{
	uintptr_t from;
	int error = 0;

	while (start < end && !error) {
		if (!is_to_look_at(start)) {
			start += CKPT_PAGE;
			continue;
		}
		for (from = start; start < end && is_to_look_at(start);)
			start += CKPT_PAGE;
		error = ckpt_send_pages(job, from, start, area->protection & PROT_READ, CKPT_AGAIN);
	}
	return error;
}

static int send_changed(struct ckpt_job *job, const struct ckpt_area *area)
{
	static const struct ckpt_query content = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, HAS_CONTENT };
	struct ckpt_workspace *work = ckpt_engine.work;
	uintptr_t from = area->start, done = area->start;
	long n, i;
	int error = 0;

	while (from < area->end && !error) {
		n = ckpt_next_batch(&from, area->end, &content);
		if (n < 0)
			return ckpt_scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++) {
			error = send_absent(job, done, work->regions[i].start);
			done = work->regions[i].end;
			if (!error)
				error = send_present(job, area, work->regions[i].start, done);
			CKPT_FAULT(job, work->last ? CKPT_FAULT_AGENT_MEMORY : CKPT_FAULT_AGENT_ROUND);
		}
		if (!error)
			error = send_absent(job, done, from);
		done = from;
	}
	return error;
}

/* Not known until the next look: as much as was found in the round that has ended. */
static uint64_t guess_dirty(struct ckpt_job *job)
{
	return job->round_bytes;
}

const struct ckpt_tracker ckpt_compare = {
	CKPT_TRACK_COMPARE, "compare", open_table, close_table, watch, watch, NULL, send_first, send_changed, guess_dirty,
};

/* ------------------------------------------------------------------ soft-dirty */

/* Does the kernel note writes at all? A page that has just been written to tells. */
static bool has_soft_dirty(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	uint64_t entry = 0;

	work->line[0] = 1;
	return SYS(pread64, work->pagemap, &entry, 8, (uintptr_t)work->line / CKPT_PAGE * 8) == 8 &&
	       entry & ENTRY_SOFT_DIRTY;
}

static long open_soft_dirty(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long error;

	if (!has_soft_dirty())
		return -ENOTSUP;
	work->clear_refs = SYS(openat, AT_FDCWD, "/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	if (work->clear_refs < 0)
		return work->clear_refs;
	error = open_table();
	if (error)
		close_table();
	return error;
}

/* What is there and not the task's alone may be the kernel's page of zeros, which nobody writes to. */
static bool may_have_changed(uint64_t entry)
{
	return entry & ENTRY_SOFT_DIRTY || (entry & ENTRY_PRESENT && !(entry & ENTRY_EXCLUSIVE));
}

/* Batches of the pagemap, for each watched area; what `take` returns is added up. */
static uint64_t read_entries(uint64_t (*take)(uintptr_t page, uint64_t entry))
{
	struct ckpt_workspace *work = ckpt_engine.work;
	uint64_t *entries = (uint64_t *)work->read_buffer, sum = 0;
	size_t i;
	long n, k;

	for (i = 0; i < work->area_count[work->current]; i++) {
		const struct ckpt_area *area = &work->areas[work->current][i];
		uintptr_t at = area->start;

		while (area->watched && at < area->end) {
			n = (area->end - at) / CKPT_PAGE;
			if (n > (long)(sizeof(work->read_buffer) / 8))
				n = sizeof(work->read_buffer) / 8;
			n = SYS(pread64, work->pagemap, entries, n * 8, at / CKPT_PAGE * 8) / 8;
			if (n <= 0)
				break;
			for (k = 0; k < n; k++, at += CKPT_PAGE)
				sum += take(at, entries[k]);
		}
	}
	return sum;
}

static uint64_t note(uintptr_t page, uint64_t entry)
{
	if (may_have_changed(entry))
		ckpt_engine.work->marks[page / CKPT_PAGE] |= CKPT_MARK_LOOK;
	return 0;
}

static uint64_t count(uintptr_t page, uint64_t entry)
{
	(void)page;
	return entry & ENTRY_SOFT_DIRTY ? CKPT_PAGE : 0;
}

static int wipe(struct ckpt_job *job)
{
	long n = ckpt_engine.work->last ? 1 : SYS(pwrite64, ckpt_engine.work->clear_refs, "4", 1, 0);

	return n == 1 ? 0 : ckpt_fail(job, CKPT_E_SYSTEM, "writing to /proc/self/clear_refs: %e", n);
}

/* The program stands still: nothing is written between reading the notes and wiping them. */
static int take_notes(struct ckpt_job *job)
{
	read_entries(note);
	return wipe(job);
}

static uint64_t count_dirty(struct ckpt_job *job)
{
	(void)job;
	return read_entries(count);
}

const struct ckpt_tracker ckpt_soft_dirty = {
	CKPT_TRACK_SOFT_DIRTY, "soft-dirty", open_soft_dirty, close_table, watch, watch, take_notes, send_first, send_changed, count_dirty,
};
