/*
 * tcp_copy send ADDRESS PORT MEBIBYTES | tcp_copy receive ADDRESS MEBIBYTES
 *
 * What a plain C program reaches on a path: one connection, cubic, from memory that is in use into
 * memory the receiver has not touched but prefaulted, as a page stream has it. The receiver prints
 * its port first, then MB/s.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (4u << 20)

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static unsigned char *memory(size_t bytes, int touch)
{
	unsigned char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(fail("mmap"));
	madvise(p, bytes, MADV_NOHUGEPAGE);
	if (touch)
		memset(p, 0x5a, bytes);
	return p;
}

static int sender(struct sockaddr_in *to, size_t bytes)
{
	unsigned char *p = memory(bytes, 1);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t at = 0;
	char done;

	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	if (connect(fd, (struct sockaddr *)to, sizeof *to))
		return fail("connect");
	while (at < bytes) {
		size_t left = bytes - at < CHUNK ? bytes - at : CHUNK;
		ssize_t n = send(fd, p + at, left, 0);

		if (n <= 0)
			return fail("send");
		at += (size_t)n;
	}
	return read(fd, &done, 1) == 1 ? 0 : fail("answer");
}

static int receiver(struct sockaddr_in *at, size_t bytes)
{
	socklen_t length = sizeof *at;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	unsigned char *p;
	size_t got = 0;
	double from;

	setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	if (bind(listener, (struct sockaddr *)at, sizeof *at) || listen(listener, 1))
		return fail("bind");
	getsockname(listener, (struct sockaddr *)at, &length);
	printf("%d\n", ntohs(at->sin_port));
	fflush(stdout);
	fd = accept(listener, NULL, NULL);
	from = seconds();
	p = memory(bytes, 0);
	while (got < bytes) {
		size_t left = CHUNK - got % CHUNK;
		ssize_t n;

		if (got % CHUNK == 0)
			madvise(p + got, left < bytes - got ? left : bytes - got, MADV_POPULATE_WRITE);
		n = recv(fd, p + got, left < bytes - got ? left : bytes - got, 0);
		if (n <= 0)
			return fail("recv");
		got += (size_t)n;
	}
	from = seconds() - from;
	if (write(fd, "", 1) != 1)
		return fail("answer");
	printf("%.1f\n", (double)bytes / from / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (argc < 4)
		return 2;
	inet_pton(AF_INET, argv[2], &address.sin_addr);
	if (!strcmp(argv[1], "receive"))
		return receiver(&address, (size_t)atoi(argv[3]) << 20);
	if (argc < 5)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	return sender(&address, (size_t)atoi(argv[4]) << 20);
}
