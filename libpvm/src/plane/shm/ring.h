/*
 * ring.h: one channel's ring in shared memory: one sender, one receiver, records of bytes.
 *
 * The sender makes it, both map it to read and write. Nobody trusts what the other can write:
 * a position is checked against one's own before use, a record is copied out of the ring before it
 * is looked at, and the file is sealed against a change of its size.
 *
 * A record is a header of 64 bytes and, if its kind is INLINE, the bytes themselves; it never
 * wraps. A message is one record or several. A LENT record names bytes in the sender's heap; they
 * are the receiver's to read until it sets the record's release flag.
 */
#ifndef PVMI_RING_H
#define PVMI_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVMI_RING_MAGIC 0x676e6972U
#define PVMI_RING_DATA (64U << 10)
#define PVMI_RING_LENDS 512U
#define PVMI_RING_UNIT 64U

enum pvmi_record_kind {
	PVMI_RECORD_INLINE = 1, /* the bytes follow */
	PVMI_RECORD_LENT = 2,   /* the bytes are in the sender's heap */
	PVMI_RECORD_SKIP = 3,   /* nothing: the rest up to the end of the ring is too short */
	PVMI_RECORD_BYE = 4,    /* the sender leaves */
};
enum pvmi_record_flag { PVMI_RECORD_FIRST = 1, PVMI_RECORD_LAST = 2 };

struct pvmi_record {
	uint32_t size;          /* of the record in the ring, header included */
	uint16_t kind, flags;
	uint64_t number;        /* of the message */
	uint64_t message_length;
	uint64_t length;        /* of this piece */
	uint64_t offset;        /* LENT: in the heap */
	uint32_t lend;          /* LENT: the release flag */
	int32_t tag;
	uint32_t context, encoding;
	int32_t wait_id;
	uint32_t crc;
};

struct pvmi_ring_shared {
	/* Written by the sender. */
	uint32_t magic, data_size;
	uint64_t head;                  /* bytes ever pushed */
	uint32_t want_space;            /* ring the sender's doorbell when there is room */
	uint8_t pad1[64 - 20];
	/* Written by the receiver. */
	uint64_t tail;                  /* bytes ever taken */
	uint64_t taken;                 /* number of the last message taken whole: the acknowledgement */
	uint32_t releases;              /* how many flags were ever set */
	uint8_t pad2[64 - 20];
	uint8_t released[PVMI_RING_LENDS];
	uint8_t pad3[4096 - 128 - PVMI_RING_LENDS];
	uint8_t data[PVMI_RING_DATA];
};

/* One end's own view. */
struct pvmi_ring {
	struct pvmi_ring_shared *shared;
	uint64_t head, tail;            /* what this end knows: its own exactly, the other's as last seen */
};

/* Sender: room for a record with body bytes inline? Then begin returns where they go, and commit
 * publishes the record. NULL: full just now, or (fault set) the receiver has written nonsense. */
void *pvmi_ring_begin(struct pvmi_ring *ring, size_t body, bool *fault);
void pvmi_ring_commit(struct pvmi_ring *ring, struct pvmi_record *record, size_t body);

/* Receiver: copies the next record's header; inline bytes lie at *body until pvmi_ring_taken.
 * 1: a record, 0: none, -1: nonsense. */
int pvmi_ring_next(struct pvmi_ring *ring, struct pvmi_record *record, const uint8_t **body);
void pvmi_ring_taken(struct pvmi_ring *ring, const struct pvmi_record *record);

static inline bool pvmi_ring_empty(const struct pvmi_ring *ring)
{
	return __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE) == ring->tail;
}

#endif
