/* tcp_inlet.c: the receiver's end of a channel over TCP. */
#include <string.h>

#include "../inlet.h"
#include "../source.h"
#include "frame.h"

#define BUFFER (32UL << 10)     /* headers and small bodies; larger ones go straight where they belong */
#define PART (8UL << 20)        /* a body is received into blocks of at most this size, as it comes */
#define ACK_BYTES (64UL << 10)
#define ACK_MESSAGES 64
#define DRAIN_AT_ONCE (16UL << 20)

struct link {
	uint8_t *buffer;
	size_t start, end;              /* what is in it */
	uint64_t length;                /* of the message that is coming; its body's first bytes may be here */
	struct pvmi_block *block;       /* the last piece, as far as it has come */
	size_t filled;
	uint64_t acknowledged;          /* told to the sender */
	size_t unacknowledged;          /* bytes since */
	bool owes;                      /* counted in plane->acks_due */
	struct pvmi_ack ack;            /* partly sent when ack_left is not 0 */
	uint32_t ack_left;
	bool coming;                    /* a message's body is under way */
};

static void set_owes(struct link *link, bool owes)
{
	if (link->owes == owes)
		return;
	link->owes = owes;
	pvmi->plane->acks_due += owes ? 1U : -1U;
}

static int in_open(struct pvmi_inlet *inlet, int *descriptors, int count, struct pvmi_welcome *welcome,
		   int *out, int *out_count)
{
	struct link *link = count ? NULL : pvmi_alloc(sizeof(*link));

	(void)descriptors;
	(void)welcome;
	(void)out;
	*out_count = 0;
	if (link)
		link->buffer = pvmi_alloc(BUFFER);
	if (!link || !link->buffer) {
		pvmi_free(link);
		return PVMI_CLOSE_MEMORY;
	}
	link->acknowledged = inlet->source->last;
	inlet->link = link;
	return 0;
}

/* The block being filled becomes a piece of the message, as far as it is filled. */
static bool close_block(struct link *link, struct pvmi_message *message)
{
	struct pvmi_block *block = link->block;

	link->block = NULL;
	if (!block)
		return true;
	if (link->filled && message && pvmi_message_append(message, block, block->bytes, link->filled) == 0)
		return true;
	pvmi_block_unref(block);
	return link->filled == 0;
}

static void in_close(struct pvmi_inlet *inlet, bool here)
{
	struct link *link = inlet->link;
	struct pvmi_source *source = inlet->source;

	(void)here;
	if (!link)
		return;
	/* What has come of a message is kept: the next connection goes on behind it. */
	if (source && source->partial && !close_block(link, source->partial))
		pvmi_source_drop_partial(source);
	if (source && source->partial && source->partial->length != source->have)
		pvmi_source_drop_partial(source);
	if (link->block)
		pvmi_block_unref(link->block);
	set_owes(link, false);
	pvmi_free(link->buffer);
	pvmi_free(link);
	inlet->link = NULL;
}

/* ------------------------------------------------------------------ acknowledging */

static void in_acknowledge(struct pvmi_inlet *inlet)
{
	struct link *link = inlet->link;
	long sent;

	if (!link || !inlet->source)
		return;
	for (;;) {
		if (!link->ack_left) {
			if (link->acknowledged == inlet->source->last)
				break;
			link->ack = (struct pvmi_ack){ .magic = PVMI_ACK_MAGIC, .number = inlet->source->last };
			link->ack_left = sizeof(link->ack);
		}
		sent = sys_send(inlet->watch.fd, (uint8_t *)&link->ack + sizeof(link->ack) - link->ack_left,
				link->ack_left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent <= 0)
			return;         /* still owed; a broken connection is found by reading */
		link->ack_left -= (uint32_t)sent;
		if (!link->ack_left)
			link->acknowledged = link->ack.number;
	}
	link->unacknowledged = 0;
	set_owes(link, false);
}

static void complete(struct pvmi_inlet *inlet, struct link *link)
{
	link->coming = false;
	link->unacknowledged += link->length + sizeof(struct pvmi_tcp_frame);
	pvmi_source_complete(inlet->source);
	if (link->unacknowledged >= ACK_BYTES || inlet->source->last - link->acknowledged >= ACK_MESSAGES)
		in_acknowledge(inlet);
	else
		set_owes(link, true);
}

/* ------------------------------------------------------------------ taking in */

