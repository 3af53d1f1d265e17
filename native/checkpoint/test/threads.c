/* Programs with several threads that notice when a move changed something: threads NAME [MOVES]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <unistd.h>

#include "case.h"

#define MOST 128
static pthread_t threads[MOST];
static unsigned thread_count;

static void start(unsigned n, void *(*run)(void *))
{
	pthread_attr_t attr;
	uintptr_t i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (i = 0; i < n; i++)
		CHECK(!pthread_create(&threads[thread_count++], &attr, run, (void *)i));
}

static void join(void)
{
	while (thread_count)
		CHECK(!pthread_join(threads[--thread_count], NULL));
}

/* ------------------------------------------------------------------ computing */

static void *computes_run(void *self)
{
	double first = series(20000 + (uintptr_t)self);

	while (more())
		CHECK(series(20000 + (uintptr_t)self) == first);
	return NULL;
}

static void computes(void)
{
	start(6, computes_run);
	computes_run(NULL);
	join();
}

static void *idles_run(void *self)
{
	static sem_t never;

	(void)self;
	CHECK(sem_wait(&never) == 0);
	return NULL;
}

static void idles(void)         /* a hundred that wait */
{
	start(100, idles_run);
	while (more())
		usleep(1000);
	for (unsigned i = 0; i < thread_count; i++)
		CHECK(!pthread_cancel(threads[i]));
	join();
}

/* ------------------------------------------------------------------ locks */

static pthread_mutex_t mutex;
static volatile unsigned owner, guarded[2];

static void make_mutex(int type, int robust, int protocol)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	CHECK(!pthread_mutex_init(&mutex, &attr));
}

static int lock_somehow(unsigned how)
{
	struct timespec until;
	int error;

	if (how % 3 == 0)
		return pthread_mutex_lock(&mutex);
	if (how % 3 == 1) {
		while ((error = pthread_mutex_trylock(&mutex)) == EBUSY)
			sched_yield();
		return error;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	return pthread_mutex_timedlock(&mutex, &until);
}

static void *locks_run(void *self)
{
	unsigned me = (uintptr_t)self + 1, n = me, type;

	for (; more(); n++) {
		CHECK(!(errno = lock_somehow(n)));
		CHECK(!owner);
		owner = me;
		guarded[0]++;
		if (n % 4 == 0)
			usleep(n * 7 % 900);
		type = mutex.__data.__kind & 3;
		if (type == PTHREAD_MUTEX_RECURSIVE) {
			CHECK(!pthread_mutex_lock(&mutex));
			CHECK(!pthread_mutex_unlock(&mutex));
		} else if (type == PTHREAD_MUTEX_ERRORCHECK) {
			CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
		}
		guarded[1]++;
		CHECK(guarded[0] == guarded[1] && owner == me);
		owner = 0;
		CHECK(!pthread_mutex_unlock(&mutex));
		if (type == PTHREAD_MUTEX_ERRORCHECK && n % 8 == 0)
			CHECK(pthread_mutex_unlock(&mutex) == EPERM);
	}
	return NULL;
}

static void locks(int type, int robust, int protocol)
{
	make_mutex(type, robust, protocol);
	start(4, locks_run);
	join();
	CHECK(!pthread_mutex_destroy(&mutex));
}

static void plain(void) { locks(PTHREAD_MUTEX_NORMAL, 0, 0); }
static void recursive(void) { locks(PTHREAD_MUTEX_RECURSIVE, 0, 0); }
static void errorcheck(void) { locks(PTHREAD_MUTEX_ERRORCHECK, 0, 0); }
static void adaptive(void) { locks(PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0); }
static void robust(void) { locks(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0); }
static void robustrec(void) { locks(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, 0); }
static void inherit(void) { locks(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT); }
static void inheritrec(void) { locks(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT); }

static void *dies_run(void *self)
{
	(void)self;
	CHECK(!pthread_mutex_lock(&mutex));
	until_moved();
	return NULL;            /* its owner dies */
}

static void dies(void)
{
	make_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0);
	while (more()) {
		start(1, dies_run);
		join();
		CHECK(pthread_mutex_lock(&mutex) == EOWNERDEAD);
		CHECK(!pthread_mutex_consistent(&mutex));
		CHECK(!pthread_mutex_unlock(&mutex));
	}
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *rwlocks_run(void *self)
{
	unsigned me = (uintptr_t)self + 1, n = me;

	for (; more(); n++) {
		if (n % 3) {
			CHECK(!pthread_rwlock_rdlock(&rwlock));
			CHECK(guarded[0] == guarded[1] && !owner);
		} else {
			CHECK(!pthread_rwlock_wrlock(&rwlock));
			owner = me;
			guarded[0]++;
			CHECK(pthread_rwlock_wrlock(&rwlock) == EDEADLK);
			usleep(n * 11 % 700);
			guarded[1]++;
			CHECK(owner == me);
			owner = 0;
		}
		CHECK(!pthread_rwlock_unlock(&rwlock));
	}
	return NULL;
}

static void rwlocks(void)
{
	start(5, rwlocks_run);
	join();
}

/* ------------------------------------------------------------------ waiting for each other */

static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static unsigned queue[4], queued, made, taken;

static void *conds_run(void *self)
{
	struct timespec until;

	(void)self;
	for (;;) {
		CHECK(!pthread_mutex_lock(&mutex));
		while (!queued) {
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_sec += 30;
			CHECK(!pthread_cond_timedwait(&filled, &mutex, &until));
		}
		if (queue[0] == ~0u) {
			pthread_mutex_unlock(&mutex);
			return NULL;
		}
		CHECK(queue[0] == taken++);
		memmove(queue, queue + 1, sizeof(queue) - sizeof(queue[0]));
		queued--;
		CHECK(!pthread_cond_signal(&emptied));
		CHECK(!pthread_mutex_unlock(&mutex));
	}
}

static void put(unsigned value)
{
	CHECK(!pthread_mutex_lock(&mutex));
	while (queued == 4)
		CHECK(!pthread_cond_wait(&emptied, &mutex));
	queue[queued++] = value;
	CHECK(!pthread_cond_broadcast(&filled));
	CHECK(!pthread_mutex_unlock(&mutex));
}

static void conds(void)
{
	make_mutex(PTHREAD_MUTEX_NORMAL, 0, 0);
	start(3, conds_run);
	while (more())
		put(made++);
	put(~0u);
	join();
	CHECK(taken == made);
}

static pthread_barrier_t barrier;
static sem_t semaphore;
static atomic_uint passed, parts[3], last_round;

static void *barriers_run(void *self)
{
	unsigned me = (uintptr_t)self, round;

	for (round = 1; !last_round || round <= last_round; round++) {
		parts[me] = round;
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			passed++;
			if (!more())
				last_round = round;
			CHECK(!sem_post(&semaphore));
		}
		CHECK(parts[0] == round && parts[1] == round && parts[2] == round);
		pthread_barrier_wait(&barrier);
	}
	CHECK(!sem_post(&semaphore));
	return NULL;
}

