/*
 * Waits that do not say what was left of them when they were interrupted last as long as was asked for,
 * however often they are. The moves come 40 ms after one another at most: if each made these waits of
 * 300 ms begin anew, none would end before all moves are over.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "case.h"

static const struct timespec length = { 0, 300000000 };

static int polls(void)
{
	return poll(NULL, 0, 300);
}
static int usleeps(void)
{
	return usleep(300000);
}
static int nanosleeps(void)
{
	return nanosleep(&length, NULL);
}
static int clock_nanosleeps(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
}
static int epolls(void)
{
	static int epoll = -1;
	struct epoll_event event;

	if (epoll < 0)
		epoll = epoll_create1(EPOLL_CLOEXEC);
	return epoll_wait(epoll, &event, 1, 300);
}
static int sigwaits(void)
{
	sigset_t quiet;

	sigemptyset(&quiet);
	sigaddset(&quiet, SIGUSR2);
	return sigtimedwait(&quiet, NULL, &length) == -1 && errno == EAGAIN ? 0 : -1;
}

static void *once(void *wait)
{
	double start = now();

	CHECK(((int (*)(void))wait)() == 0);
	CHECK(now() - start > 0.2999);
	CHECK(more());
	return NULL;
}

static void rests(void)
{
	static int (*const waits[])(void) = { polls, usleeps, nanosleeps, clock_nanosleeps, epolls, sigwaits };
	pthread_t threads[sizeof(waits) / sizeof(waits[0])];
	sigset_t quiet;
	size_t i;

	sigemptyset(&quiet);
	sigaddset(&quiet, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &quiet, NULL);
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		CHECK(!pthread_create(&threads[i], NULL, once, (void *)waits[i]));
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		CHECK(!pthread_join(threads[i], NULL));
	while (more())
		series(1000);
}

static const struct test_case table[] = { { "rests", rests }, { NULL, NULL } };

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
