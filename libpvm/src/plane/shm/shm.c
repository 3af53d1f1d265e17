/* shm.c: the sender's end of a channel in shared memory. */
#include <string.h>
#include <sys/un.h>

#include "../channel.h"
#include "inbox.h"
#include "ring.h"

#define INLINE_LIMIT PVMI_SMALL             /* larger pieces are lent, smaller ones copied into the ring */
#define LARGEST_LOAN (1UL << 30)        /* a record's length has 32 bits */
#define CHUNK (1UL << 20)               /* what is not in the heap is copied there in parts of this size */
#define INLINE_FRAGMENT (8UL << 10)     /* when nothing can be lent just now */
_Static_assert(INLINE_LIMIT <= PVMI_RING_LONGEST && INLINE_FRAGMENT <= PVMI_RING_LONGEST, "what one record holds");
#define REAP_EVERY 64                   /* pushes, when nothing else asks for it */

struct link {
	struct link *next;      /* in channel->lent */
	uint32_t epoch;
	struct pvmi_ring ring;
	struct pvmi_area *ring_area, *inbox_area;
	struct pvmi_inbox *inbox;
	uint32_t place;
	int ring_fd, heap_fd;           /* until they are handed over */
	int bell;                       /* the receiver's doorbell */
	uint64_t number;                /* of the message that is partly pushed; 0: none */
	uint32_t piece;
	size_t offset;
	uint32_t releases;              /* seen so far */
	uint32_t lent;
	uint32_t pushes;
	uint16_t free_lends[PVMI_RING_LENDS];
	uint32_t free_count;
	struct pvmi_block *lends[PVMI_RING_LENDS];
};

/* ------------------------------------------------------------------ connecting */

