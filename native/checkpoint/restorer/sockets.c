/* Sockets that are made anew: pairs, with what lies in them, and such that have no peer (sockets.c). */
#include "restorer.h"

#include "../image/options.h"

static void set_options(int fd, const struct descriptor *wanted)
{
	size_t i;
	int value, is;
	socklen_t size;

	for (i = 0; i < CKPT_SOCKET_OPTIONS; i++) {
		size = sizeof(is);
		if (SYS(getsockopt, fd, SOL_SOCKET, ckpt_socket_options[i].name, &is, &size) || is == wanted->options[i])
			continue;
		value = wanted->options[i] / ckpt_socket_options[i].factor;
		SYS(setsockopt, fd, SOL_SOCKET, ckpt_socket_options[i].name, &value, sizeof(value));
	}
}

/* Messages are sent as they were sent; of a stream as much as lies there at once. */
static void fill(int from, uint64_t receiver)
{
	size_t i = 0;

	while (i < restorer.data_count) {
		const struct data *first = &restorer.data[i];
		size_t size = 0;
		long sent;

		if (first->inode != receiver) {
			i++;
			continue;
		}
		do
			size += restorer.data[i].size;
		while (restorer.data[i++].more && i < restorer.data_count && restorer.data[i].inode == receiver);
		sent = SYS(sendto, from, restorer.data_bytes + first->at, size, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
		if (sent != (long)size)
			give_up("SOCKET_TOO_SMALL", "of %lu bytes that lie in a socket it takes %ld here", size, sent);
	}
}

static const struct descriptor *find(uint64_t inode)
{
	size_t i;

	for (i = 0; i < restorer.descriptor_count; i++)
		if (restorer.descriptors[i].kind == mpvm_image_Descriptor_Kind_SOCKET &&
		    restorer.descriptors[i].inode == inode)
			return &restorer.descriptors[i];
	return NULL;
}

static void shut(int fd, const struct descriptor *wanted)
{
	if (wanted->shut)       /* 1: receive, 2: send, 3: both; the call counts from 0 */
		SYS(shutdown, fd, wanted->shut - 1);
}

/* The end that was asked for; the other is kept until it is. */
static int make_pair(const struct descriptor *wanted)
{
	const struct descriptor *other = wanted->alone ? NULL : find(wanted->peer);
	bool to_itself = wanted->peer == wanted->inode;
	int ends[2];
	long error = SYS(socketpair, wanted->domain, wanted->type | SOCK_CLOEXEC, wanted->protocol, ends);

	if (error)
		give_up("RESTORER_FAILED", "socketpair: %e", error);
	if ((!other && !wanted->alone) || to_itself)
		give_up("IMAGE_INVALID", "descriptor %d has a peer that is not here", wanted->number);
	if (restorer.other_end_count == MAX_SOCKETS)
		give_up("IMAGE_TOO_LARGE", "more than %d pairs of sockets", MAX_SOCKETS);
	move_up(&ends[0], restorer.highest);
	move_up(&ends[1], restorer.highest);
	set_options(ends[0], wanted);
	set_options(ends[1], other ? other : wanted);
	fill(ends[1], wanted->inode);
	if (other)
		fill(ends[0], other->inode);
	shut(ends[0], wanted);
	if (other) {
		shut(ends[1], other);
		restorer.other_ends[restorer.other_end_count++] = (struct other_end){ other->inode, ends[1] };
	} else {
		SYS(close, ends[1]);
	}
	return ends[0];
}

long open_socket(const struct descriptor *wanted)
{
	size_t i;
	long fd;

	for (i = 0; i < restorer.other_end_count; i++)
		if (restorer.other_ends[i].inode == wanted->inode)
			return restorer.other_ends[i].fd;
	if (wanted->peer || wanted->alone)
		return make_pair(wanted);
	fd = SYS(socket, wanted->domain, wanted->type | SOCK_CLOEXEC, wanted->protocol);
	if (fd >= 0)
		set_options(fd, wanted);
	return fd;
}
