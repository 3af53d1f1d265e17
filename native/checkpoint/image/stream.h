/*
 * The image stream: records in, records out, a checksum over every byte of them.
 *
 * Output goes through one buffer, so that what is hashed is what is sent, whatever the program (or
 * the agent itself) writes to that memory meanwhile. Input goes through one
 * as well: there pages are hashed and looked at while they are hot. Freestanding: used by the agent and by the restorer.
 */
#ifndef CKPT_STREAM_H
#define CKPT_STREAM_H

#include <pb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

#define CKPT_PAGE 4096ul
#define CKPT_MAGIC 0x4d565049u
#define CKPT_RECORD_MAX 65536u          /* bytes of a record's message */
#define CKPT_OUT_ROOM 262144u
#define CKPT_IN_PIECE 131072u
#define CKPT_IN_ROOM 262144u
#define CKPT_STALL_MS 30000             /* a peer that takes nothing for so long is lost */

/* Called between pieces of long work and while waiting: non-zero stops it. */
typedef int (*ckpt_tick)(void *self);

struct ckpt_out {
	int fd;
	int error;                      /* of the last failure: -errno, or what tick returned */
	size_t used;
	uint64_t sent;                  /* bytes handed to the kernel */
	uint64_t nanoseconds;           /* spent in that */
	ckpt_tick tick;
	void *self;
	struct ckpt_hash hash;
	uint8_t buffer[CKPT_OUT_ROOM];
};

struct ckpt_in {
	int fd;
	int error;
	size_t head, tail;
	size_t ahead;                   /* how far beyond the next record's head is read */
	uint64_t received;
	ckpt_tick tick;                 /* called whenever there is nothing to read, and now and then */
	void *self;
	struct ckpt_hash hash;
	uint8_t buffer[CKPT_IN_ROOM];
};

void ckpt_out_start(struct ckpt_out *out, int fd, ckpt_tick tick, void *self);
/* All return 0 or a negative number (also left in out->error). */
int ckpt_out_record(struct ckpt_out *out, uint32_t type, const pb_msgdesc_t *fields, const void *message);
/* Room for at least so many bytes, to be filled with records; NULL when sending fails. */
uint8_t *ckpt_out_room(struct ckpt_out *out, size_t least, size_t *room);
void ckpt_out_used(struct ckpt_out *out, size_t n);
int ckpt_out_flush(struct ckpt_out *out);
uint64_t ckpt_out_checksum(struct ckpt_out *out);       /* flushes first */

void ckpt_in_start(struct ckpt_in *in, int fd, ckpt_tick tick, void *self);
struct ckpt_record {
	uint32_t type, length;
	const uint8_t *bytes;           /* valid until the next call */
};
/* Reads a record; its bytes are hashed unless it is END. 1: the stream ended between records. */
int ckpt_in_record(struct ckpt_in *in, struct ckpt_record *record, uint32_t unhashed_type);
/* Of the raw bytes behind a PAGES record, `length` of which are still to come, the next ones, hashed; valid until
 * the next call. They are in the processor's cache: it is time to look at them. NULL: in->error. */
const uint8_t *ckpt_in_piece(struct ckpt_in *in, size_t length, size_t *got);
bool ckpt_decode(const struct ckpt_record *record, const pb_msgdesc_t *fields, void *message);

/* Exact reads and writes of the opening. */
int ckpt_send_exact(int fd, const void *data, size_t length, ckpt_tick tick, void *self);
int ckpt_receive_exact(int fd, void *data, size_t length, ckpt_tick tick, void *self);

void ckpt_proof(const uint8_t secret[16], const uint8_t first[16], const uint8_t second[16],
		const char *label, uint8_t out[16]);

uint64_t ckpt_clock_ns(int clock);
#endif