static int make_ring(struct link *link)
{
	long fd = sys_memfd_create("mpvm-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;

	if (fd < 0)
		return (int)fd;
	link->ring_fd = (int)fd;
	pvmi_own_fd((int)fd);
	if (sys_ftruncate((int)fd, sizeof(struct pvmi_ring_shared)) < 0 ||
	    sys_fcntl((int)fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -EINVAL;
	at = sys_mmap(NULL, sizeof(struct pvmi_ring_shared), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (sys_mmap_failed(at))
		return -ENOMEM;
	link->ring.shared = at;
	link->ring.shared->magic = PVMI_RING_MAGIC;
	link->ring.shared->data_size = PVMI_RING_DATA;
	link->ring_area = pvmi_area_add(PVMI_AREA_SCRATCH, at, sizeof(struct pvmi_ring_shared), NULL);
	return 0;
}

/* Read-only, so that no peer's stray store can change a message. */
static int heap_to_read(void)
{
	char path[32] = "/proc/self/fd/";
	int fd = pvmi_heap()->fd, divisor = 10000;
	size_t at = strlen(path);
	long result;

	while (divisor > 1 && fd / divisor == 0)
		divisor /= 10;
	for (; divisor; divisor /= 10)
		path[at++] = (char)('0' + fd / divisor % 10);
	path[at] = 0;
	result = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	return result >= 0 ? (int)result : (int)sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int out_connect(struct pvmi_channel *channel, const struct pvmi_route_answer *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct link *link;
	uint32_t i;
	long fd, result;

	fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	memcpy(address.sun_path, answer->local_path, sizeof(address.sun_path) - 1);
	result = sys_connect((int)fd, &address, sizeof(address));
	if (result >= 0)
		result = pvmi_watch_add(&channel->watch, (int)fd, EPOLLIN | EPOLLRDHUP);
	if (result < 0) {
		sys_close((int)fd);
		return (int)result;
	}
	link = pvmi_alloc(sizeof(*link));
	if (!link)
		return -ENOMEM;
	channel->link = link;
	link->ring_fd = link->heap_fd = link->bell = -1;
	for (i = 0; i < PVMI_RING_LENDS; i++)
		link->free_lends[i] = (uint16_t)i;
	link->free_count = PVMI_RING_LENDS;
	return make_ring(link);
}

static int out_offer(struct pvmi_channel *channel, int *descriptors)
{
	struct link *link = channel->link;

	link->heap_fd = heap_to_read();
	if (link->heap_fd < 0)
		return link->heap_fd;
	pvmi_own_fd(link->heap_fd);
	descriptors[0] = link->heap_fd;
	descriptors[1] = link->ring_fd;
	descriptors[2] = pvmi->plane->doorbell.fd;
	return 3;
}

static void close_one(int *fd)
{
	if (*fd >= 0) {
		pvmi_disown_fd(*fd);
		sys_close(*fd);
	}
	*fd = -1;
}

static bool out_open(struct pvmi_channel *channel, const struct pvmi_welcome *welcome, int *descriptors, int count)
{
	struct link *link = channel->link;
	struct stat file;
	void *at;

	close_one(&link->ring_fd);
	close_one(&link->heap_fd);
	if (count != 2 || welcome->place >= PVMI_LOCAL_SENDERS || sys_fstat(descriptors[0], &file) < 0 ||
	    file.st_size < (off_t)PVMI_INBOX_SIZE || sys_fcntl(descriptors[0], F_GET_SEALS, 0) < 0 ||
	    !(sys_fcntl(descriptors[0], F_GET_SEALS, 0) & F_SEAL_SHRINK))
		return false;
	at = sys_mmap(NULL, PVMI_INBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptors[0], 0);
	if (sys_mmap_failed(at))
		return false;
	link->inbox = at;
	link->inbox_area = pvmi_area_add(PVMI_AREA_SCRATCH, at, PVMI_INBOX_SIZE, NULL);
	if (link->inbox->magic != PVMI_INBOX_MAGIC)
		return false;
	link->place = welcome->place;
	link->bell = descriptors[1];
	pvmi_own_fd(link->bell);
	descriptors[1] = -1;
	return true;
}

static void free_link(struct link *link, bool here)
{
	uint32_t i;

	/* Not so when we leave the VM: receivers may still read what was lent. */
	for (i = 0; i < PVMI_RING_LENDS && !pvmi->plane->leaving; i++)
		pvmi_block_unref(link->lends[i]);
	if (here && link->ring.shared)
		sys_munmap(link->ring.shared, sizeof(struct pvmi_ring_shared));
	pvmi_area_remove(link->ring_area);
	pvmi_free(link);
}

static void out_close(struct pvmi_channel *channel, bool here)
{
	struct link *link = channel->link;

	if (!link)
		return;
	if (here) {
		close_one(&link->ring_fd);
		close_one(&link->heap_fd);
		close_one(&link->bell);
		if (link->inbox)
			sys_munmap(link->inbox, PVMI_INBOX_SIZE);
	}
	pvmi_disown_fd(link->bell);
	pvmi_area_remove(link->inbox_area);
	channel->link = NULL;
	if (!here || link->free_count == PVMI_RING_LENDS) {
		free_link(link, here);
		return;
	}
	/* A connection can end while both live; then the receiver still tells its releases in the ring. */
	link->epoch = channel->epoch;
	link->next = channel->lent;
	channel->lent = link;
}

static void out_forget_lent(struct pvmi_channel *channel, bool all, bool here)
{
	struct link **place = (struct link **)&channel->lent, *link;

	while ((link = *place)) {
		if (!all && link->epoch == channel->epoch) {
			place = &link->next;
			continue;
		}
		*place = link->next;
		free_link(link, here);
	}
}

/* ------------------------------------------------------------------ what comes back */

static void take_back_lends(struct link *link)
{
	struct pvmi_ring_shared *shared = link->ring.shared;
	uint32_t releases = __atomic_load_n(&shared->releases, __ATOMIC_ACQUIRE), i;

	if (releases == link->releases)
		return;
	link->releases = releases;
	for (i = 0; i < PVMI_RING_LENDS; i++) {
		if (!link->lends[i] || !__atomic_load_n(&shared->released[i], __ATOMIC_ACQUIRE))
			continue;
		shared->released[i] = 0;
		pvmi_block_unref(link->lends[i]);
		link->lends[i] = NULL;
		link->free_lends[link->free_count++] = (uint16_t)i;
	}
}

static void take_back_from_ended(struct pvmi_channel *channel)
{
	struct link **place = (struct link **)&channel->lent, *link;

	while ((link = *place)) {
		take_back_lends(link);
		if (link->free_count < PVMI_RING_LENDS) {
			place = &link->next;
			continue;
		}
		*place = link->next;
		free_link(link, true);
	}
}

static int out_reap(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	uint64_t taken = __atomic_load_n(&link->ring.shared->taken, __ATOMIC_ACQUIRE);

	/* 0: nothing taken from this ring yet; what the welcome told stands. */
	if (taken && taken != channel->acknowledged && !pvmi_channel_acknowledged(channel, taken))
		return PVMI_BREAK_PROTOCOL;
	take_back_lends(link);
	if (channel->lent)
		take_back_from_ended(channel);
	return 0;
}

/* ------------------------------------------------------------------ pushing */

enum result { FULL, PUSHED, FAULT };

/* Only written: the record lies in the ring, and the header's line is to travel once. */
static void describe(struct pvmi_record *record, enum pvmi_record_kind kind, const struct pvmi_outgoing *outgoing)
{
	record->kind = kind;
	record->processor = (uint16_t)pvmi_processor();
	record->number = outgoing->number;
	record->tag = outgoing->tag;
	record->context = outgoing->context;
	record->encoding = outgoing->encoding;
	record->wait_id = outgoing->wait_id;
	record->crc = outgoing->crc;
}

/* A record for `length` bytes of the message from where it is pushed so far; body: NULL, or the bytes. */
static struct pvmi_record *begin_part(struct link *link, const struct pvmi_outgoing *outgoing,
				      enum pvmi_record_kind kind, const uint8_t *body, size_t length, bool *fault)
{
	struct pvmi_record *record = pvmi_ring_begin(&link->ring, kind, body, body ? length : 0, fault);
	bool first = !link->piece && !link->offset;
	bool last = link->piece + 1 == outgoing->pieces && link->offset + length == outgoing->piece[link->piece].length;

	if (!record)
		return NULL;
	describe(record, kind, outgoing);
	record->flags = (uint8_t)((first ? PVMI_RECORD_FIRST : 0) | (last ? PVMI_RECORD_LAST : 0));
	record->length = (uint32_t)length;
	record->message_length = outgoing->length;
	return record;
}

static enum result push_whole(struct link *link, const struct pvmi_outgoing *outgoing)
{
	bool fault;
	struct pvmi_record *record = pvmi_ring_begin(&link->ring, PVMI_RECORD_WHOLE, outgoing->piece[0].bytes,
						     outgoing->length, &fault);

	if (!record)
		return fault ? FAULT : FULL;
	describe(record, PVMI_RECORD_WHOLE, outgoing);
	record->flags = PVMI_RECORD_FIRST | PVMI_RECORD_LAST;
	record->length = (uint32_t)outgoing->length;
	pvmi_ring_commit(&link->ring, record);
	return PUSHED;
}

static void advance(struct link *link, const struct pvmi_outgoing *outgoing, size_t length)
{
	link->offset += length;
	if (link->offset == outgoing->piece[link->piece].length) {
		link->piece++;
		link->offset = 0;
	}
}

static enum result push_fragment(struct link *link, const struct pvmi_outgoing *outgoing, size_t length)
{
	bool fault;
	const uint8_t *from = outgoing->piece[link->piece].bytes + link->offset;
	struct pvmi_record *record = begin_part(link, outgoing, PVMI_RECORD_INLINE, from, length, &fault);

	if (!record)
		return fault ? FAULT : FULL;
	pvmi_ring_commit(&link->ring, record);
	advance(link, outgoing, length);
	return PUSHED;
}

/* Lend `length` bytes at `offset` of the heap; takes over a reference to the block when it succeeds. */
static enum result push_lent(struct link *link, const struct pvmi_outgoing *outgoing, struct pvmi_block *block,
			     uint64_t offset, size_t length)
{
	bool fault;
	struct pvmi_record *record = begin_part(link, outgoing, PVMI_RECORD_LENT, NULL, length, &fault);
	uint32_t lend;

	if (!record)
		return fault ? FAULT : FULL;
	lend = link->free_lends[--link->free_count];
	link->lends[lend] = block;
	record->offset = offset;
	record->lend = lend;
	pvmi_ring_commit(&link->ring, record);
	advance(link, outgoing, length);
	return PUSHED;
}

/* Not in the heap: received over TCP or lent by a third task and now sent on, or packed when the heap was full. */
static enum result push_copy(struct link *link, const struct pvmi_outgoing *outgoing, const uint8_t *from, size_t length)
{
	struct pvmi_block *block;
	enum result result;
	uint64_t offset;

	if (length > CHUNK)
		length = CHUNK;
	block = pvmi_block_new(length);
	if (!block || !pvmi_heap_offset(block->bytes, &offset)) {
		pvmi_block_unref(block);
		return push_fragment(link, outgoing, length < INLINE_FRAGMENT ? length : INLINE_FRAGMENT);
	}
	memcpy(block->bytes, from, length);
	result = push_lent(link, outgoing, block, offset, length);
	if (result != PUSHED)
		pvmi_block_unref(block);
	return result;
}

static enum result push_piece(struct link *link, const struct pvmi_outgoing *outgoing)
{
	const struct pvmi_outgoing_piece *piece = &outgoing->piece[link->piece];
	size_t left = piece->length - link->offset;
	enum result result;
	uint64_t offset;

	if (!link->free_count)
		take_back_lends(link);
	if (left <= INLINE_LIMIT)
		return push_fragment(link, outgoing, left);
	if (!link->free_count)
		return push_fragment(link, outgoing, left < INLINE_FRAGMENT ? left : INLINE_FRAGMENT);
	if (!pvmi_heap_offset(piece->bytes + link->offset, &offset))
		return push_copy(link, outgoing, piece->bytes + link->offset, left);
	pvmi_block_ref(piece->block);
	result = push_lent(link, outgoing, piece->block, offset, left < LARGEST_LOAN ? left : LARGEST_LOAN);
	if (result != PUSHED)
		pvmi_block_unref(piece->block);
	return result;
}

static enum result push_message(struct link *link, const struct pvmi_outgoing *outgoing)
{
	enum result result = PUSHED;

	if (outgoing->length <= INLINE_LIMIT)
		return push_whole(link, outgoing);
	if (link->number != outgoing->number) {
		link->number = outgoing->number;
		link->piece = 0;
		link->offset = 0;
	}
	while (result == PUSHED && link->piece < outgoing->pieces)
		result = push_piece(link, outgoing);
	return result;
}

/*
 * What was pushed is seen before we look whether somebody has to be told, and the receiver makes
 * itself seen before it looks a last time: one of the two notices the other. A receiver that
 * watches the ring makes us pass a barrier before it stops to: then we need none of our own.
 */
static void tell(struct link *link)
{
	static const uint64_t one = 1;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&link->ring.shared->watched, __ATOMIC_RELAXED) && pvmi_guard_hears_barriers())
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&link->ring.shared->watched, __ATOMIC_RELAXED))
		pvmi_inbox_tell(link->inbox, link->place);
	if (pvmi_inbox_wakes(link->inbox)) {
		pvmi->plane->counts.doorbells_rung++;
		sys_write(link->bell, &one, sizeof(one));
	}
}

static int out_push(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	struct pvmi_ring_shared *shared = link->ring.shared;
	uint64_t head = link->ring.head;
	enum result result = PUSHED;
	bool asked = false;

	while (channel->cursor) {
		result = push_message(link, channel->cursor);
		if (result == FAULT)
			return PVMI_BREAK_PROTOCOL;
		if (result == PUSHED) {
			channel->counts.pushed++;
			channel->cursor = channel->cursor->next;
			continue;
		}
		if (asked)
			break;
		/* Either we see the room that there is now, or the receiver sees that we want it. */
		asked = true;
		__atomic_store_n(&shared->want_space, 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	if (link->ring.head != head)
		tell(link);
	if (result == FULL || ++link->pushes % REAP_EVERY == 0 || channel->queued_bytes > INLINE_LIMIT * REAP_EVERY)
		return out_reap(channel);
	return 0;
}

static int out_ready(struct pvmi_channel *channel, uint32_t events)
{
	char byte;
	long got = sys_recv(channel->watch.fd, &byte, 1, MSG_DONTWAIT);

	(void)events;
	if (got == -EAGAIN || got == -EINTR)
		return 0;
	return got > 0 ? PVMI_BREAK_PROTOCOL : PVMI_BREAK_EOF;
}

static void out_farewell(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	bool fault;
	struct pvmi_record *record = pvmi_ring_begin(&link->ring, PVMI_RECORD_BYE, NULL, 0, &fault);

	if (!record)
		return;
	record->kind = PVMI_RECORD_BYE;
	pvmi_ring_commit(&link->ring, record);
	tell(link);
}

const struct pvmi_route pvmi_route_shm = {
	.name = "shm",
	.connect = out_connect,
	.offer = out_offer,
	.open = out_open,
	.push = out_push,
	.reap = out_reap,
	.ready = out_ready,
	.farewell = out_farewell,
	.forget_lent = out_forget_lent,
	.close = out_close,
};
