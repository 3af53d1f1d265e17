/* Sockets that a program holds while it is moved: sockets NAME [MOVES]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"

/* Both ends, and what is under way in both directions. */
static void pairs(void)
{
	static unsigned char out[100000], in[100000];
	int ends[2], copy;
	size_t n, i;
	unsigned round;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	copy = dup(ends[1]);
	for (round = 0; more(); round++) {
		n = hash(round) % sizeof(out) + 1;
		for (i = 0; i < n; i++)
			out[i] = hash(round + i) >> 9;
		CHECK(send(ends[0], out, n, MSG_DONTWAIT) == (ssize_t)n);
		CHECK(send(copy, "back", 4, 0) == 4);
		until_moved();
		CHECK(recv(ends[round % 2 ? 1 : 0], in, 1, MSG_PEEK) == 1);
		for (i = 0; i < n;)
			i += recv(i % 2 ? ends[1] : copy, in + i, n - i, 0);
		CHECK(!memcmp(in, out, n));
		CHECK(recv(ends[0], in, 9, 0) == 4 && !memcmp(in, "back", 4));
		CHECK(recv(copy, in, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	}
	CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && !fcntl(copy, F_GETFD));
	close(copy);
	CHECK(recv(ends[0], in, 1, MSG_DONTWAIT) == -1);
	close(ends[1]);
	CHECK(recv(ends[0], in, 1, 0) == 0);
}

/* Messages keep their sizes, also large ones. */
static void messages(int type)
{
	static unsigned char out[40000], in[50000];
	static const size_t sizes[] = { 1, 300, 8192, 8193, 39999, 5 };
	int ends[2], big = 100000, is;
	socklen_t size = sizeof(is);
	unsigned round, i;

	CHECK(!socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends));
	CHECK(!setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big)));
	for (round = 0; more(); round++) {
		memset(out, round, sizeof(out));
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			CHECK(send(ends[0], out, sizes[i], 0) == (ssize_t)sizes[i]);
		until_moved();
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			CHECK(recv(ends[1], in, sizeof(in), 0) == (ssize_t)sizes[i]);
			CHECK(in[sizes[i] - 1] == (unsigned char)round);
		}
		CHECK(recv(ends[1], in, 1, 0) == -1 && errno == EAGAIN);
	}
	CHECK(!getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &is, &size) && is == 2 * big);
}

static void datagrams(void)
{
	messages(SOCK_DGRAM);
}

static void packets(void)
{
	messages(SOCK_SEQPACKET);
}

/* One that is shut in one direction, one whose other end is closed, one that nobody uses yet. */
static void halves(void)
{
	int half[2], alone[2], fresh = socket(AF_INET, SOCK_STREAM, 0), unused = socket(AF_UNIX, SOCK_DGRAM, 0), one = 1, is;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(is);
	char word[8];

	CHECK(!setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	CHECK(!setsockopt(fresh, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	while (more()) {
		CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, half) && !socketpair(AF_UNIX, SOCK_STREAM, 0, alone));
		CHECK(send(half[0], "last", 4, 0) == 4 && !shutdown(half[0], SHUT_WR));
		CHECK(send(alone[1], "left", 4, 0) == 4);
		close(alone[1]);
		until_moved();
		CHECK(recv(half[1], word, 8, 0) == 4 && recv(half[1], word, 8, 0) == 0);
		CHECK(send(half[1], "yes", 3, 0) == 3 && recv(half[0], word, 8, 0) == 3);
		CHECK(send(half[0], "no", 2, MSG_NOSIGNAL) == -1 && errno == EPIPE);
		CHECK(recv(alone[0], word, 8, 0) == 4 && !memcmp(word, "left", 4) && recv(alone[0], word, 8, 0) == 0);
		CHECK(send(alone[0], "no", 2, MSG_NOSIGNAL) == -1 && errno == EPIPE);
		close(half[0]);
		close(half[1]);
		close(alone[0]);
	}
	CHECK(!getsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &is, &size) && is == 1);
	CHECK(!getsockopt(fresh, SOL_SOCKET, SO_KEEPALIVE, &is, &size) && is == 1);
	CHECK(!bind(fresh, (struct sockaddr *)&at, sizeof(at)) && !listen(fresh, 1));
	CHECK(!getsockopt(unused, SOL_SOCKET, SO_TYPE, &is, &size) && is == SOCK_DGRAM);
}

/* Two threads talk, one of them waits in epoll. */
static int talk[2];

static void *echoes(void *self)
{
	struct epoll_event event = { .events = EPOLLIN }, got;
	int epoll = epoll_create1(0);
	unsigned number;

	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, talk[1], &event));
	for (;;) {
		CHECK(epoll_wait(epoll, &got, 1, -1) == 1);
		if (recv(talk[1], &number, sizeof(number), 0) != sizeof(number))
			return self;
		number++;
		CHECK(send(talk[1], &number, sizeof(number), 0) == sizeof(number));
	}
}

static void talks(void)
{
	pthread_t thread;
	unsigned number = 0, answer;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, talk));
	CHECK(!pthread_create(&thread, NULL, echoes, NULL));
	while (more()) {
		CHECK(send(talk[0], &number, sizeof(number), 0) == sizeof(number));
		CHECK(recv(talk[0], &answer, sizeof(answer), 0) == sizeof(answer) && answer == number + 1);
		number++;
	}
	close(talk[0]);
	CHECK(!pthread_join(thread, NULL));
}

static const struct test_case table[] = {
	{ "pairs", pairs }, { "datagrams", datagrams }, { "packets", packets }, { "halves", halves },
	{ "talks", talks }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
