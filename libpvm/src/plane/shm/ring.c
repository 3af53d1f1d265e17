/* ring.c: see ring.h. Pure: works on memory alone. */
#include <string.h>

#include "../../sys/arch/x86_64/cache.h"
#include "ring.h"

#define AHEAD 4                 /* units that are fetched before they are written, or read */

_Static_assert(sizeof(struct pvmi_record) == PVMI_RING_UNIT, "a record's header is one unit");
_Static_assert(PVMI_RECORD_SHORT == 40, "fixed by the protocol");
_Static_assert(offsetof(struct pvmi_ring_shared, tail) == 64, "each end writes lines of its own");
_Static_assert(offsetof(struct pvmi_ring_shared, watched) == 128, "each end writes lines of its own");
_Static_assert(offsetof(struct pvmi_ring_shared, data) == 4096, "fixed by the protocol");

static inline uint8_t *unit_at(const struct pvmi_ring *ring, uint64_t position)
{
	return ring->shared->data + position % PVMI_RING_DATA;
}

/* The share of the body that the header's unit has room for. */
static inline size_t first_share(size_t header, size_t length)
{
	return length < PVMI_RING_UNIT - header ? length : PVMI_RING_UNIT - header;
}

static inline size_t header_size(enum pvmi_record_kind kind)
{
	return kind == PVMI_RECORD_WHOLE ? PVMI_RECORD_SHORT : sizeof(struct pvmi_record);
}

/* ------------------------------------------------------------------ the sender */

static bool look_at_tail(struct pvmi_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->shared->tail, __ATOMIC_ACQUIRE);

	if (tail < ring->tail || tail > ring->head)
		return false;
	ring->tail = tail;
	return true;
}

static inline bool has_room(struct pvmi_ring *ring, size_t size, bool *fault)
{
	if (ring->head - ring->tail + size <= PVMI_RING_DATA)
		return true;
	*fault = !look_at_tail(ring);
	return !*fault && ring->head - ring->tail + size <= PVMI_RING_DATA;
}

/* All but the header's unit: that one is written last and in one go, for the receiver looks at it
 * all the time, and each time that it does the line has to be taken back. */
static void put_parts(struct pvmi_ring *ring, const uint8_t *from, size_t length)
{
	uint64_t position = ring->head + PVMI_RING_UNIT;
	uint8_t *unit;
	size_t part;

	for (; length; from += part, length -= part, position += PVMI_RING_UNIT) {
		part = length < PVMI_RING_PART ? length : PVMI_RING_PART;
		unit = unit_at(ring, position);
		*(uint32_t *)unit = pvmi_ring_stamp(position);
		memcpy(unit + sizeof(uint32_t), from, part);
		pvmi_prefetch_to_write(unit_at(ring, position + AHEAD * PVMI_RING_UNIT));
	}
}

struct pvmi_record *pvmi_ring_begin(struct pvmi_ring *ring, enum pvmi_record_kind kind, const void *body,
				    size_t length, bool *fault)
{
	size_t header = header_size(kind), share = first_share(header, length);
	uint8_t *unit = unit_at(ring, ring->head);

	*fault = false;
	ring->begun = share < length ? pvmi_ring_units(kind, length) * PVMI_RING_UNIT : PVMI_RING_UNIT;
	if (!has_room(ring, ring->begun, fault))
		return NULL;
	if (share < length)
		put_parts(ring, (const uint8_t *)body + share, length - share);
	if (share)
		memcpy(unit + header, body, share);
	return (struct pvmi_record *)unit;
}

void pvmi_ring_commit(struct pvmi_ring *ring, struct pvmi_record *record)
{
	__atomic_store_n(&record->stamp, pvmi_ring_stamp(ring->head), __ATOMIC_RELEASE);
	ring->head += ring->begun;
	/* What will be written soon is taken from the receiver's cache while there is time. */
	pvmi_prefetch_to_write(unit_at(ring, ring->head + (AHEAD - 1) * PVMI_RING_UNIT));
}

/* ------------------------------------------------------------------ the receiver */

/* A header that cannot be, whatever else the sender's memory says? */
static inline bool is_nonsense(const struct pvmi_record *record)
{
	switch (record->kind) {
	case PVMI_RECORD_WHOLE:
	case PVMI_RECORD_INLINE: return record->length > PVMI_RING_LONGEST;
	case PVMI_RECORD_LENT: return record->lend >= PVMI_RING_LENDS;
	default: return record->kind != PVMI_RECORD_BYE;
	}
}

int pvmi_ring_next(struct pvmi_ring *ring, struct pvmi_record *record)
{
	if (!pvmi_ring_has_news(ring))
		return 0;
	memcpy(record, unit_at(ring, ring->tail), sizeof(*record));
	return is_nonsense(record) ? -1 : 1;
}

void pvmi_ring_body(const struct pvmi_ring *ring, const struct pvmi_record *record, void *into)
{
	size_t header = header_size((enum pvmi_record_kind)record->kind), length = record->length;
	size_t part = first_share(header, length);
	uint64_t position = ring->tail;
	uint8_t *to = into;

	/* The header's unit has been copied already. */
	if (part)
		memcpy(to, (const uint8_t *)record + header, part);
	for (to += part, length -= part; length; to += part, length -= part) {
		part = length < PVMI_RING_PART ? length : PVMI_RING_PART;
		position += PVMI_RING_UNIT;
		memcpy(to, unit_at(ring, position) + sizeof(uint32_t), part);
	}
}

void pvmi_ring_taken(struct pvmi_ring *ring, const struct pvmi_record *record)
{
	ring->tail += pvmi_ring_units((enum pvmi_record_kind)record->kind, record->length) * PVMI_RING_UNIT;
	__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
}

void pvmi_ring_expect(const struct pvmi_ring *ring)
{
	__builtin_prefetch(unit_at(ring, ring->tail + AHEAD * PVMI_RING_UNIT));
}
