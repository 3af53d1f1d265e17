/* tcp.c: the sender's end of a channel over TCP. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "../channel.h"
#include "frame.h"

#define PIECES 128              /* iovec entries of one sendmsg */
#define HEADERS 32
#define LISTEN_ABOVE (8UL << 20)        /* bytes queued: acknowledgements are waited for, not just found */
#define REAP_ABOVE (256UL << 10)
#define REAP_EVERY 64           /* messages */
#define PUSH_AT_ONCE (16UL << 20)
#define USER_TIMEOUT_MS 60000

struct link {
	uint64_t number;        /* of the message that is partly sent; 0: none */
	size_t sent;            /* header and body bytes of it that the kernel has */
	size_t skip;            /* body bytes of it that the receiver had before this connection */
	uint64_t skip_number;
	struct pvmi_ack_parser acks;
	uint64_t acknowledged;
	uint32_t unreaped;      /* messages pushed since acknowledgements were last looked for */
	bool full;              /* the socket takes no more: EPOLLOUT tells */
};

static int tcp_connect(struct pvmi_channel *channel, const struct pvmi_route_answer *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	unsigned int timeout = USER_TIMEOUT_MS;
	struct link *link;
	int one = 1;
	long fd, result;

	if (!answer->port || !pvmi_parse_ipv4(answer->address, &address.sin_addr.s_addr))
		return -EADDRNOTAVAIL;
	address.sin_port = (uint16_t)(answer->port << 8 | answer->port >> 8);
	link = pvmi_alloc(sizeof(*link));
	if (!link)
		return -ENOMEM;
	channel->link = link;
	fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	sys_setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	sys_setsockopt((int)fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	sys_setsockopt((int)fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	sys_setsockopt((int)fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	result = sys_connect((int)fd, &address, sizeof(address));
	if (result < 0 && result != -EINPROGRESS) {
		sys_close((int)fd);
		return (int)result;
	}
	if (pvmi_watch_add(&channel->watch, (int)fd, EPOLLOUT) < 0) {
		sys_close((int)fd);
		return -EMFILE;
	}
	return (int)result;
}

static int tcp_offer(struct pvmi_channel *channel, int *descriptors)
{
	(void)channel;
	(void)descriptors;
	return 0;
}

static bool tcp_open(struct pvmi_channel *channel, const struct pvmi_welcome *welcome, int *descriptors, int count)
{
	struct link *link = channel->link;

	(void)descriptors;
	link->skip = welcome->have;
	link->skip_number = welcome->last + 1;
	link->acknowledged = welcome->last;
	pvmi_watch_change(&channel->watch, EPOLLRDHUP);
	return count == 0;
}

static void tcp_close(struct pvmi_channel *channel, bool here)
{
	(void)here;
	pvmi_free(channel->link);
	channel->link = NULL;
}

/* ------------------------------------------------------------------ acknowledgements */

static int tcp_reap(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	uint8_t bytes[1024];
	long got;

	link->unreaped = 0;
	for (;;) {
		got = sys_recv(channel->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got == -EAGAIN || got == -EINTR)
			break;
		if (got <= 0)
			return PVMI_BREAK_EOF;
		if (!pvmi_acks_parse(&link->acks, bytes, (size_t)got, &link->acknowledged))
			return PVMI_BREAK_PROTOCOL;
		if (got < (long)sizeof(bytes))
			break;
	}
	if (link->acknowledged != channel->acknowledged &&
	    !pvmi_channel_acknowledged(channel, link->acknowledged))
		return PVMI_BREAK_PROTOCOL;
	return 0;
}

static void set_events(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	uint32_t events = EPOLLRDHUP;

	if (link->full)
		events |= EPOLLOUT;
	/* Otherwise nobody is woken for an acknowledgement; the next push finds it. */
	if (channel->queued_bytes > LISTEN_ABOVE || pvmi->plane->leaving)
		events |= EPOLLIN;
	pvmi_watch_change(&channel->watch, events);
}

/* ------------------------------------------------------------------ pushing */

struct batch {
	struct iovec iov[PIECES];
	struct pvmi_tcp_frame headers[HEADERS];
	size_t iov_count, header_count, bytes;
};

static size_t skip_of(const struct link *link, const struct pvmi_outgoing *outgoing)
{
	return link->skip_number == outgoing->number ? link->skip : 0;
}

static void add(struct batch *batch, const void *bytes, size_t length)
{
	batch->iov[batch->iov_count].iov_base = (void *)(uintptr_t)bytes;
	batch->iov[batch->iov_count].iov_len = length;
	batch->iov_count++;
	batch->bytes += length;
}

static void add_header(struct batch *batch, const struct pvmi_outgoing *outgoing, size_t skip, size_t done)
{
	struct pvmi_tcp_frame *frame = &batch->headers[batch->header_count++];

	*frame = (struct pvmi_tcp_frame){
		.magic = PVMI_TCP_FRAME_MAGIC, .type = PVMI_TCP_FRAME_MESSAGE, .number = outgoing->number,
		.length = outgoing->length, .offset = skip, .tag = outgoing->tag,
		.context = outgoing->context, .encoding = outgoing->encoding,
		.wait_id = outgoing->wait_id, .crc = outgoing->crc,
	};
	add(batch, (const uint8_t *)frame + done, sizeof(*frame) - done);
}

/* What is left of this message after `sent` bytes of header and body. False: the batch is full first. */
static bool add_message(struct batch *batch, const struct pvmi_outgoing *outgoing, size_t skip, size_t sent)
{
	size_t from = skip, length;
	uint32_t i;

	if (batch->header_count == HEADERS || batch->iov_count == PIECES)
		return false;
	if (sent < sizeof(struct pvmi_tcp_frame))
		add_header(batch, outgoing, skip, sent);
	else
		from += sent - sizeof(struct pvmi_tcp_frame);
	for (i = 0; i < outgoing->pieces; i++) {
		length = outgoing->piece[i].length;
		if (from >= length) {
			from -= length;
			continue;
		}
		if (batch->iov_count == PIECES)
			return false;
		add(batch, outgoing->piece[i].bytes + from, length - from);
		from = 0;
	}
	return true;
}

/* The kernel has taken so many bytes more. */
static void advance(struct pvmi_channel *channel, struct link *link, size_t bytes)
{
	struct pvmi_outgoing *outgoing;
	size_t whole, sent;

	while (bytes && (outgoing = channel->cursor)) {
		whole = sizeof(struct pvmi_tcp_frame) + outgoing->length - skip_of(link, outgoing);
		sent = link->number == outgoing->number ? link->sent : 0;
		if (bytes < whole - sent) {
			link->number = outgoing->number;
			link->sent = sent + bytes;
			return;
		}
		bytes -= whole - sent;
		link->number = 0;
		link->sent = 0;
		link->unreaped++;
		channel->counts.pushed++;
		channel->cursor = outgoing->next;
	}
	pvmi_assert(!bytes);
}

static long push_batch(struct pvmi_channel *channel, struct link *link)
{
	struct batch batch = { .iov_count = 0 };
	struct msghdr message = { .msg_iov = batch.iov };
	struct pvmi_outgoing *outgoing = channel->cursor;
	size_t sent = link->number == outgoing->number ? link->sent : 0;
	long result;

	/* Whoever acknowledges more than was sent has freed the message that was partly sent. */
	if (link->number && link->number != outgoing->number)
		return -EPROTO;
	while (outgoing && add_message(&batch, outgoing, skip_of(link, outgoing), sent)) {
		outgoing = outgoing->next;
		sent = 0;
	}
	message.msg_iovlen = batch.iov_count;
	result = sys_sendmsg(channel->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (result > 0)
		advance(channel, link, (size_t)result);
	return result > 0 && (size_t)result < batch.bytes ? -EAGAIN : result;
}

static int tcp_push(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	size_t pushed = 0;
	long result = 0;

	link->full = false;
	while (channel->cursor && pushed < PUSH_AT_ONCE) {
		result = push_batch(channel, link);
		if (result < 0)
			break;
		pushed += (size_t)result;
	}
	if (result == -EAGAIN)
		link->full = true;
	else if (result < 0 && result != -EINTR)
		return result == -EPROTO ? PVMI_BREAK_PROTOCOL : PVMI_BREAK_ERROR;
	result = 0;
	if (link->unreaped >= REAP_EVERY || channel->queued_bytes > REAP_ABOVE)
		result = tcp_reap(channel);
	set_events(channel);
	return (int)result;
}

static int tcp_ready(struct pvmi_channel *channel, uint32_t events)
{
	int reason = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		reason = tcp_reap(channel);
	if (!reason && events & (EPOLLHUP | EPOLLERR))
		reason = PVMI_BREAK_ERROR;
	if (!reason && events & EPOLLRDHUP && !(events & EPOLLIN))
		reason = PVMI_BREAK_EOF;
	if (reason)
		return reason;
	if (channel->cursor)
		pvmi_channel_push(channel);
	else
		set_events(channel);
	return 0;
}

static void tcp_farewell(struct pvmi_channel *channel)
{
	struct link *link = channel->link;
	struct pvmi_tcp_frame frame = { .magic = PVMI_TCP_FRAME_MAGIC, .type = PVMI_TCP_FRAME_BYE };

	if (!link->number)
		sys_send(channel->watch.fd, &frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT);
}

const struct pvmi_route pvmi_route_tcp = {
	.name = "tcp",
	.connect = tcp_connect,
	.offer = tcp_offer,
	.open = tcp_open,
	.push = tcp_push,
	.reap = tcp_reap,
	.ready = tcp_ready,
	.farewell = tcp_farewell,
	.close = tcp_close,
};
