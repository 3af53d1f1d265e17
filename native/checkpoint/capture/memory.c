/*
 * Rounds over memory.
 *
 * A round names every area, then sends its pages. Anonymous private memory (heap and stack
 * included) is sent while the program runs and watched from then on (track.c). What is not watched
 * (mapped since, moved by mremap, or of a kind that is small or that others can write) is sent whole
 * in the last round, when the program is stopped.
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
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages.h"

#define ROUND_STOP_MS 5000

static struct ckpt_out *out(void)
{
	return &ckpt_engine.work->out;
}

/* ------------------------------------------------------------------ kinds of areas */

static bool can_watch(const struct ckpt_area *area)
{
	if (area->borrowed || area->whole || area->transient)
		return false;
	return area->kind == mpvm_image_Area_Kind_ANONYMOUS ||
	       area->kind == mpvm_image_Area_Kind_HEAP || area->kind == mpvm_image_Area_Kind_STACK;
}

static int send_unwatched(struct ckpt_job *job, const struct ckpt_area *area)
{
	struct ckpt_query query = { 0, IS_ZERO_PAGE, IS_ZERO_PAGE, HAS_CONTENT };
	enum ckpt_how how = CKPT_ANEW;

	if (area->kind == mpvm_image_Area_Kind_FILE_PRIVATE) {
		query.inverted = query.mask = IS_FILE;
		how = CKPT_AS_IT_IS;    /* else there would be what the file has */
	} else if (area->whole) {
		query.inverted = query.mask = 0;
		SYS(madvise, area->start, area->end - area->start, MADV_POPULATE_READ);
	}
	return ckpt_send_content(job, area, &query, how);
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
			error = ckpt_send_pages(job, start, end, area->protection & PROT_READ, CKPT_ANEW);
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
		return ckpt_scan_failed(job, area, own);
	data = SYS(lseek, own, area->offset, SEEK_DATA);
	while (data >= 0 && (uint64_t)data < area->offset + length && !error) {
		hole = SYS(lseek, own, data, SEEK_HOLE);
		if (hole < 0)
			break;
		hole = (hole + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1);
		if ((uint64_t)hole > area->offset + length)
			hole = area->offset + length;
		data &= ~(CKPT_PAGE - 1);
		error = ckpt_send_pages(job, area->start + (data - area->offset),
				   area->start + (hole - area->offset), area->protection & PROT_READ,
					CKPT_ANEW);
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
			return ckpt_scan_failed(job, area, error);
		for (i = 0; i < n && !error; i++) {
			if (!(map[i] & 1))
				continue;
			start = at + i * CKPT_PAGE;
			while (i < n && (map[i] & 1))
				i++;
			end = at + i * CKPT_PAGE;
			error = ckpt_send_pages(job, start, end, area->protection & PROT_READ, CKPT_ANEW);
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
		return ckpt_send_pages(job, area->start, area->end, true, CKPT_AS_IT_IS);
	case mpvm_image_Area_Kind_VVAR:
	case mpvm_image_Area_Kind_FILE_SHARED:
		return 0;
	default:
		return area->watched ? ckpt_engine.work->tracker->send_written(job, area) :
				       send_unwatched(job, area);
	}
}

/* ------------------------------------------------------------------ watching */

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
	message->advice = ckpt_advice_of(area);
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
				error = ckpt_send_range(job, mpvm_image_RecordType_UNMAP, at, now[k].start);
			if (now[k].watched)
				at = now[k].end;
			if (now[k].end >= before[i].end)
				break;
			k++;
		}
		if (at < before[i].end && !error)
			error = ckpt_send_range(job, mpvm_image_RecordType_UNMAP, at, before[i].end);
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
	return fresh ? ckpt_engine.work->tracker->send_first(job, area) :
		       ckpt_engine.work->tracker->send_written(job, area);
}

/* Which areas are under watch and were sent, and, but for the last round, watches the others. The
 * program is stopped for that: a mapping that changed between being read of and being watched
 * would be split, and the program's next mremap of it would fail. */
static int look_at_areas(struct ckpt_job *job, bool last)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const struct ckpt_tracker *tracker = work->tracker;
	size_t i, sent = 0;
	int error = last ? 0 : ckpt_stop(job, ROUND_STOP_MS, false);

	if (error)
		return error;
	error = ckpt_read_areas(job);
	for (i = 0; i < work->area_count[work->current] && !error; i++) {
		struct ckpt_area *area = &work->areas[work->current][i];

		area->watched = job->rounds && was_sent(area, &sent) && can_watch(area) &&
				tracker->is_watched(area);
		area->fresh = !area->watched;
		if (!last && area->fresh && can_watch(area) && area->protection)
			area->watched = tracker->watch(area);
	}
	if (!error && tracker && tracker->look)
		error = tracker->look(job);
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
	int error;

	work->last = last;
	error = look_at_areas(job, last);
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
