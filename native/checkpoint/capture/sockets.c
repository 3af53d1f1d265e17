/*
 * Sockets: pairs of AF_UNIX sockets of which both ends are the task's own, with what lies in them and
 * how far they are shut; and sockets that have no name and no peer yet. The kernel tells who is whose
 * peer over netlink (sock_diag); what lies in a socket is read with MSG_PEEK, which leaves it there.
 * Everything else has somebody outside who would have to be moved as well, and is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../image/options.h"
#include "capture.h"

#define CLOSE 7                         /* TCP_CLOSE: not connected */
#define DIAG_REQUEST 20                 /* SOCK_DIAG_BY_FAMILY */

static int number_option(int fd, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return SYS(getsockopt, fd, SOL_SOCKET, name, &value, &size) ? 0 : value;
}

static int refuse(struct ckpt_job *job, int fd, const char *why)
{
	return ckpt_refuse(job, fd, "a socket", why);
}

/* ------------------------------------------------------------------ who is whose peer */

struct unix_state {
	bool connected, alone, named;
	uint64_t peer;
	uint32_t shut;
};

static void take_attribute(struct unix_state *state, const struct nlattr *attribute)
{
	const uint8_t *value = (const uint8_t *)(attribute + 1);
	uint32_t peer;

	switch (attribute->nla_type) {
	case UNIX_DIAG_NAME:
		state->named = attribute->nla_len > sizeof(*attribute);
		break;
	case UNIX_DIAG_PEER:
		memcpy(&peer, value, sizeof(peer));
		state->connected = true;
		state->alone = !peer;
		state->peer = peer;
		break;
	case UNIX_DIAG_SHUTDOWN:
		state->shut = *value;
		break;
	}
}

/* 0, or -errno. */
static long ask_kernel(int diag, uint32_t inode, struct unix_state *state)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} question = {
		.header = { sizeof(question), DIAG_REQUEST, NLM_F_REQUEST, 1, 0 },
		.request = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = inode,
			     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER, .udiag_cookie = { ~0u, ~0u } },
	};
	uint8_t answer[1024];
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	long n = SYS(sendto, diag, &question, sizeof(question), 0, NULL, 0), at;
	int error;

	memset(state, 0, sizeof(*state));
	if (n >= 0)
		n = SYS(recvfrom, diag, answer, sizeof(answer), 0, NULL, NULL);
	if (n < (long)sizeof(*header))
		return n < 0 ? n : -EIO;
	if (header->nlmsg_type == NLMSG_ERROR) {
		memcpy(&error, header + 1, sizeof(error));
		return error ? error : -EIO;
	}
	for (at = sizeof(*header) + sizeof(struct unix_diag_msg); at + (long)sizeof(struct nlattr) <= n;) {
		const struct nlattr *attribute = (const struct nlattr *)(answer + at);

		if (attribute->nla_len < sizeof(*attribute) || at + attribute->nla_len > n)
			break;
		take_attribute(state, attribute);
		at += NLA_ALIGN(attribute->nla_len);
	}
	return 0;
}

static bool is_own(uint64_t inode)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->descriptor_count; i++)
		if (work->descriptors[i].kind == mpvm_image_Descriptor_Kind_SOCKET &&
		    work->descriptors[i].file == inode)
			return true;
	return false;
}

static int check_unix(struct ckpt_job *job, int diag, size_t index, struct unix_state *state)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	int fd = work->descriptors[index].number;
	long error = ask_kernel(diag, work->descriptors[index].file, state);

	if (error == -ENOENT)
		return 0;               /* closed meanwhile */
	if (error)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "descriptor %d (a socket): this kernel does not tell whose "
				 "peer it is (unix_diag: %e)", fd, error);
	if (state->named)
		return refuse(job, fd, "it has a name that others know");
	if (state->connected && !state->alone && !is_own(state->peer))
		return refuse(job, fd, "its other end is not the task's");
	return 0;
}

/* A name is what others could reach it by. */
static int check_inet(struct ckpt_job *job, int fd)
{
	struct sockaddr_in6 address = { 0 };
	socklen_t size = sizeof(address);

	if (!SYS(getpeername, fd, &address, &size))
		return refuse(job, fd, "it is connected to another process, which would not find it");
	size = sizeof(address);
	memset(&address, 0, sizeof(address));
	if (!SYS(getsockname, fd, &address, &size) && address.sin6_port)
		return refuse(job, fd, "it has an address of this machine");
	return 0;
}