static void barriers(void)
{
	unsigned posts = 0;

	pthread_barrier_init(&barrier, NULL, 3);
	sem_init(&semaphore, 0, 0);
	start(3, barriers_run);
	while (!last_round || posts < passed) {
		CHECK(!sem_wait(&semaphore));
		posts++;
	}
	join();
}

/* ------------------------------------------------------------------ what is a thread's own */

static __thread unsigned own = 5;
static thread_local uint64_t own_array[100];
static pthread_key_t key;
static atomic_uint destroyed;

static void destroy(void *value)
{
	CHECK((uintptr_t)value > 100);
	destroyed++;
}

static void *locals_run(void *self)
{
	uintptr_t me = (uintptr_t)self, i;
	sigset_t set, is;
	char *room = malloc(SIGSTKSZ), name[16], is_name[16];
	stack_t stack = { room, 0, SIGSTKSZ }, is_stack;

	own = me;
	for (i = 0; i < 100; i++)
		own_array[i] = hash(me + i);
	CHECK(!pthread_setspecific(key, (void *)(me + 101)));
	sigemptyset(&set);
	sigaddset(&set, me % 2 ? SIGUSR1 : SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	CHECK(!sigaltstack(&stack, NULL));
	snprintf(name, sizeof(name), "thread %lu", (unsigned long)me);
	CHECK(!pthread_setname_np(pthread_self(), name));
	CHECK(!setpriority(PRIO_PROCESS, syscall(SYS_gettid), me));
	pthread_t id = pthread_self();

	while (more()) {
		errno = me;
		series(5000);
		CHECK(errno == (int)me && own == me && pthread_self() == id);
		for (i = 0; i < 100; i++)
			CHECK(own_array[i] == hash(me + i));
		CHECK((uintptr_t)pthread_getspecific(key) == me + 101);
		CHECK(!pthread_sigmask(SIG_BLOCK, NULL, &is));
		CHECK(sigismember(&is, SIGUSR1) == (int)(me % 2) && sigismember(&is, SIGUSR2) == (int)!(me % 2));
		CHECK(!sigaltstack(NULL, &is_stack) && is_stack.ss_sp == room);
		CHECK(!pthread_getname_np(id, is_name, sizeof(is_name)) && !strcmp(name, is_name));
		CHECK(getpriority(PRIO_PROCESS, 0) == (int)me);
	}
	CHECK(!sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	free(room);
	return NULL;
}

static void locals(void)
{
	CHECK(!pthread_key_create(&key, destroy));
	start(6, locals_run);
	join();
	CHECK(destroyed == 6);
}

static void *bound_run(void *self)
{
	cpu_set_t set, is;
	struct sched_param parameters = { 0 };
	int policy;

	CPU_ZERO(&set);
	CPU_SET((uintptr_t)self % 2, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		CPU_ZERO(&set);         /* a machine with one processor */
	CHECK(!pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters));
	while (more()) {
		usleep(1000);
		CHECK(!pthread_getaffinity_np(pthread_self(), sizeof(is), &is));
		CHECK(!CPU_COUNT(&set) || CPU_EQUAL(&set, &is));
		CHECK(!pthread_getschedparam(pthread_self(), &policy, &parameters) && policy == SCHED_BATCH);
	}
	return NULL;
}

static void bound(void)
{
	start(4, bound_run);
	join();
}

/* ------------------------------------------------------------------ coming and going */

static void *short_run(void *self)
{
	own_array[3] = (uintptr_t)self;
	series(own_array[3] % 500);
	return (void *)own_array[3];
}

static void *creates_run(void *self)
{
	pthread_t mine[3];
	pthread_attr_t attr;
	uintptr_t i, n = (uintptr_t)self;
	void *value;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (more()) {
		for (i = 0; i < 3; i++)
			CHECK(!pthread_create(&mine[i], NULL, short_run, (void *)(n + i)));
		for (i = 0; i < 3; i++)
			CHECK(!pthread_join(mine[i], &value) && (uintptr_t)value == n + i);
		CHECK(!pthread_create(&mine[0], &attr, short_run, (void *)1));
		n += 7;
	}
	return NULL;
}

static void creates(void)
{
	start(3, creates_run);
	join();
}

static atomic_uint cleaned;

static void clean(void *argument)
{
	*(atomic_uint *)argument += 1;
}

static void *cancels_run(void *self)
{
	int old;

	if ((uintptr_t)self)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	pthread_cleanup_push(clean, &cleaned);
	for (;;) {
		if ((uintptr_t)self)
			series(100);
		else
			poll(NULL, 0, 10000);
	}
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancels(void)
{
	unsigned expected = 0;
	void *value;

	while (more()) {
		start(2, cancels_run);
		until_moved();
		usleep(500);
		for (; thread_count; thread_count--, expected++) {
			CHECK(!pthread_cancel(threads[thread_count - 1]));
			CHECK(!pthread_join(threads[thread_count - 1], &value));
			CHECK(value == PTHREAD_CANCELED);
		}
		CHECK(cleaned == expected);
	}
}

/* ------------------------------------------------------------------ signals */

static atomic_uint got[MOST];
static __thread unsigned self_number;

static void on_signal(int signal)
{
	(void)signal;
	got[self_number]++;
}

static void *kills_run(void *self)
{
	self_number = (uintptr_t)self;
	while (more()) {
		unsigned before = got[self_number];

		CHECK(!raise(SIGUSR2));
		CHECK(got[self_number] > before);
		usleep(300);
	}
	return NULL;
}

static void kills(void)
{
	unsigned i, before[4];

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	self_number = MOST - 1;
	start(4, kills_run);
	while (more()) {
		for (i = 0; i < 4; i++) {
			before[i] = got[i];
			CHECK(!pthread_kill(threads[i], SIGUSR1));
		}
		for (i = 0; i < 4; i++)
			/* One that has seen the end before we do takes no more. */
			while (got[i] == before[i] && more())
				sched_yield();
	}
	join();
}

/* Signals for one thread that wait while it is moved, several of a kind, with their values. */
static void *pendings_run(void *self)
{
	int me = (uintptr_t)self, i;
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGUSR1);
	while (more()) {
		for (i = 0; i < 3; i++)
			CHECK(!pthread_sigqueue(pthread_self(), SIGRTMIN + 3,
						(union sigval){ .sival_int = me * 10 + i }));
		CHECK(!pthread_kill(pthread_self(), SIGUSR1));
		until_moved();
		CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER && info.si_pid == getpid());
		for (i = 0; i < 3; i++)
			CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 3 && info.si_value.sival_int == me * 10 + i);
	}
	return NULL;
}

