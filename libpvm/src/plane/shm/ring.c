/* ring.c: see ring.h. Pure: works on memory alone. */
#include <string.h>

#include "ring.h"

#define SIZE_BITS 11                    /* of a stamp: a record can be all of the ring's 1024 units */

_Static_assert(sizeof(struct pvmi_record) == PVMI_RING_UNIT, "a record's header is one unit");
_Static_assert(PVMI_RECORD_SHORT == 40, "fixed by the protocol");
_Static_assert(PVMI_RING_DATA / PVMI_RING_UNIT < 1U << SIZE_BITS, "sizes fit in a stamp");
_Static_assert(offsetof(struct pvmi_ring_shared, tail) == 64, "each end writes lines of its own");
_Static_assert(offsetof(struct pvmi_ring_shared, watched) == 128, "each end writes lines of its own");
_Static_assert(offsetof(struct pvmi_ring_shared, data) == 4096, "fixed by the protocol");

static inline size_t rounded(size_t size)
{
	return (size + PVMI_RING_UNIT - 1) & ~(size_t)(PVMI_RING_UNIT - 1);
}

/* The position is in it, so that bytes which are never renewed are no records on the next lap. */
static inline uint32_t stamp_of(uint64_t position, size_t size)
{
	return (uint32_t)(position / PVMI_RING_UNIT) << SIZE_BITS | (uint32_t)(size / PVMI_RING_UNIT);
}

static inline uint32_t *stamp_at(struct pvmi_ring *ring, uint64_t position)
{
	return (uint32_t *)(ring->shared->data + position % PVMI_RING_DATA);
}

static bool look_at_tail(struct pvmi_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->shared->tail, __ATOMIC_ACQUIRE);

	if (tail < ring->tail || tail > ring->head)
		return false;
	ring->tail = tail;
	return true;
}

/* One unit more than the record: its place is cleared before the record is published. */
static inline bool has_room(struct pvmi_ring *ring, size_t size, bool *fault)
{
	if (ring->head - ring->tail + size + PVMI_RING_UNIT <= PVMI_RING_DATA)
		return true;
	if (!look_at_tail(ring)) {
		*fault = true;
		return false;
	}
	return ring->head - ring->tail + size + PVMI_RING_UNIT <= PVMI_RING_DATA;
}

static inline void publish(struct pvmi_ring *ring, size_t size)
{
	__atomic_store_n(stamp_at(ring, ring->head + size), 0, __ATOMIC_RELAXED);
	__atomic_store_n(stamp_at(ring, ring->head), stamp_of(ring->head, size), __ATOMIC_RELEASE);
	ring->head += size;
	/* The line that is cleared with the next record: fetched while there is time. */
	__builtin_prefetch(stamp_at(ring, ring->head + PVMI_RING_UNIT), 1);
}

struct pvmi_record *pvmi_ring_begin(struct pvmi_ring *ring, size_t bytes, bool *fault)
{
	size_t size = rounded(bytes), rest = PVMI_RING_DATA - ring->head % PVMI_RING_DATA;

	*fault = false;
	if (size > rest) {
		if (!has_room(ring, rest + size, fault))
			return NULL;
		((struct pvmi_record *)stamp_at(ring, ring->head))->kind = PVMI_RECORD_SKIP;
		publish(ring, rest);
	} else if (!has_room(ring, size, fault)) {
		return NULL;
	}
	return (struct pvmi_record *)stamp_at(ring, ring->head);
}

void pvmi_ring_commit(struct pvmi_ring *ring, size_t bytes)
{
	publish(ring, rounded(bytes));
}

/* A header that cannot be, whatever else the sender's memory says? */
static bool is_nonsense(const struct pvmi_record *record, uint64_t position)
{
	size_t size = (record->stamp & ((1U << SIZE_BITS) - 1)) * PVMI_RING_UNIT;

	if (!size || record->stamp != stamp_of(position, size) || size > PVMI_RING_DATA - position % PVMI_RING_DATA)
		return true;
	switch (record->kind) {
	case PVMI_RECORD_WHOLE: return record->length > size - PVMI_RECORD_SHORT;
	case PVMI_RECORD_INLINE: return record->length > size - sizeof(*record);
	case PVMI_RECORD_LENT: return record->lend >= PVMI_RING_LENDS;
	default: return record->kind != PVMI_RECORD_SKIP && record->kind != PVMI_RECORD_BYE;
	}
}

int pvmi_ring_next(struct pvmi_ring *ring, struct pvmi_record *record, const uint8_t **body)
{
	const uint8_t *at;

	for (;;) {
		if (!pvmi_ring_has_news(ring))
			return 0;
		at = ring->shared->data + ring->tail % PVMI_RING_DATA;
		memcpy(record, at, sizeof(*record));
		if (is_nonsense(record, ring->tail))
			return -1;
		if (record->kind != PVMI_RECORD_SKIP)
			break;
		pvmi_ring_taken(ring, record);
	}
	*body = at + (record->kind == PVMI_RECORD_WHOLE ? PVMI_RECORD_SHORT : sizeof(*record));
	return 1;
}

void pvmi_ring_taken(struct pvmi_ring *ring, const struct pvmi_record *record)
{
	ring->tail += (record->stamp & ((1U << SIZE_BITS) - 1)) * PVMI_RING_UNIT;
	__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
}
