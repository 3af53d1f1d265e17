/* greet.c: the sender's half of the greeting (greeting.h), for either route. */
#include <string.h>

#include "channel.h"

#define MAX_DESCRIPTORS 4

struct control {
	struct cmsghdr header;
	int descriptors[MAX_DESCRIPTORS];
};

void pvmi_greet_start(struct pvmi_channel *channel)
{
	channel->greeting_length = 0;
	channel->hello_sent = false;
	pvmi_watch_change(&channel->watch, EPOLLIN | EPOLLRDHUP);
}

static bool send_hello(struct pvmi_channel *channel)
{
	struct control control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec piece = { &channel->hello, sizeof(channel->hello) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	int count = channel->route->offer(channel, control.descriptors);

	if (count < 0)
		return false;
	channel->hello.sender = pvmi->tid;
	channel->hello.receiver = channel->receiver;
	channel->hello.incarnation = pvmi->incarnation;
	pvmi_hello_seal(&channel->hello, pvmi->secret, &channel->challenge);
	if (count) {
		control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	/* The first bytes on a fresh socket: they fit. */
	return sys_sendmsg(channel->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (long)sizeof(channel->hello);
}

/* Bytes of the greeting, up to size in all, and the descriptors that come with them. Negative: it broke. */
static int receive(struct pvmi_channel *channel, size_t size, int *descriptors, int *count)
{
	struct control control;
	struct iovec piece = { channel->greeting + channel->greeting_length, size - channel->greeting_length };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	long got = sys_recvmsg(channel->watch.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*count = 0;
	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got <= 0)
		return -1;
	if (message.msg_controllen >= sizeof(control.header) && control.header.cmsg_type == SCM_RIGHTS) {
		*count = (int)((control.header.cmsg_len - sizeof(control.header)) / sizeof(int));
		memcpy(descriptors, control.descriptors, (size_t)*count * sizeof(int));
	}
	channel->greeting_length += (uint32_t)got;
	return channel->greeting_length == size;
}

static void close_all(const int *descriptors, int count)
{
	while (count-- > 0)
		if (descriptors[count] >= 0)
			sys_close(descriptors[count]);
}

static void take_challenge(struct pvmi_channel *channel)
{
	memcpy(&channel->challenge, channel->greeting, sizeof(channel->challenge));
	channel->greeting_length = 0;
	if (!pvmi_challenge_good(&channel->challenge)) {
		pvmi_channel_break(channel, PVMI_BREAK_PROTOCOL);
		return;
	}
	channel->hello_sent = send_hello(channel);
	if (!channel->hello_sent)
		pvmi_channel_break(channel, PVMI_BREAK_ERROR);
}

static void take_welcome(struct pvmi_channel *channel, int *descriptors, int count)
{
	struct pvmi_welcome welcome;
	enum pvmi_break_reason reason = 0;

	memcpy(&welcome, channel->greeting, sizeof(welcome));
	if (!pvmi_welcome_good(&welcome, pvmi->secret, &channel->hello))
		reason = PVMI_BREAK_PROOF;
	else if (welcome.status == PVMI_WELCOME_NOT_ME)
		reason = PVMI_BREAK_NOT_ME;
	else if (welcome.status != PVMI_WELCOME_OPEN)
		reason = PVMI_BREAK_NO_ROOM;
	else if (!channel->route->open(channel, &welcome, descriptors, count))
		reason = PVMI_BREAK_PROTOCOL;
	if (reason) {
		pvmi_channel_break(channel, reason);
		return;
	}
	pvmi_channel_happen(channel, PVMI_EVENT_WELCOME, &welcome);
	pvmi_channel_push(channel);
}

void pvmi_greet_ready(struct pvmi_channel *channel)
{
	int descriptors[MAX_DESCRIPTORS], count = 0, result;

	if (!channel->hello_sent) {
		result = receive(channel, sizeof(channel->challenge), descriptors, &count);
		close_all(descriptors, count);
		if (result < 0)
			pvmi_channel_break(channel, PVMI_BREAK_EOF);
		else if (result)
			take_challenge(channel);
		return;
	}
	result = receive(channel, sizeof(struct pvmi_welcome), descriptors, &count);
	if (result < 0)
		pvmi_channel_break(channel, PVMI_BREAK_EOF);
	else if (result)
		take_welcome(channel, descriptors, count);
	close_all(descriptors, count);
}
