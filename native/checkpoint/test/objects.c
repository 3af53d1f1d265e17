/* Kernel objects that a program holds while it is moved: objects NAME [MOVES]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "case.h"

static void events(void)
{
	int plain = eventfd(0, EFD_NONBLOCK), counting = eventfd(5, EFD_SEMAPHORE), copy = dup(plain), i;
	eventfd_t value;

	while (more()) {
		CHECK(!eventfd_write(plain, 0x123456789aull));
		until_moved();
		CHECK(!eventfd_read(copy, &value) && value == 0x123456789aull);
		CHECK(eventfd_read(plain, &value) == -1 && errno == EAGAIN);
		for (i = 0; i < 5; i++)
			CHECK(!eventfd_read(counting, &value) && value == 1);
		CHECK(!eventfd_write(counting, 5));
	}
}

static void timerfds(void)
{
	int once = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC), every = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec spec = { { 0, 2000000 }, { 0, 2000000 } }, is;
	uint64_t ticks, total = 0;
	double begin = now();

	CHECK(!timerfd_settime(every, 0, &spec, NULL));
	while (more()) {
		spec = (struct itimerspec){ { 0, 0 }, { 0, 4000000 } };
		double start = now();

		CHECK(!timerfd_settime(once, 0, &spec, NULL));
		CHECK(read(once, &ticks, 8) == 8 && ticks == 1);
		CHECK(now() - start > 0.0039);
		CHECK(!timerfd_gettime(once, &is) && !is.it_value.tv_nsec);
		CHECK(read(every, &ticks, 8) == 8 && ticks > 0);
		total += ticks;
	}
	CHECK(total <= (now() - begin) / 0.002 + 2);
	CHECK(fcntl(once, F_GETFD) == FD_CLOEXEC && !fcntl(every, F_GETFD));
}

static void signalfds(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 4);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	while (more()) {
		CHECK(!sigqueue(getpid(), SIGRTMIN + 4, (union sigval){ .sival_int = 31 }));
		CHECK(!kill(getpid(), SIGUSR1));
		until_moved();
		CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1);
		CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
		CHECK((int)info.ssi_signo == SIGRTMIN + 4 && info.ssi_int == 31);
		CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	}
}

static void pipes(void)
{
	static unsigned char out[200000], in[200000];
	int ends[2], copy, flags;
	size_t n, i;
	unsigned round = 0;

	CHECK(!pipe2(ends, O_CLOEXEC));
	CHECK(fcntl(ends[1], F_SETPIPE_SZ, 262144) == 262144);
	copy = dup(ends[0]);
	while (more()) {
		n = hash(round) % sizeof(out);
		for (i = 0; i < n; i++)
			out[i] = hash(round + i) >> 7;
		CHECK(write(ends[1], out, n) == (ssize_t)n);
		until_moved();
		for (i = 0; i < n;)
			i += read(i % 2 ? ends[0] : copy, in + i, n - i);
		CHECK(!memcmp(in, out, n));
		flags = fcntl(ends[0], F_GETFL);
		CHECK(!fcntl(ends[0], F_SETFL, flags | O_NONBLOCK));
		CHECK(read(copy, in, 1) == -1 && errno == EAGAIN);
		CHECK(!fcntl(copy, F_SETFL, flags));
		round++;
	}
	CHECK(fcntl(ends[0], F_GETPIPE_SZ) == 262144);
	close(ends[1]);
	CHECK(read(copy, in, 1) == 0);
}

static int flow[2], doorbell;

static void *reads_run(void *self)
{
	unsigned char byte, expected = 0;

	(void)self;
	while (read(flow[0], &byte, 1) == 1)
		CHECK(byte == expected++);
	return NULL;
}

static void *waits_run(void *self)
{
	struct epoll_event event;
	eventfd_t value;
	int epoll = *(int *)self, n;

	for (;;) {
		n = epoll_wait(epoll, &event, 1, 20000);
		CHECK(n == 1 && event.data.u64 == 0xabcdef0123ull && event.events == EPOLLIN);
		CHECK(!eventfd_read(doorbell, &value));
		if (value > 1000)
			return NULL;
	}
}

/* A thread asleep in read(), another in epoll_wait(), on what another writes to. */
static void flows(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0xabcdef0123ull };
	pthread_t reader, waiter;
	int epoll = epoll_create1(0);
	unsigned char byte = 0;

	CHECK(!pipe(flow));
	doorbell = eventfd(0, 0);
	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, doorbell, &event));
	CHECK(!pthread_create(&reader, NULL, reads_run, NULL));
	CHECK(!pthread_create(&waiter, NULL, waits_run, &epoll));
	while (more()) {
		CHECK(write(flow[1], &byte, 1) == 1);
		byte++;
		CHECK(!eventfd_write(doorbell, 1));
		usleep(hash(byte) % 1500);
	}
	close(flow[1]);
	CHECK(!eventfd_write(doorbell, 2000));
	CHECK(!pthread_join(reader, NULL) && !pthread_join(waiter, NULL));
}

static void epolls(void)
{
	int inner = epoll_create1(EPOLL_CLOEXEC), outer = epoll_create1(0), ends[2], event = eventfd(0, 0), n;
	struct epoll_event set = { .events = EPOLLIN | EPOLLET, .data.u32 = 1 }, got[4];
	char byte;

	CHECK(!pipe(ends));
	CHECK(!epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &set));
	set = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u32 = 2 };
	CHECK(!epoll_ctl(inner, EPOLL_CTL_ADD, event, &set));
	set = (struct epoll_event){ .events = EPOLLIN, .data.u32 = 3 };
	CHECK(!epoll_ctl(outer, EPOLL_CTL_ADD, inner, &set));
	while (more()) {
		CHECK(write(ends[1], "x", 1) == 1);
		until_moved();
		CHECK(epoll_wait(outer, got, 4, 1000) == 1 && got[0].data.u32 == 3);
		n = epoll_wait(inner, got, 4, 1000);
		CHECK(n == 1 && got[0].data.u32 == 1);
		CHECK(read(ends[0], &byte, 1) == 1);
		CHECK(!eventfd_write(event, 1));
		n = epoll_wait(inner, got, 4, 1000);
		CHECK(n == 1 && got[0].data.u32 == 2);
		until_moved();
		CHECK(epoll_wait(inner, got, 4, 0) == 0);       /* once was enough */
		CHECK(eventfd_read(event, &(eventfd_t){ 0 }) == 0);
		set = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u32 = 2 };
		CHECK(!epoll_ctl(inner, EPOLL_CTL_MOD, event, &set));
	}
}

static const struct test_case table[] = {
	{ "events", events }, { "timerfds", timerfds }, { "signalfds", signalfds }, { "pipes", pipes },
	{ "flows", flows }, { "epolls", epolls }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
