/*
 * threads WORKERS
 *
 * Workers compute under locks, sleep, and wait for each other; one of them at a time calls the
 * library: each sends itself messages and receives them. Until message 1 comes from outside.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#define MOST 64

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER, recursive;
static pthread_barrier_t barrier;
static volatile int over;
static unsigned long rounds[MOST];
static int workers;

static void lock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_lock(mutex))
		die("pthread_mutex_lock");
}

static void unlock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_unlock(mutex))
		die("pthread_mutex_unlock: it is not ours");
}

static void talk(int me, int value)
{
	int back = 0;

	lock(&library);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	if (pvm_send(pvm_mytid(), 100 + me) < 0 || pvm_recv(pvm_mytid(), 100 + me) < 0 ||
	    pvm_upkint(&back, 1, 1) < 0 || back != value)
		die("worker %d: sent itself %d, got %d", me, value, back);
	unlock(&library);
}

static void *work(void *argument)
{
	int me = (int)(long)argument, i;
	unsigned char *room = malloc(5000);

	while (!over) {
		struct timespec t = { 0, 300000 };

		rounds[me]++;
		fill(room, 5000, rounds[me]);
		lock(&recursive);
		lock(&recursive);
		if (rounds[me] % 3 == 0 && nanosleep(&t, &t))
			die("worker %d: nanosleep: errno %d", me, errno);
		unlock(&recursive);
		unlock(&recursive);
		if (differs(room, 5000, rounds[me]) >= 0)
			die("worker %d: memory is spoilt", me);
		for (i = 0; i < 3; i++)
			talk(me, (int)rounds[me] * 3 + i);
		if (syscall(SYS_gettid) <= 0 || pthread_kill(pthread_self(), 0))
			die("worker %d: it has no number", me);
		pthread_barrier_wait(&barrier);         /* all see the same `over` behind it */
		if (me == 0) {
			lock(&library);
			over = pvm_probe(-1, 1) > 0;
			unlock(&library);
		}
		pthread_barrier_wait(&barrier);
	}
	free(room);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST];
	pthread_mutexattr_t attr;
	int i;

	workers = argc > 1 ? atoi(argv[1]) : 4;
	if (workers < 1 || workers > MOST)
		return 2;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &attr);
	pthread_barrier_init(&barrier, NULL, (unsigned)workers);
	pvm_mytid();
	for (i = 0; i < workers; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(long)i))
			die("pthread_create");
	printf("threads ready\n");
	fflush(stdout);
	for (i = 0; i < workers; i++)
		if (pthread_join(threads[i], NULL))
			die("pthread_join");
	printf("threads ok %lu rounds\n", rounds[0]);
	pvm_exit();
	return 0;
}