/* Room for more of the body; NULL: no memory. */
static uint8_t *room(struct pvmi_inlet *inlet, struct link *link, size_t *length)
{
	size_t left = link->length - inlet->source->have, size = left < PART ? left : PART;

	if (link->block && link->filled == link->block->capacity &&
	    !close_block(link, inlet->source->partial))
		return NULL;
	if (!link->block) {
		link->block = pvmi_block_private(size);
		link->filled = 0;
		if (!link->block)
			return NULL;
	}
	*length = link->block->capacity - link->filled;
	if (*length > left)
		*length = left;
	return link->block->bytes + link->filled;
}

static int received(struct pvmi_inlet *inlet, struct link *link, size_t bytes)
{
	struct pvmi_source *source = inlet->source;

	link->filled += bytes;
	source->have += bytes;
	if (source->have < link->length)
		return 0;
	if (!close_block(link, source->partial))
		return PVMI_CLOSE_MEMORY;
	complete(inlet, link);
	return 0;
}

static int begin(struct pvmi_inlet *inlet, struct link *link, const struct pvmi_tcp_frame *frame)
{
	struct pvmi_source *source = inlet->source;
	struct pvmi_message *message;

	if (!pvmi_tcp_frame_good(frame))
		return PVMI_CLOSE_PROTOCOL;
	if (frame->type == PVMI_TCP_FRAME_BYE)
		return PVMI_CLOSE_FAREWELL;
	if (frame->number != source->last + 1 || frame->offset != source->have)
		return PVMI_CLOSE_PROTOCOL;
	message = pvmi_source_begin(source, frame->number);
	if (!message)
		return PVMI_CLOSE_MEMORY;
	message->tag = frame->tag;
	message->context = frame->context;
	message->encoding = frame->encoding;
	message->wait_id = frame->wait_id;
	message->crc = frame->crc;
	link->length = frame->length;
	link->coming = true;
	if (source->have == frame->length)
		complete(inlet, link);
	return 0;
}

/* From the buffer: headers, and what of bodies came with them. */
static int take_buffered(struct pvmi_inlet *inlet, struct link *link)
{
	struct pvmi_tcp_frame frame;
	size_t length;
	uint8_t *to;
	int reason = 0;

	while (!reason && link->start < link->end) {
		if (!link->coming) {
			if (link->end - link->start < sizeof(frame))
				break;
			memcpy(&frame, link->buffer + link->start, sizeof(frame));
			link->start += sizeof(frame);
			reason = begin(inlet, link, &frame);
			continue;
		}
		to = room(inlet, link, &length);
		if (!to)
			return PVMI_CLOSE_MEMORY;
		if (length > link->end - link->start)
			length = link->end - link->start;
		memcpy(to, link->buffer + link->start, length);
		link->start += length;
		reason = received(inlet, link, length);
	}
	if (link->start) {
		memmove(link->buffer, link->buffer + link->start, link->end - link->start);
		link->end -= link->start;
		link->start = 0;
	}
	return reason;
}

/* One receive: the body under way straight into its block, what follows into the buffer. */
static long receive(struct pvmi_inlet *inlet, struct link *link, int *reason)
{
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov };
	size_t direct = 0;
	uint8_t *to;
	long got;

	if (link->coming) {
		to = room(inlet, link, &direct);
		if (!to) {
			*reason = PVMI_CLOSE_MEMORY;
			return 0;
		}
		iov[message.msg_iovlen++] = (struct iovec){ to, direct };
	}
	iov[message.msg_iovlen++] = (struct iovec){ link->buffer + link->end, BUFFER - link->end };
	got = sys_recvmsg(inlet->watch.fd, &message, MSG_DONTWAIT);
	if (got <= 0)
		return got;
	if ((size_t)got > direct)
		link->end += (size_t)got - direct;
	else
		direct = (size_t)got;
	if (direct)
		*reason = received(inlet, link, direct);
	if (!*reason)
		*reason = take_buffered(inlet, link);
	return got;
}

static int in_ready(struct pvmi_inlet *inlet, uint32_t events)
{
	struct link *link = inlet->link;
	size_t total = 0;
	int reason = 0;
	long got;

	(void)events;
	while (total < DRAIN_AT_ONCE) {
		got = receive(inlet, link, &reason);
		if (reason)
			return reason;
		if (got == -EAGAIN || got == -EINTR)
			return 0;
		if (got <= 0)
			return PVMI_CLOSE_EOF;
		total += (size_t)got;
		if (total < BUFFER / 2 && !link->coming)
			return 0;       /* small messages: most likely that was all; epoll tells */
	}
	return 0;
}

static int in_drain(struct pvmi_inlet *inlet)
{
	return inlet->link ? in_ready(inlet, 0) : 0;
}

const struct pvmi_inlet_route pvmi_inlet_tcp = {
	.open = in_open,
	.ready = in_ready,
	.drain = in_drain,
	.acknowledge = in_acknowledge,
	.close = in_close,
};