static void pendings(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(5, pendings_run);
	join();
}

static void *alarms_run(void *self)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec spec = { { 0, 700000 }, { 0, 700000 } };
	sigset_t set;
	siginfo_t info;
	timer_t id;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	event._sigev_un._tid = syscall(SYS_gettid);
	event.sigev_value.sival_int = (uintptr_t)self + 70;
	CHECK(!timer_create(CLOCK_MONOTONIC, &event, &id));
	CHECK(!timer_settime(id, 0, &spec, NULL));
	while (more()) {
		CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
		CHECK(info.si_value.sival_int == (int)(uintptr_t)self + 70);
	}
	CHECK(!timer_delete(id));
	return NULL;
}

static void alarms(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(4, alarms_run);
	join();
}

/* setuid and its like tell all threads, by a signal of glibc's. */
static void *identities_run(void *self)
{
	(void)self;
	while (more()) {
		CHECK(getuid() == geteuid());
		usleep(100);
	}
	return NULL;
}

static void identities(void)
{
	start(4, identities_run);
	while (more()) {
		CHECK(!setuid(getuid()));
		CHECK(!setgid(getgid()));
	}
	join();
}

/* ------------------------------------------------------------------ system calls */

static void *calls_run(void *self)
{
	struct timespec t, left;
	double begin;
	sem_t none;

	sem_init(&none, 0, 0);
	while (more()) {
		begin = now();
		t = (struct timespec){ 0, 2000000 };
		switch ((uintptr_t)self % 5) {
		case 0:
			CHECK(!nanosleep(&t, &left));
			break;
		case 1:
			CHECK(poll(NULL, 0, 2) == 0);
			break;
		case 2:
			CHECK(ppoll(NULL, 0, &t, NULL) == 0);
			break;
		case 3:
			clock_gettime(CLOCK_REALTIME, &t);
			t.tv_nsec += 3000000;
			if (t.tv_nsec >= 1000000000)
				t.tv_sec++, t.tv_nsec -= 1000000000;
			CHECK(sem_timedwait(&none, &t) == -1 && errno == ETIMEDOUT);
			break;
		default:
			clock_gettime(CLOCK_MONOTONIC, &t);
			t.tv_nsec += 3000000;
			if (t.tv_nsec >= 1000000000)
				t.tv_sec++, t.tv_nsec -= 1000000000;
			CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
		}
		CHECK(now() - begin > 0.0015);
	}
	return NULL;
}

static void calls(void)
{
	start(10, calls_run);
	join();
}

static void *insides_run(void *self)
{
	while (more()) {
		if (self) {
			char *p = malloc(40000);

			memset(p, 1, 40000);
			free(p);
			series(500);
			continue;
		}
		mini_inside = 1;
		for (int i = 0; i < 20; i++) {
			char *p = malloc(30000);

			memset(p, 2, 30000);
			series(300);
			free(p);
		}
		mini_leave();
	}
	return NULL;
}

static void insides(void)
{
	start(3, insides_run);
	join();
}

static const struct test_case table[] = {
	{ "computes", computes }, { "idles", idles }, { "plain", plain }, { "recursive", recursive },
	{ "errorcheck", errorcheck }, { "adaptive", adaptive }, { "robust", robust },
	{ "robustrec", robustrec }, { "inherit", inherit }, { "inheritrec", inheritrec },
	{ "dies", dies }, { "rwlocks", rwlocks }, { "conds", conds }, { "barriers", barriers },
	{ "locals", locals }, { "bound", bound }, { "creates", creates }, { "cancels", cancels },
	{ "kills", kills }, { "pendings", pendings }, { "alarms", alarms },
	{ "identities", identities }, { "calls", calls }, { "insides", insides }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
