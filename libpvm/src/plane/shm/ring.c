/* ring.c: see ring.h. Pure: works on memory alone. */
#include <string.h>

#include "ring.h"

_Static_assert(sizeof(struct pvmi_record) == 64, "a record's header is one unit");
_Static_assert(offsetof(struct pvmi_ring_shared, tail) == 64, "each end writes lines of its own");
_Static_assert(offsetof(struct pvmi_ring_shared, data) == 4096, "fixed by the protocol");

static size_t rounded(size_t size)
{
	return (size + PVMI_RING_UNIT - 1) & ~(size_t)(PVMI_RING_UNIT - 1);
}

static bool look_at_tail(struct pvmi_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->shared->tail, __ATOMIC_ACQUIRE);

	if (tail < ring->tail || tail > ring->head)
		return false;
	ring->tail = tail;
	return true;
}

static bool has_room(struct pvmi_ring *ring, size_t size, bool *fault)
{
	if (ring->head - ring->tail + size <= PVMI_RING_DATA)
		return true;
	if (!look_at_tail(ring)) {
		*fault = true;
		return false;
	}
	return ring->head - ring->tail + size <= PVMI_RING_DATA;
}

void *pvmi_ring_begin(struct pvmi_ring *ring, size_t body, bool *fault)
{
	size_t size = rounded(sizeof(struct pvmi_record) + body);
	size_t at = ring->head % PVMI_RING_DATA, rest = PVMI_RING_DATA - at;
	struct pvmi_record skip = { .kind = PVMI_RECORD_SKIP };

	*fault = false;
	if (size > rest) {
		if (!has_room(ring, rest + size, fault))
			return NULL;
		skip.size = (uint32_t)rest;
		memcpy(ring->shared->data + at, &skip, sizeof(skip));
		ring->head += rest;     /* published with the record that follows */
		at = 0;
	} else if (!has_room(ring, size, fault)) {
		return NULL;
	}
	return ring->shared->data + at + sizeof(struct pvmi_record);
}

void pvmi_ring_commit(struct pvmi_ring *ring, struct pvmi_record *record, size_t body)
{
	size_t at = ring->head % PVMI_RING_DATA;

	record->size = (uint32_t)rounded(sizeof(*record) + body);
	memcpy(ring->shared->data + at, record, sizeof(*record));
	ring->head += record->size;
	__atomic_store_n(&ring->shared->head, ring->head, __ATOMIC_RELEASE);
}

/* A header that cannot be, whatever else the sender's memory says? */
static bool is_nonsense(const struct pvmi_record *record, size_t at, uint64_t waiting)
{
	if (record->size < sizeof(*record) || record->size % PVMI_RING_UNIT || record->size > waiting ||
	    record->size > PVMI_RING_DATA - at)
		return true;
	if (record->kind == PVMI_RECORD_INLINE)
		return record->length > record->size - sizeof(*record);
	if (record->kind == PVMI_RECORD_LENT)
		return record->lend >= PVMI_RING_LENDS;
	return record->kind != PVMI_RECORD_SKIP && record->kind != PVMI_RECORD_BYE;
}

int pvmi_ring_next(struct pvmi_ring *ring, struct pvmi_record *record, const uint8_t **body)
{
	size_t at;

	for (;;) {
		if (ring->head == ring->tail) {
			ring->head = __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);
			if (ring->head == ring->tail)
				return 0;
		}
		if (ring->head < ring->tail || ring->head - ring->tail > PVMI_RING_DATA ||
		    ring->head % PVMI_RING_UNIT)
			return -1;
		at = ring->tail % PVMI_RING_DATA;
		memcpy(record, ring->shared->data + at, sizeof(*record));
		if (is_nonsense(record, at, ring->head - ring->tail))
			return -1;
		if (record->kind != PVMI_RECORD_SKIP)
			break;
		pvmi_ring_taken(ring, record);
	}
	*body = ring->shared->data + at + sizeof(*record);
	return 1;
}

void pvmi_ring_taken(struct pvmi_ring *ring, const struct pvmi_record *record)
{
	ring->tail += record->size;
	__atomic_store_n(&ring->shared->tail, ring->tail, __ATOMIC_RELEASE);
}
