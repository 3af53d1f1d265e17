/* inlet.c: accepting senders: the receiver's half of the greeting, for either route. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

#include "inlet.h"
#include "source.h"

#define BACKLOG 1024
#define ACCEPTS 64              /* at one go */

struct control {
	struct cmsghdr header;
	int descriptors[4];
};

static void forget_offered(struct pvmi_inlet *inlet)
{
	while (inlet->offered_count) {
		inlet->offered_count--;
		pvmi_disown_fd(inlet->offered[inlet->offered_count]);
		sys_close(inlet->offered[inlet->offered_count]);
	}
}

void pvmi_inlet_close(struct pvmi_inlet *inlet, enum pvmi_close_reason reason)
{
	bool here = reason != PVMI_CLOSE_MOVED;
	struct pvmi_source *source = inlet->source;

	pvmi_trace(INLET_CLOSED, source ? source->sender : 0, reason);
	if (!inlet->open)
		pvmi->plane->strangers--;
	if (reason == PVMI_CLOSE_STRANGER || reason == PVMI_CLOSE_TIMEOUT)
		pvmi->plane->counts.strangers_refused++;
	if (inlet->open)
		inlet->route->close(inlet, here);
	if (here) {
		forget_offered(inlet);
		pvmi_watch_close(&inlet->watch);
	}
	inlet->watch.fd = -1;
	if (source && source->inlet == inlet)
		source->inlet = NULL;
	*inlet->link_to_me = inlet->next;
	if (inlet->next)
		inlet->next->link_to_me = inlet->link_to_me;
	pvmi_bury(&inlet->watch);
	if (source && reason == PVMI_CLOSE_FAREWELL)
		pvmi_source_forget(source);
	if (source && here)
		pvmi_notices_check(false);
}

/* ------------------------------------------------------------------ the greeting */

/* 1: all of it is here. 0: not yet. Negative: it broke. */
static int receive_hello(struct pvmi_inlet *inlet)
{
	struct control control;
	struct iovec piece = { inlet->greeting + inlet->greeting_length,
			       sizeof(inlet->greeting) - inlet->greeting_length };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	long got = sys_recvmsg(inlet->watch.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got <= 0)
		return -1;
	if (message.msg_controllen >= sizeof(control.header) && control.header.cmsg_type == SCM_RIGHTS) {
		forget_offered(inlet);
		inlet->offered_count =
			(int)((control.header.cmsg_len - sizeof(control.header)) / sizeof(int));
		memcpy(inlet->offered, control.descriptors, (size_t)inlet->offered_count * sizeof(int));
		for (int i = 0; i < inlet->offered_count; i++)
			pvmi_own_fd(inlet->offered[i]);
	}
	inlet->greeting_length += (uint32_t)got;
	return inlet->greeting_length == sizeof(inlet->greeting);
}

