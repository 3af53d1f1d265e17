#include "stream.h"

#include <errno.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../arch/x86_64/syscall.h"
#include "siphash.h"
#include "text.h"

#define RECORD_ROOM 16384u      /* more than any record's message takes */
#define POLL_MS 20
#define LITTLE_AHEAD 64u        /* the head of a record, and little more */

uint64_t ckpt_clock_ns(int clock)
{
	struct timespec now;

	SYS(clock_gettime, clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits until fd is ready, calling tick; -ETIMEDOUT after CKPT_STALL_MS of nothing when sending. */
static int wait_ready(int fd, short events, ckpt_tick tick, void *self, unsigned int *waited)
{
	struct pollfd poll = { .fd = fd, .events = events };
	int error;

	if (tick) {
		error = tick(self);
		if (error)
			return error;
	}
	if (SYS(poll, &poll, 1, POLL_MS) == 0)
		*waited += POLL_MS;
	else
		*waited = 0;
	return *waited >= CKPT_STALL_MS ? -ETIMEDOUT : 0;
}

static int send_all(int fd, const uint8_t *data, size_t length, ckpt_tick tick, void *self)
{
	unsigned int waited = 0;
	long n;
	int error;

	while (length) {
		n = SYS(sendto, fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			length -= n;
		} else if (n == -EAGAIN) {
			error = wait_ready(fd, POLLOUT, tick, self, &waited);
			if (error)
				return error;
		} else if (n != -EINTR) {
			return n ? (int)n : -EPIPE;
		}
	}
	return 0;
}

/* At least 1 byte; 0 at the end of the stream. */
static long receive_some(int fd, void *to, size_t room, ckpt_tick tick, void *self)
{
	unsigned int waited = 0;
	long n;
	int error;

	for (;;) {
		n = SYS(recvfrom, fd, to, room, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (n == -EAGAIN) {
			error = wait_ready(fd, POLLIN, tick, self, &waited);
			/* How long a reader waits is its tick's decision: the program may compute long. */
			if (error && error != -ETIMEDOUT)
				return error;
		} else if (n != -EINTR) {
			return n;
		}
	}
}

int ckpt_send_exact(int fd, const void *data, size_t length, ckpt_tick tick, void *self)
{
	return send_all(fd, data, length, tick, self);
}

int ckpt_receive_exact(int fd, void *data, size_t length, ckpt_tick tick, void *self)
{
	uint8_t *to = data;
	long n;

	while (length) {
		n = receive_some(fd, to, length, tick, self);
		if (n <= 0)
			return n ? (int)n : -ECONNRESET;
		to += n;
		length -= n;
	}
	return 0;
}

void ckpt_proof(const uint8_t secret[16], const uint8_t first[16], const uint8_t second[16],
		const char *label, uint8_t out[16])
{
	uint8_t text[64];
	size_t n = ckpt_length(label);

	memcpy(text, first, 16);
	memcpy(text + 16, second, 16);
	if (n > sizeof(text) - 32)
		n = sizeof(text) - 32;
	memcpy(text + 32, label, n);
	ckpt_siphash128(secret, text, 32 + n, out);
}

/* ------------------------------------------------------------------ output */

void ckpt_out_start(struct ckpt_out *out, int fd, ckpt_tick tick, void *self)
{
	out->fd = fd;
	out->error = 0;
	out->used = 0;
	out->sent = 0;
	out->nanoseconds = 0;
	out->tick = tick;
	out->self = self;
	ckpt_hash_start(&out->hash);
}

int ckpt_out_flush(struct ckpt_out *out)
{
	uint64_t start;

	if (out->error || !out->used)
		return out->error;
	start = ckpt_clock_ns(CLOCK_MONOTONIC);
	ckpt_hash_update(&out->hash, out->buffer, out->used);
	out->error = send_all(out->fd, out->buffer, out->used, out->tick, out->self);
	out->nanoseconds += ckpt_clock_ns(CLOCK_MONOTONIC) - start;
	if (!out->error)
		out->sent += out->used;
	out->used = 0;
	if (!out->error && out->tick)
		out->error = out->tick(out->self);
	return out->error;
}

uint64_t ckpt_out_checksum(struct ckpt_out *out)
{
	ckpt_out_flush(out);
	return ckpt_hash_value(&out->hash);
}

int ckpt_out_record(struct ckpt_out *out, uint32_t type, const pb_msgdesc_t *fields, const void *message)
{
	pb_ostream_t stream;
	uint32_t length;
	uint8_t *at;

	if (out->used + 8 + RECORD_ROOM > CKPT_OUT_ROOM && ckpt_out_flush(out))
		return out->error;
	at = out->buffer + out->used;
	stream = pb_ostream_from_buffer(at + 8, RECORD_ROOM);
	if (!pb_encode(&stream, fields, message))
		return out->error = -EOVERFLOW;
	length = stream.bytes_written;
	memcpy(at, &type, 4);
	memcpy(at + 4, &length, 4);
	out->used += 8 + length;
	return out->error;
}

uint8_t *ckpt_out_room(struct ckpt_out *out, size_t least, size_t *room)
{
	if (out->used + least > CKPT_OUT_ROOM)
		ckpt_out_flush(out);
	*room = CKPT_OUT_ROOM - out->used;
	return out->error ? NULL : out->buffer + out->used;
}

void ckpt_out_used(struct ckpt_out *out, size_t n)
{
	out->used += n;
}

/* ------------------------------------------------------------------ input */

void ckpt_in_start(struct ckpt_in *in, int fd, ckpt_tick tick, void *self)
{
	in->fd = fd;
	in->error = 0;
	in->head = in->tail = 0;
	in->ahead = CKPT_IN_ROOM;
	in->received = 0;
	in->tick = tick;
	in->self = self;
	ckpt_hash_start(&in->hash);
}

/* Makes n bytes lie in the buffer; up to `ahead` more are read along. 1: the stream ended before the
 * first of them. */
static int fill(struct ckpt_in *in, size_t n, size_t ahead)
{
	size_t room;
	long got;

	if (in->head + n > CKPT_IN_ROOM) {
		memmove(in->buffer, in->buffer + in->head, in->tail - in->head);
		in->tail -= in->head;
		in->head = 0;
	}
	while (in->tail - in->head < n) {
		room = n - (in->tail - in->head) + ahead;
		if (room > CKPT_IN_ROOM - in->tail)
			room = CKPT_IN_ROOM - in->tail;
		got = receive_some(in->fd, in->buffer + in->tail, room, in->tick, in->self);
		if (got == 0 && in->tail == in->head)
			return 1;
		if (got <= 0)
			return in->error = got ? (int)got : -ECONNRESET;
		in->tail += got;
		in->received += got;
	}
	return 0;
}

int ckpt_in_record(struct ckpt_in *in, struct ckpt_record *record, uint32_t unhashed_type)
{
	int error;

	if (in->head == in->tail)
		in->head = in->tail = 0;
	error = fill(in, 8, in->ahead);
	if (error)
		return error;
	memcpy(&record->type, in->buffer + in->head, 4);
	memcpy(&record->length, in->buffer + in->head + 4, 4);
	if (record->length > CKPT_RECORD_MAX - 8)
		return in->error = -EPROTO;
	error = fill(in, 8 + record->length, CKPT_IN_ROOM);
	if (error)
		return error < 0 ? error : (in->error = -ECONNRESET);
	record->bytes = in->buffer + in->head + 8;
	if (record->type != unhashed_type)
		ckpt_hash_update(&in->hash, in->buffer + in->head, 8 + record->length);
	in->head += 8 + record->length;
	return 0;
}

const uint8_t *ckpt_in_piece(struct ckpt_in *in, size_t length, size_t *got)
{
	bool large = length >= CKPT_IN_PIECE;
	size_t n = large ? CKPT_IN_PIECE : length;
	const uint8_t *piece;

	/* What is read beyond a large piece would have to be moved. */
	in->ahead = large ? LITTLE_AHEAD : CKPT_IN_ROOM;
	if (fill(in, n, in->ahead)) {
		if (!in->error)
			in->error = -ECONNRESET;
		return NULL;
	}
	piece = in->buffer + in->head;
	ckpt_hash_update(&in->hash, piece, n);
	in->head += n;
	*got = n;
	return piece;
}

bool ckpt_decode(const struct ckpt_record *record, const pb_msgdesc_t *fields, void *message)
{
	pb_istream_t stream = pb_istream_from_buffer(record->bytes, record->length);

	return pb_decode(&stream, fields, message);
}