static int check_socket(struct ckpt_job *job, int diag, size_t index)
{
	int fd = ckpt_engine.work->descriptors[index].number, domain = number_option(fd, SO_DOMAIN);
	struct unix_state state;

	if (number_option(fd, SO_ACCEPTCONN))
		return refuse(job, fd, "it listens, and who connects would not find it");
	if (domain == AF_UNIX)
		return check_unix(job, diag, index, &state);
	if ((domain == AF_INET || domain == AF_INET6) && number_option(fd, SO_TYPE) != SOCK_RAW)
		return check_inet(job, fd);
	return refuse(job, fd, "this family cannot move");
}

static long open_diag(void)
{
	return SYS(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

int ckpt_check_sockets(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long diag = -1;
	size_t i;
	int error = 0;

	for (i = 0; i < work->descriptor_count && !error; i++) {
		if (work->descriptors[i].kind != mpvm_image_Descriptor_Kind_SOCKET)
			continue;
		if (diag < 0)
			diag = open_diag();
		error = check_socket(job, diag, i);
	}
	if (diag >= 0)
		SYS(close, diag);
	return error;
}

/* ------------------------------------------------------------------ frozen */

int ckpt_describe_socket(struct ckpt_job *job, mpvm_image_Descriptor *message)
{
	struct unix_state state = { 0 };
	long diag, error = 0;
	size_t i;

	message->domain = number_option(message->number, SO_DOMAIN);
	message->type = number_option(message->number, SO_TYPE);
	message->protocol = number_option(message->number, SO_PROTOCOL);
	for (i = 0; i < CKPT_SOCKET_OPTIONS; i++)
		message->options[i] = number_option(message->number, ckpt_socket_options[i].name);
	message->options_count = CKPT_SOCKET_OPTIONS;
	if (message->domain != AF_UNIX)
		return 0;
	diag = open_diag();
	error = diag < 0 ? diag : ask_kernel(diag, message->inode, &state);
	if (diag >= 0)
		SYS(close, diag);
	if (error)
		return ckpt_fail(job, CKPT_E_SYSTEM, "descriptor %u: asking who its peer is: %e", message->number, error);
	message->peer = state.peer;
	message->alone = state.alone;
	message->shut = state.shut;
	return 0;
}

static int send_part(struct ckpt_job *job, long got, bool more)
{
	mpvm_image_Data *message = &ckpt_engine.work->message.data;

	message->content.size = got;
	message->more = more;
	if (ckpt_out_record(&ckpt_engine.work->out, mpvm_image_RecordType_DATA, mpvm_image_Data_fields, message))
		return ckpt_stream_error(job, "sending what lies in a socket");
	return 0;
}

/* Each look sees what lies behind the one before (SO_PEEK_OFF). */
static int send_parts(struct ckpt_job *job, int fd, uint64_t inode)
{
	mpvm_image_Data *message = &ckpt_engine.work->message.data;
	bool stream = number_option(fd, SO_TYPE) == SOCK_STREAM;
	bool datagrams = number_option(fd, SO_TYPE) == SOCK_DGRAM;
	long got;
	int error = 0;

	while (!error) {
		struct iovec part = { message->content.bytes, sizeof(message->content.bytes) };
		struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

		memset(message, 0, sizeof(*message));
		message->inode = inode;
		got = SYS(recvmsg, fd, &header, MSG_PEEK | MSG_DONTWAIT);
		if (got == -EAGAIN || (!got && !datagrams))
			return 0;
		if (got < 0)
			return ckpt_fail(job, CKPT_E_SYSTEM, "descriptor %d: reading what lies in the socket: %e", fd, got);
		if (header.msg_flags & MSG_CTRUNC)
			return refuse(job, fd, "descriptors, or who sent it, come with what lies in it");
		error = send_part(job, got, stream || header.msg_flags & MSG_TRUNC);
	}
	return error;
}

int ckpt_send_socket(struct ckpt_job *job, size_t index)
{
	int fd = ckpt_engine.work->descriptors[index].number, before, zero = 0, error;

	if (number_option(fd, SO_DOMAIN) != AF_UNIX)
		return 0;
	before = number_option(fd, SO_PEEK_OFF);
	if (SYS(setsockopt, fd, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof(zero)))
		return refuse(job, fd, "this kernel does not let one look at what lies in it (SO_PEEK_OFF)");
	error = send_parts(job, fd, ckpt_engine.work->descriptors[index].file);
	SYS(setsockopt, fd, SOL_SOCKET, SO_PEEK_OFF, &before, sizeof(before));
	return error;
}
