/* shm_inlet.c: the receiver's end of a channel in shared memory. */
#include <string.h>

#include "../../message/message.h"
#include "../inlet.h"
#include "../source.h"
#include "inbox.h"
#include "lender.h"

#define LENT_COUNT (PVMI_RING_LENDS * 3 / 4)    /* beyond these, pieces are copied and given back at once: */
#define LENT_BYTES (256UL << 20)                /* a sender must never run out because we do not read */
#define LONGEST (1UL << 40)
#define COPY_CHUNK (8UL << 20)

struct link {
	struct pvmi_ring ring;
	struct pvmi_area *area;
	struct pvmi_lender *lender;
	uint32_t place;
	int bell;               /* the sender's doorbell: room in the ring */
	uint64_t told_of_room;  /* the ring's tail when we last looked whether the sender wants room */
};

static bool map_ring(struct link *link, int fd)
{
	struct stat file;
	void *at;

	if (sys_fstat(fd, &file) < 0 || file.st_size != (off_t)sizeof(struct pvmi_ring_shared) ||
	    sys_fcntl(fd, F_GET_SEALS, 0) < 0 || !(sys_fcntl(fd, F_GET_SEALS, 0) & F_SEAL_SHRINK))
		return false;
	at = sys_mmap(NULL, sizeof(struct pvmi_ring_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (sys_mmap_failed(at))
		return false;
	link->ring.shared = at;
	link->area = pvmi_area_add(PVMI_AREA_SCRATCH, at, sizeof(struct pvmi_ring_shared), NULL);
	return link->ring.shared->magic == PVMI_RING_MAGIC && link->ring.shared->data_size == PVMI_RING_DATA;
}

/* here: descriptors and mappings exist in this process; if not, pvmi_lenders_moved sees to the lender. */
static void free_link(struct link *link, bool here)
{
	bool in_use = here && link->lender && link->lender->count;

	if (here && link->lender)
		pvmi_lender_disconnect(link->lender, in_use ? link->area : NULL);
	if (here && link->ring.shared && !in_use) {
		sys_munmap(link->ring.shared, sizeof(struct pvmi_ring_shared));
		pvmi_area_remove(link->area);
	}
	if (!here)
		pvmi_area_remove(link->area);
	pvmi_disown_fd(link->bell);
	if (here && link->bell >= 0)
		sys_close(link->bell);
	pvmi_free(link);
}

static int in_open(struct pvmi_inlet *inlet, int *descriptors, int count, struct pvmi_welcome *welcome,
		   int *out, int *out_count)
{
	struct link *link;
	int place, heap, ring, bell;

	if (count != 3)
		return PVMI_CLOSE_PROTOCOL;
	heap = descriptors[0];
	ring = descriptors[1];
	bell = descriptors[2];
	inlet->offered_count = 0;       /* they are ours now */
	pvmi_disown_fd(heap);
	pvmi_disown_fd(ring);
	link = pvmi_alloc(sizeof(*link));
	place = link ? pvmi_inbox_place(inlet) : -1;
	if (place < 0) {
		sys_close(heap);
		sys_close(ring);
		pvmi_disown_fd(bell);
		sys_close(bell);
		welcome->status = PVMI_WELCOME_NO_ROOM;
		pvmi_free(link);
		return 0;
	}
	link->place = (uint32_t)place;
	link->bell = bell;
	link->lender = pvmi_lender_new(heap);
	if (!map_ring(link, ring) || !link->lender) {
		sys_close(ring);
		pvmi_inbox_free_place(link->place);
		free_link(link, true);
		return PVMI_CLOSE_PROTOCOL;
	}
	sys_close(ring);
	link->lender->flags = link->ring.shared;
	inlet->link = link;
	/* Shared memory begins a message anew. */
	pvmi_source_drop_partial(inlet->source);
	welcome->place = link->place;
	out[0] = pvmi->plane->inbox_fd;
	out[1] = pvmi->plane->doorbell.fd;
	*out_count = 2;
	return 0;
}

/* The bytes of a record, which lie in the ring. */
static int take_inline(struct link *link, struct pvmi_message *message, const struct pvmi_record *record)
{
	struct pvmi_block *block;

	if (!record->length)
		return 0;
	block = pvmi_block_private(record->length);
	if (!block)
		return PVMI_CLOSE_MEMORY;
	pvmi_ring_body(&link->ring, record, block->bytes);
	if (pvmi_message_append(message, block, block->bytes, record->length) < 0) {
		pvmi_block_unref(block);
		return PVMI_CLOSE_MEMORY;
	}
	return 0;
}

static int copy_in(struct pvmi_message *message, const uint8_t *from, size_t length)
{
	struct pvmi_block *block;
	size_t part;
	int result;

	for (; length; from += part, length -= part) {
		part = length < COPY_CHUNK ? length : COPY_CHUNK;
		block = pvmi_block_private(part);
		if (!block)
			return PVMI_CLOSE_MEMORY;
		memcpy(block->bytes, from, part);
		result = pvmi_message_append(message, block, block->bytes, part);
		if (result < 0) {
			pvmi_block_unref(block);
			return PVMI_CLOSE_MEMORY;
		}
	}
	return 0;
}

static int take_lent(struct link *link, struct pvmi_message *message, const struct pvmi_record *record)
{
	const uint8_t *bytes = pvmi_lender_bytes(link->lender, record->offset, record->length);
	struct pvmi_block *block;
	int result;

	if (!bytes)
		return PVMI_CLOSE_PROTOCOL;
	if (link->lender->count >= LENT_COUNT || link->lender->bytes > LENT_BYTES) {
		pvmi->plane->counts.copied_because_lent++;
		result = copy_in(message, bytes, record->length);
		pvmi_lender_release(link->lender, record->lend);
		return result;
	}
	block = pvmi_lender_block(link->lender, bytes, record->length, record->lend);
	if (!block)
		return PVMI_CLOSE_MEMORY;
	result = pvmi_message_append(message, block, block->bytes, record->length);
	if (result < 0)
		pvmi_block_unref(block);
	return result < 0 ? PVMI_CLOSE_MEMORY : 0;
}

static void describe(struct pvmi_message *message, const struct pvmi_record *record)
{
	message->tag = record->tag;
	message->context = record->context;
	message->encoding = record->encoding;
	message->wait_id = record->wait_id;
	message->crc = record->crc;
}

static int begin(struct pvmi_source *source, const struct pvmi_record *record)
{
	struct pvmi_message *message;

	pvmi_source_drop_partial(source);
	if (record->message_length > LONGEST)
		return PVMI_CLOSE_PROTOCOL;
	message = pvmi_source_begin(source, record->number);
	if (!message)
		return record->number == source->last + 1 ? PVMI_CLOSE_MEMORY : PVMI_CLOSE_PROTOCOL;
	describe(message, record);
	return 0;
}

/* The first that fits what the program is waiting for? */
static bool is_wanted(const struct pvmi_posted *posted, uint32_t sender, const struct pvmi_record *record)
{
	return (posted->tid == -1 || (uint32_t)posted->tid == sender) && (posted->tag == -1 || posted->tag == record->tag) &&
	       posted->context == record->context && record->length <= posted->limit &&
	       posted->arrivals == pvmi->messages->arrivals && !pvmi->plane->arrived;
}

static void give(const struct link *link, struct pvmi_source *source, const struct pvmi_record *record)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_posted *posted = plane->posted;

	pvmi_ring_body(&link->ring, record, posted->bytes);
	posted->source = source->sender;
	posted->got_tag = record->tag;
	posted->length = record->length;
	posted->done = true;
	plane->posted = plane->wanted = NULL;
	source->last++;
	pvmi_count_arrival(source->sender, source->last, record->length);
}

/* A small message: all of it is in the record. */
static int take_whole(const struct link *link, struct pvmi_source *source, const struct pvmi_record *record)
{
	struct pvmi_message *message;
	uint8_t *place;

	if (record->number != source->last + 1)
		return PVMI_CLOSE_PROTOCOL;
	pvmi_source_drop_partial(source);
	if (pvmi->plane->posted && is_wanted(pvmi->plane->posted, source->sender, record)) {
		give(link, source, record);
		return 0;
	}
	message = pvmi_message_small(record->length, &place);
	if (!message)
		return PVMI_CLOSE_MEMORY;
	pvmi_ring_body(&link->ring, record, place);
	describe(message, record);
	source->partial = message;
	source->have = record->length;
	pvmi_source_complete(source);
	return 0;
}

static int take_part(struct pvmi_inlet *inlet, const struct pvmi_record *record)
{
	struct pvmi_source *source = inlet->source;
	struct link *link = inlet->link;
	int reason = 0;

	if (record->flags & PVMI_RECORD_FIRST)
		reason = begin(source, record);
	if (reason)
		return reason;
	if (!source->partial || record->number != source->last + 1 ||
	    record->message_length > LONGEST || record->length > record->message_length - source->have)
		return PVMI_CLOSE_PROTOCOL;
	reason = record->kind == PVMI_RECORD_INLINE ? take_inline(link, source->partial, record)
						    : take_lent(link, source->partial, record);
	if (reason)
		return reason;
	source->have += record->length;
	if (!(record->flags & PVMI_RECORD_LAST))
		return 0;
	if (source->have != record->message_length || source->partial->length != source->have)
		return PVMI_CLOSE_PROTOCOL;
	pvmi_source_complete(source);
	return 0;
}

static int take(struct pvmi_inlet *inlet, const struct pvmi_record *record)
{
	struct pvmi_source *source = inlet->source;
	struct link *link = inlet->link;
	int reason = 0;

	if (record->kind == PVMI_RECORD_BYE)
		return PVMI_CLOSE_FAREWELL;
	if (record->number <= source->last) {
		pvmi->plane->counts.duplicates++;
		pvmi_trace(DUPLICATE, source->sender, record->number);
		if (record->kind == PVMI_RECORD_LENT)
			pvmi_lender_release(link->lender, record->lend);
		return 0;
	}
	reason = record->kind == PVMI_RECORD_WHOLE ? take_whole(link, source, record)
						   : take_part(inlet, record);
	if (!reason)
		__atomic_store_n(&link->ring.shared->taken, source->last, __ATOMIC_RELEASE);
	return reason;
}

/* The sender says that it wants room, looks once more, and waits to be told. A look of ours costs a
 * full barrier, so not after each record: a full ring is emptied before it is found empty. */
static void tell_of_room(struct link *link)
{
	static const uint64_t one = 1;

	if (link->ring.tail - link->told_of_room < PVMI_RING_DATA / 4)
		return;
	link->told_of_room = link->ring.tail;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&link->ring.shared->want_space, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&link->ring.shared->want_space, 0, __ATOMIC_RELAXED);
	sys_write(link->bell, &one, sizeof(one));
}

