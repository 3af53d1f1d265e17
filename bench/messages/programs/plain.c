/*
 * plain ROW ARGUMENTS: what the machine allows, without a library.
 *
 *   pingpong spin SIZES SECONDS     half a round trip through shared memory, copied in and copied
 *                                   out; both sides spin
 *   pingpong futex SIZES SECONDS    the same, both sides sleep
 *   pingpong tcp SIZES SECONDS      over TCP on 127.0.0.1
 *   serve ADDRESS                   prints a port, then answers one tcp
 *   tcp ADDRESS PORT SIZES SECONDS  against serve, elsewhere
 *   spawn TASKS TIMES               start and end of a program that does nothing
 *   rate SECONDS                    8 bytes one way through a ring in shared memory, spinning
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "measure.h"

#define MOST_BYTES (64UL << 20)
#define SLOTS 1024

struct shared {
	uint32_t turn[2][16];           /* a line each: how many messages each side has sent */
	uint64_t slots[SLOTS][8];       /* rate */
	uint64_t taken[8];
	uint8_t data[2][MOST_BYTES];
};

struct test {
	struct shared *shared;
	int sleeps, me, fd;
	size_t size;
	uint32_t count;
	uint64_t sent;
};

static uint8_t *out, *in;

static void wait_turn(struct test *t, uint32_t *word, uint32_t count)
{
	uint32_t seen;

	while ((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != count) {
		if (t->sleeps)
			syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
		else
			__builtin_ia32_pause();
	}
}

static void put(struct test *t)
{
	memcpy(t->shared->data[t->me], out, t->size);
	__atomic_store_n(&t->shared->turn[t->me][0], t->count, __ATOMIC_SEQ_CST);
	if (t->sleeps)
		syscall(SYS_futex, &t->shared->turn[t->me][0], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void get(struct test *t)
{
	wait_turn(t, &t->shared->turn[1 - t->me][0], t->count);
	memcpy(in, t->shared->data[1 - t->me], t->size);
}

static void memory_pingpong(int count, void *argument)
{
	struct test *t = argument;

	for (; count > 0; count--) {
		t->count++;
		put(t);
		get(t);
	}
}

static void memory(const char *sizes, double allowed, int sleeps)
{
	struct test t = { .sleeps = sleeps };
	size_t size[32];
	int count = parse_sizes(sizes, size, 32), i;
	pid_t child;

	t.shared = mmap(NULL, sizeof(*t.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(t.shared, 0, sizeof(*t.shared));
	for (i = 0; i < count; i++) {
		t.size = size[i];
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			t.me = 1;
			for (;;) {
				t.count++;
				get(&t);
				put(&t);
			}
		}
		report("pingpong", sleeps ? "futex" : "spin", size[i], measure(memory_pingpong, &t, allowed), 2);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

/* ------------------------------------------------------------------ TCP */

static int all(int fd, uint8_t *bytes, size_t length, int sends)
{
	ssize_t part;

	while (length) {
		part = sends ? send(fd, bytes, length, MSG_NOSIGNAL) : recv(fd, bytes, length, 0);
		if (part <= 0)
			return 0;
		bytes += part;
		length -= (size_t)part;
	}
	return 1;
}

static void prepare(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

static int listen_at(const char *address, int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &at.sin_addr);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1))
		exit(1);
	getsockname(fd, (struct sockaddr *)&at, &length);
	*port = ntohs(at.sin_port);
	return fd;
}

/* The size comes first, then messages of that size, until the other side closes. */
static void answer(int listener)
{
	int fd = accept(listener, NULL, NULL);
	uint64_t size[2];

	prepare(fd);
	while (all(fd, (uint8_t *)size, sizeof(size), 0))
		for (; size[1]; size[1]--)
			if (!all(fd, in, size[0], 0) || !all(fd, out, size[0], 1))
				return;
}

static void tcp_pingpong(int count, void *argument)
{
	struct test *t = argument;
	uint64_t header[2] = { t->size, (uint64_t)count };

	all(t->fd, (uint8_t *)header, sizeof(header), 1);
	for (; count > 0; count--)
		if (!all(t->fd, out, t->size, 1) || !all(t->fd, in, t->size, 0))
			exit(1);
}

static void tcp(const char *address, int port, const char *sizes, double allowed)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct test t = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	size_t size[32];
	int count = parse_sizes(sizes, size, 32), i;

	inet_pton(AF_INET, address, &at.sin_addr);
	prepare(t.fd);
	if (connect(t.fd, (struct sockaddr *)&at, sizeof(at)))
		exit(1);
	for (i = 0; i < count; i++) {
		t.size = size[i] ? size[i] : 1;
		report("pingpong", "tcp", size[i], measure(tcp_pingpong, &t, allowed), 2);
	}
}

/* ------------------------------------------------------------------ the rest */

static void stream(int count, void *argument)
{
	struct test *t = argument;
	uint64_t until = t->sent + (uint64_t)count;

	while (t->sent < until) {
		while (t->sent - __atomic_load_n(&t->shared->taken[0], __ATOMIC_ACQUIRE) >= SLOTS)
			__builtin_ia32_pause();
		t->sent++;
		__atomic_store_n(&t->shared->slots[t->sent % SLOTS][0], t->sent, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&t->shared->taken[0], __ATOMIC_ACQUIRE) != t->sent)
		__builtin_ia32_pause();
}

static void rate(double allowed)
{
	struct test t = { .sent = 0 };
	uint64_t next = 1;
	pid_t child;

	t.shared = mmap(NULL, sizeof(*t.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; next++) {
			while (__atomic_load_n(&t.shared->slots[next % SLOTS][0], __ATOMIC_ACQUIRE) != next)
				__builtin_ia32_pause();
			__atomic_store_n(&t.shared->taken[0], next, __ATOMIC_RELEASE);
		}
	}
	report("rate", "raw", 8, measure(stream, &t, allowed), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void spawn(int count, int times, char *self)
{
	char *arguments[] = { self, "nothing", NULL };
	pid_t child;
	double *took = malloc((size_t)times * sizeof(*took)), from;
	int i, j;

	for (i = 0; i < times; i++) {
		from = now();
		for (j = 0; j < count; j++) {
			if (posix_spawn(&child, self, NULL, NULL, arguments, NULL))
				exit(1);
		}
		for (j = 0; j < count; j++)
			wait(NULL);
		took[i] = now() - from;
	}
	report("spawn", "all", (size_t)count, summary(took, times), 1);
}

int main(int argc, char **argv)
{
	int port, fd;

	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	prepare_process();
	out = malloc(MOST_BYTES);
	in = malloc(MOST_BYTES);
	memset(out, 1, MOST_BYTES);
	memset(in, 2, MOST_BYTES);
	if (argc == 5 && !strcmp(argv[1], "pingpong") && strcmp(argv[2], "tcp")) {
		memory(argv[3], atof(argv[4]), !strcmp(argv[2], "futex"));
	} else if (argc == 5 && !strcmp(argv[1], "pingpong")) {
		fd = listen_at("127.0.0.1", &port);
		if (!fork()) {
			answer(fd);
			return 0;
		}
		tcp("127.0.0.1", port, argv[3], atof(argv[4]));
	} else if (argc == 3 && !strcmp(argv[1], "serve")) {
		fd = listen_at(argv[2], &port);
		printf("%d\n", port);
		fflush(stdout);
		answer(fd);
	} else if (argc == 6 && !strcmp(argv[1], "tcp")) {
		tcp(argv[2], atoi(argv[3]), argv[4], atof(argv[5]));
	} else if (argc == 4 && !strcmp(argv[1], "spawn")) {
		spawn(atoi(argv[2]), atoi(argv[3]), argv[0]);
	} else if (argc == 3 && !strcmp(argv[1], "rate")) {
		rate(atof(argv[2]));
	} else {
		return 2;
	}
	return 0;
}
