/* Options of sockets that travel: those whose value is a number. Both sides go by this order. */
#ifndef CKPT_OPTIONS_H
#define CKPT_OPTIONS_H
#include <sys/socket.h>

static const struct {
	int name;
	int factor;     /* the kernel answers so many times what it was told */
} ckpt_socket_options[] = {
	{ SO_SNDBUF, 2 }, { SO_RCVBUF, 2 }, { SO_REUSEADDR, 1 }, { SO_REUSEPORT, 1 }, { SO_KEEPALIVE, 1 },
	{ SO_BROADCAST, 1 }, { SO_OOBINLINE, 1 }, { SO_PRIORITY, 1 }, { SO_PASSCRED, 1 }, { SO_RCVLOWAT, 1 },
};
#define CKPT_SOCKET_OPTIONS (sizeof(ckpt_socket_options) / sizeof(ckpt_socket_options[0]))
#endif
