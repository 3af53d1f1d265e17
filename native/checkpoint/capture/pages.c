/*
 * Pages on the stream. They are read into the output buffer in chunks, judged there one by one, and
 * leave as runs: PAGES with their content, ZERO where they have become zero, nothing where the
 * destination has them already.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/uio.h>

#include "pages.h"

#define CHUNK_PAGES 63u         /* and the heads of their records: as much as the buffer holds */
#define TICK_PAGES 16u
#define HEAD 22u                /* of a PAGES record: both fields have a fixed size */

static struct ckpt_out *out(void)
{
	return &ckpt_engine.work->out;
}

int ckpt_send_range(struct ckpt_job *job, uint32_t type, uintptr_t start, uintptr_t end)
{
	mpvm_image_Range range = { start, end };

	if (ckpt_out_record(out(), type, mpvm_image_Range_fields, &range))
		return ckpt_stream_error(job, "sending a range");
	return 0;
}

/* Memory of the running program can go away while it is read: what is gone is sent as zeros, and
 * the next round says UNMAP. */
static void read_memory(uint8_t *to, uintptr_t from, size_t length, bool readable)
{
	struct iovec local = { to, length }, remote = { (void *)from, length };
	long n;

	if (readable && ckpt_engine.work->last) {
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

static bool is_zero(const uint8_t *page)
{
	uint64_t words[8], any;
	size_t at, i;

	for (at = 0; at < CKPT_PAGE; at += sizeof(words)) {
		memcpy(words, page + at, sizeof(words));
		for (any = 0, i = 0; i < 8; i++)
			any |= words[i];
		if (any)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ marks */

/* What the destination has of a page: 0 nothing (it reads as zero), else a hash of its content. */
static uint64_t *mark_of(uintptr_t page)
{
	return ckpt_engine.work->marks ? &ckpt_engine.work->marks[page / CKPT_PAGE] : NULL;
}

static uint64_t hash(const uint8_t *page)
{
	return (XXH3_64bits(page, CKPT_PAGE) & ~(uint64_t)CKPT_MARK_LOOK) | CKPT_MARK_SENT;
}

/* ------------------------------------------------------------------ judging */

enum verdict { SEND, LEAVE, MAKE_ZERO };

static enum verdict judge(const uint8_t *content, uintptr_t page, enum ckpt_how how)
{
	uint64_t *mark = mark_of(page), now;
	bool there;

	if (how == CKPT_AS_IT_IS)
		return SEND;
	if (is_zero(content)) {
		there = how == CKPT_AGAIN && (!mark || *mark & CKPT_MARK_SENT);
		if (mark)
			*mark = 0;
		return there ? MAKE_ZERO : LEAVE;
	}
	if (!mark)
		return SEND;
	now = hash(content);
	there = how == CKPT_AGAIN && (*mark & ~(uint64_t)CKPT_MARK_LOOK) == now;
	*mark = now;
	return there ? LEAVE : SEND;
}

/* ------------------------------------------------------------------ chunks */

static size_t put_head(uint8_t *at, uint32_t type, uint64_t start, uint64_t second)
{
	uint32_t head[2] = { type, HEAD - 8 };
	uint32_t count = second;

	if (type == mpvm_image_RecordType_ZERO)
		head[1] = 18;
	memcpy(at, head, 8);
	at[8] = 1 << 3 | 1;             /* field 1, 64 bits */
	memcpy(at + 9, &start, 8);
	if (type == mpvm_image_RecordType_ZERO) {
		at[17] = 2 << 3 | 1;    /* field 2, 64 bits */
		memcpy(at + 18, &second, 8);
	} else {
		at[17] = 2 << 3 | 5;    /* field 2, 32 bits */
		memcpy(at + 18, &count, 4);
	}
	return 8 + head[1];
}

struct chunk {
	struct ckpt_job *job;
	uint8_t *content, *to;          /* of the whole chunk, as read; where the next record goes */
	uintptr_t start;
	size_t count;
	uint8_t verdicts[CHUNK_PAGES];
};

/* Moves what is sent to where it belongs on the stream: never upwards, for what is left out leaves
 * more room than any head takes. */
static void put_run(struct chunk *chunk, size_t first, size_t end)
{
	uintptr_t start = chunk->start + first * CKPT_PAGE;
	size_t bytes = (end - first) * CKPT_PAGE;

	switch (chunk->verdicts[first]) {
	case SEND:
		if (chunk->to + HEAD != chunk->content + first * CKPT_PAGE)
			memmove(chunk->to + HEAD, chunk->content + first * CKPT_PAGE, bytes);
		chunk->to += put_head(chunk->to, mpvm_image_RecordType_PAGES, start, end - first) + bytes;
		chunk->job->pages += end - first;
		chunk->job->page_bytes += bytes;
		break;
	case MAKE_ZERO:
		chunk->to += put_head(chunk->to, mpvm_image_RecordType_ZERO, start, start + bytes);
		break;
	default:
		break;
	}
}

static void send_chunk(struct chunk *chunk, uint8_t *at, bool readable, enum ckpt_how how)
{
	size_t i, first;

	chunk->to = at;
	chunk->content = at + HEAD;
	read_memory(chunk->content, chunk->start, chunk->count * CKPT_PAGE, readable);
	for (i = 0; i < chunk->count; i++)
		chunk->verdicts[i] = judge(chunk->content + i * CKPT_PAGE, chunk->start + i * CKPT_PAGE, how);
	for (first = 0; first < chunk->count; first = i) {
		for (i = first + 1; i < chunk->count && chunk->verdicts[i] == chunk->verdicts[first]; i++)
			;
		put_run(chunk, first, i);
	}
	ckpt_out_used(out(), chunk->to - at);
}

int ckpt_send_pages(struct ckpt_job *job, uintptr_t start, uintptr_t end, bool readable, enum ckpt_how how)
{
	struct chunk chunk = { .job = job };
	uint8_t *at;
	size_t room;

	while (start < end) {
		at = ckpt_out_room(out(), HEAD + CKPT_PAGE, &room);
		if (!at)
			return ckpt_stream_error(job, "sending pages");
		chunk.start = start;
		chunk.count = (end - start) / CKPT_PAGE;
		if (chunk.count > (room - HEAD) / CKPT_PAGE)
			chunk.count = (room - HEAD) / CKPT_PAGE;
		if (chunk.count > CHUNK_PAGES)
			chunk.count = CHUNK_PAGES;
		send_chunk(&chunk, at, readable, how);
		start += chunk.count * CKPT_PAGE;
		if (chunk.count >= TICK_PAGES && ckpt_tick_job(job))    /* also when all is left out */
			return ckpt_stream_error(job, "sending pages");
	}
	return 0;
}

int ckpt_send_content(struct ckpt_job *job, const struct ckpt_area *area, const struct ckpt_query *query,
		      enum ckpt_how how)
{
	uintptr_t from = area->start;
	long n, i;
	int error = 0;

	while (from < area->end && !error) {
		n = ckpt_next_batch(&from, area->end, query);
		if (n < 0)
			return ckpt_scan_failed(job, area, n);
		for (i = 0; i < n && !error; i++)
			error = ckpt_send_pages(job, ckpt_engine.work->regions[i].start,
						ckpt_engine.work->regions[i].end,
						area->protection & PROT_READ, how);
		if (!error && !ckpt_engine.work->last)
			CKPT_FAULT(job, CKPT_FAULT_AGENT_ROUND);
	}
	return error;
}

int ckpt_scan_failed(struct ckpt_job *job, const struct ckpt_area *area, long error)
{
	return ckpt_fail(job, CKPT_E_SYSTEM, "looking for pages of %lx-%lx %s: %e", area->start,
			 area->end, ckpt_area_path(area), error);
}