static int in_drain(struct pvmi_inlet *inlet)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct link *link = inlet->link;
	struct pvmi_record record;
	bool wanted = plane->posted != NULL;
	int result, reason = 0, count = 0;

	if (!link)
		return 0;
	while (!reason && (result = pvmi_ring_next(&link->ring, &record))) {
		if (result < 0)
			return PVMI_CLOSE_PROTOCOL;
		plane->spin.sender = inlet->source->sender;
		plane->spin.sender_processor = record.processor;
		reason = take(inlet, &record);
		pvmi_ring_taken(&link->ring, &record);
		/* It has what it wanted: what is behind can stay, and need not become messages either. */
		if (wanted && !plane->posted) {
			if (pvmi_ring_has_news(&link->ring))
				pvmi_ring_expect(&link->ring);
			break;
		}
		if (count++)
			pvmi_ring_expect(&link->ring);
	}
	tell_of_room(link);
	return reason;
}

/* The socket has no more to say than that the sender is gone; its ring is still here. */
static int in_ready(struct pvmi_inlet *inlet, uint32_t events)
{
	char byte;
	long got = sys_recv(inlet->watch.fd, &byte, 1, MSG_DONTWAIT);
	int reason;

	(void)events;
	if (got == -EAGAIN || got == -EINTR)
		return 0;
	reason = in_drain(inlet);
	if (reason)
		return reason;
	return got > 0 ? PVMI_CLOSE_PROTOCOL : PVMI_CLOSE_EOF;
}

void pvmi_inlet_shm_watch(struct pvmi_inlet *inlet)
{
	struct link *link = inlet->link;

	if (link)
		pvmi_hot_brought_news(inlet, &link->ring);
}

static void in_acknowledge(struct pvmi_inlet *inlet)
{
	(void)inlet;    /* every message was, as it was taken */
}

static void in_close(struct pvmi_inlet *inlet, bool here)
{
	struct link *link = inlet->link;

	if (!link)
		return;
	pvmi_hot_remove(inlet);
	if (!here)
		pvmi->plane->local_inlets[link->place] = NULL;
	else
		pvmi_inbox_free_place(link->place);
	if (inlet->source && inlet->source->inlet == inlet)
		pvmi_source_drop_partial(inlet->source);
	inlet->link = NULL;
	free_link(link, here);
}

const struct pvmi_inlet_route pvmi_inlet_shm = {
	.open = in_open,
	.ready = in_ready,
	.drain = in_drain,
	.acknowledge = in_acknowledge,
	.close = in_close,
};
