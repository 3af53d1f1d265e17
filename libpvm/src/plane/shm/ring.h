/*
 * ring.h: one channel's ring in shared memory: one sender, one receiver, records of bytes.
 *
 * The sender makes it, both map it to read and write. Nobody trusts what the other can write:
 * a position is checked against one's own before use, a record is copied out of the ring before it
 * is looked at, and the file is sealed against a change of its size.
 *
 * A record is a header and, if its kind says so, bytes, in one unit of 64 bytes, which is a cache
 * line, or several. A message is one record or several. A LENT record names bytes in the sender's
 * heap; they are the receiver's to read until it sets the record's release flag.
 *
 * There is no word that both sides look at to learn how far the sender is: it would be one more
 * line to travel between two processors with each message. Each unit begins with a stamp, which
 * says at which position it was last written; a record is there when the stamp of its first unit
 * is, which is written last of all. So nothing has to be cleared for the next lap, no byte of a
 * body is ever taken for a record, and each unit is written once, in one go.
 */
#ifndef PVMI_RING_H
#define PVMI_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVMI_RING_MAGIC 0x676e6974U
#define PVMI_RING_DATA (64U << 10)
#define PVMI_RING_LENDS 512U
#define PVMI_RING_UNIT 64U
#define PVMI_RING_PART (PVMI_RING_UNIT - 4)     /* bytes of a body in each unit behind the first */
#define PVMI_RING_LONGEST (32UL << 10)          /* body of a record */

enum pvmi_record_kind {
	PVMI_RECORD_WHOLE = 1,  /* a whole message: its bytes follow the short header */
	PVMI_RECORD_INLINE = 2, /* a part of a message: its bytes follow */
	PVMI_RECORD_LENT = 3,   /* the bytes are in the sender's heap */
	PVMI_RECORD_BYE = 4,    /* the sender leaves */
};
enum pvmi_record_flag { PVMI_RECORD_FIRST = 1, PVMI_RECORD_LAST = 2 };

struct pvmi_record {
	uint32_t stamp;         /* the position in units, and one; else not there yet. Set by pvmi_ring_commit */
	uint8_t kind, flags;
	uint16_t processor;     /* the sender ran there */
	uint64_t number;        /* of the message */
	int32_t tag;
	uint32_t context, encoding;
	int32_t wait_id;
	uint32_t crc;
	uint32_t length;        /* of this piece */
	/* WHOLE ends here */
	uint64_t message_length;
	uint64_t offset;        /* LENT: in the heap */
	uint32_t lend;          /* LENT: the release flag */
	uint32_t reserved;
};
#define PVMI_RECORD_SHORT offsetof(struct pvmi_record, message_length)

struct pvmi_ring_shared {
	/* Written by the sender, rarely. */
	uint32_t magic, data_size;
	uint32_t want_space;            /* ring the sender's doorbell when there is room */
	uint8_t pad1[64 - 12];
	/* Written by the receiver, with each record. */
	uint64_t tail;                  /* bytes ever taken */
	uint64_t taken;                 /* number of the last message taken whole: the acknowledgement */
	uint32_t releases;              /* how many flags were ever set */
	uint8_t pad2[64 - 20];
	/* Written by the receiver, rarely. */
	uint32_t watched;               /* it looks here by itself: no bit, no barrier, no look at its sleep is needed (hot.c) */
	uint8_t pad3[64 - 4];
	uint8_t released[PVMI_RING_LENDS];
	uint8_t pad4[4096 - 192 - PVMI_RING_LENDS];
	uint8_t data[PVMI_RING_DATA];
};

/* One end's own view. */
struct pvmi_ring {
	struct pvmi_ring_shared *shared;
	uint64_t head, tail;            /* bytes pushed (the sender's own), bytes taken (its own, or as last seen) */
	size_t begun;                   /* the sender: bytes of the record that is being made */
};

/* How many units a record of this kind takes; length: of its body, if that is in the ring. */
static inline size_t pvmi_ring_units(enum pvmi_record_kind kind, size_t length)
{
	size_t header = kind == PVMI_RECORD_WHOLE ? PVMI_RECORD_SHORT : sizeof(struct pvmi_record);
	size_t first = PVMI_RING_UNIT - header;

	if (kind > PVMI_RECORD_INLINE || length <= first)
		return 1;
	return 1 + (length - first + PVMI_RING_PART - 1) / PVMI_RING_PART;
}

/*
 * Sender: a record of this kind with this body (none: LENT, BYE). The body is copied; the caller
 * fills in the header where it lies, then commits. NULL: full just now, or (fault set) the receiver
 * has written nonsense.
 */
struct pvmi_record *pvmi_ring_begin(struct pvmi_ring *ring, enum pvmi_record_kind kind, const void *body,
				    size_t length, bool *fault);
void pvmi_ring_commit(struct pvmi_ring *ring, struct pvmi_record *record);

/* Receiver: copies the next record's header. 1: a record, 0: none, -1: nonsense. */
int pvmi_ring_next(struct pvmi_ring *ring, struct pvmi_record *record);
/* Its body, record->length bytes, before pvmi_ring_taken. */
void pvmi_ring_body(const struct pvmi_ring *ring, const struct pvmi_record *record, void *into);
void pvmi_ring_taken(struct pvmi_ring *ring, const struct pvmi_record *record);
/* Those behind the next record are there too: fetched while that one is looked at. */
void pvmi_ring_expect(const struct pvmi_ring *ring);

static inline uint32_t pvmi_ring_stamp(uint64_t position)
{
	return (uint32_t)(position / PVMI_RING_UNIT) + 1;
}

/* Receiver: is there something to look at? */
static inline bool pvmi_ring_has_news(const struct pvmi_ring *ring)
{
	const uint8_t *at = ring->shared->data + ring->tail % PVMI_RING_DATA;

	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE) == pvmi_ring_stamp(ring->tail);
}

#endif