static int send_welcome(struct pvmi_inlet *inlet, struct pvmi_welcome *welcome, const int *descriptors, int count)
{
	struct control control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec piece = { welcome, sizeof(*welcome) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	welcome->incarnation = pvmi->incarnation;
	pvmi_welcome_seal(welcome, pvmi->secret, &inlet->hello);
	if (count) {
		memcpy(control.descriptors, descriptors, (size_t)count * sizeof(int));
		control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	return sys_sendmsg(inlet->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (long)sizeof(*welcome) ?
	       0 : PVMI_CLOSE_EOF;
}

/* It is a task of this VM. What an earlier connection of it brought is taken first, so that the
 * position told is the true one. */
static int admit(struct pvmi_inlet *inlet)
{
	struct pvmi_welcome welcome = { .status = PVMI_WELCOME_OPEN };
	struct pvmi_source *source;
	int out[4], count = 0, reason;

	if (inlet->hello.receiver != pvmi->tid) {
		welcome.status = PVMI_WELCOME_NOT_ME;
		send_welcome(inlet, &welcome, NULL, 0);
		return PVMI_CLOSE_STRANGER;
	}
	source = pvmi_source_get(inlet->hello.sender, inlet->hello.incarnation);
	if (!source)
		return PVMI_CLOSE_MEMORY;
	if (source->inlet) {
		struct pvmi_inlet *old = source->inlet;

		reason = old->route->drain(old);
		pvmi_inlet_close(old, reason ? (enum pvmi_close_reason)reason : PVMI_CLOSE_REPLACED);
		/* A farewell in what was drained has made the source go. */
		source = pvmi_source_get(inlet->hello.sender, inlet->hello.incarnation);
		if (!source)
			return PVMI_CLOSE_MEMORY;
	}
	inlet->source = source;
	reason = inlet->route->open(inlet, inlet->offered, inlet->offered_count, &welcome, out, &count);
	if (reason)
		return reason;
	inlet->open = true;
	pvmi->plane->strangers--;
	source->inlet = inlet;
	welcome.last = source->last;
	welcome.have = source->have;
	pvmi_trace(INLET_OPEN, source->sender, source->last);
	return welcome.status == PVMI_WELCOME_OPEN || welcome.status == PVMI_WELCOME_NO_ROOM ?
	       send_welcome(inlet, &welcome, out, count) : PVMI_CLOSE_PROTOCOL;
}

static void ready(struct pvmi_watch *watch, uint32_t events)
{
	struct pvmi_inlet *inlet = (struct pvmi_inlet *)watch;
	int result, reason = 0;

	if (inlet->open) {
		reason = inlet->route->ready(inlet, events);
	} else {
		result = receive_hello(inlet);
		if (result < 0)
			reason = PVMI_CLOSE_STRANGER;
		else if (result && !pvmi_hello_good(&inlet->hello, pvmi->secret, &inlet->challenge))
			reason = PVMI_CLOSE_STRANGER;
		else if (result)
			reason = admit(inlet);
	}
	if (reason)
		pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
}

/* ------------------------------------------------------------------ listening */

static void accept_one(int fd, const struct pvmi_inlet_route *route)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_inlet *inlet = plane->strangers < PVMI_STRANGERS ? pvmi_alloc(sizeof(*inlet)) : NULL;

	if (!inlet) {
		plane->counts.strangers_refused++;
		sys_close(fd);
		return;
	}
	inlet->route = route;
	inlet->watch.fd = -1;
	inlet->watch.ready = ready;
	inlet->deadline = sys_now_ns() + PVMI_HANDSHAKE_NS;
	pvmi_plane_timer(inlet->deadline);
	pvmi_challenge_make(&inlet->challenge);
	inlet->next = plane->inlets;
	inlet->link_to_me = &plane->inlets;
	if (inlet->next)
		inlet->next->link_to_me = &inlet->next;
	plane->inlets = inlet;
	plane->strangers++;
	if (pvmi_watch_add(&inlet->watch, fd, EPOLLIN | EPOLLRDHUP) < 0) {
		sys_close(fd);
		pvmi_inlet_close(inlet, PVMI_CLOSE_MEMORY);
		return;
	}
	if (sys_send(fd, &inlet->challenge, sizeof(inlet->challenge), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (long)sizeof(inlet->challenge))
		pvmi_inlet_close(inlet, PVMI_CLOSE_EOF);
}

static void unix_ready(struct pvmi_watch *watch, uint32_t events)
{
	struct ucred peer;
	socklen_t length;
	long fd, me;
	int i;

	(void)events;
	for (i = 0; i < ACCEPTS; i++) {
		fd = sys_accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		length = sizeof(peer);
		me = pvmi_syscall3(SYS_geteuid, 0, 0, 0);
		if (sys_getsockopt((int)fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
		    ((long)peer.uid != me && peer.uid != 0 && me != 0)) {
			pvmi->plane->counts.strangers_refused++;
			sys_close((int)fd);
			continue;
		}
		accept_one((int)fd, &pvmi_inlet_shm);
	}
}

static void tcp_ready(struct pvmi_watch *watch, uint32_t events)
{
	int one = 1, i;
	long fd;

	(void)events;
	for (i = 0; i < ACCEPTS; i++) {
		fd = sys_accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		sys_setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		sys_setsockopt((int)fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		accept_one((int)fd, &pvmi_inlet_tcp);
	}
}

static char *put_hex(char *to, uint64_t value)
{
	int shift;

	for (shift = 60; shift && !(value >> shift); shift -= 4)
		;
	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

/* socket_dir/t40002.1: the epoch, so that a task that comes back to a node finds no old socket. */
static bool local_address(struct sockaddr_un *address)
{
	size_t length = strlen(pvmi->socket_dir);
	char *at;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!length || length + 24 > sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, pvmi->socket_dir, length);
	at = address->sun_path + length;
	*at++ = '/';
	*at++ = 't';
	at = put_hex(at, pvmi->tid);
	*at++ = '.';
	put_hex(at, pvmi->epoch);
	return true;
}

/* t40002.fds beside t40002.1 */
static void publish(struct pvmi_plane *plane)
{
	size_t length = strlen(plane->local_path);

	while (plane->local_path[length - 1] != '.')
		length--;
	memcpy(plane->fds_path, plane->local_path, length);
	memcpy(plane->fds_path + length, "fds", 4);
	pvmi_publish_fds(plane->fds_path);
}

static int listen_unix(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct sockaddr_un address;
	long fd, result;

	if (!local_address(&address))
		return -ENAMETOOLONG;
	fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	sys_unlink(address.sun_path);
	result = sys_bind((int)fd, &address, sizeof(address));
	if (result >= 0)
		result = sys_listen((int)fd, BACKLOG);
	plane->unix_listener.ready = unix_ready;
	if (result >= 0)
		result = pvmi_watch_add(&plane->unix_listener, (int)fd, EPOLLIN);
	if (result < 0) {
		sys_close((int)fd);
		return (int)result;
	}
	memcpy(plane->local_path, address.sun_path, sizeof(plane->local_path));
	publish(plane);
	return 0;
}

static int listen_tcp(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	long fd, result;

	if (!pvmi_parse_ipv4(pvmi->address, &address.sin_addr.s_addr))
		return -EINVAL;
	fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	result = sys_bind((int)fd, &address, sizeof(address));
	if (result >= 0)
		result = sys_listen((int)fd, BACKLOG);
	if (result >= 0)
		result = sys_getsockname((int)fd, &address, &length);
	plane->tcp_listener.ready = tcp_ready;
	if (result >= 0)
		result = pvmi_watch_add(&plane->tcp_listener, (int)fd, EPOLLIN);
	if (result < 0) {
		sys_close((int)fd);
		return (int)result;
	}
	plane->port = (uint16_t)(address.sin_port << 8 | address.sin_port >> 8);
	return 0;
}

int pvmi_inlets_listen(void)
{
	int local = listen_unix(), remote = listen_tcp();

	pvmi->plane->local_path[0] = local < 0 ? 0 : pvmi->plane->local_path[0];
	pvmi->plane->port = remote < 0 ? 0 : pvmi->plane->port;
	return local < 0 && remote < 0 ? remote : 0;
}

void pvmi_inlets_timers(int64_t now)
{
	struct pvmi_inlet *inlet, *next;

	for (inlet = pvmi->plane->inlets; inlet; inlet = next) {
		next = inlet->next;
		if (inlet->open)
			continue;
		if (inlet->deadline <= now)
			pvmi_inlet_close(inlet, PVMI_CLOSE_TIMEOUT);
		else
			pvmi_plane_timer(inlet->deadline);
	}
}
