/* Programs of thirty lines that notice when a move changed something: cases NAME [MOVES]. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "case.h"

static void compute(void)
{
	double first = series(300000);

	while (more())
		CHECK(series(300000) == first);
}

static void mallocs(void)
{
	enum { N = 2000 };
	static struct { unsigned char *p; size_t n; unsigned char c; } blocks[N];
	unsigned r = 1;

	while (more()) {
		unsigned i = (r = r * 1103515245 + 12345) / 65536 % N;
		size_t k;

		for (k = 0; k < blocks[i].n; k += 97)
			CHECK(blocks[i].p[k] == blocks[i].c);
		free(blocks[i].p);
		blocks[i].n = (r >> 8) % (r % 50 == 0 ? 400000 : 2000) + 1;
		blocks[i].c = r;
		blocks[i].p = malloc(blocks[i].n);
		memset(blocks[i].p, blocks[i].c, blocks[i].n);
	}
}

static void prints(void)
{
	FILE *file = tmpfile();
	char name[64], line[100];
	unsigned i = 0, k;

	fclose(file);
	snprintf(name, sizeof(name), "/tmp/ckpt-prints-%d", getpid());
	file = fopen(name, "w+");
	while (more())
		fprintf(file, "line %u of %s %.3f\n", i, "text", i / 3.0), i++;
	rewind(file);
	for (k = 0; k < i; k++) {
		char expected[100];

		CHECK(fgets(line, sizeof(line), file));
		snprintf(expected, sizeof(expected), "line %u of text %.3f\n", k, k / 3.0);
		CHECK(!strcmp(line, expected));
	}
	CHECK(!fgets(line, sizeof(line), file));
	unlink(name);
}

static void outputs(void)
{
	unsigned i;

	for (i = 0; more(); i++) {
		printf("%u\n", i);
		fflush(stdout);
		usleep(200);
	}
}

static void sleeps(void)
{
	while (more()) {
		struct timespec t = { 0, 3000000 }, left;
		double start = now();

		CHECK(nanosleep(&t, &left) == 0);
		CHECK(now() - start > 0.0029);
		start = now();
		CHECK(usleep(2000) == 0);
		CHECK(now() - start > 0.0019);
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL) == 0);
	}
}

static void polls(void)
{
	while (more()) {
		double start = now();
		struct timeval tv = { 0, 3000 };
		struct timespec ts = { 0, 2000000 };

		CHECK(poll(NULL, 0, 2) == 0);
		CHECK(select(0, NULL, NULL, NULL, &tv) == 0);
		CHECK(ppoll(NULL, 0, &ts, NULL) == 0);
		ts.tv_nsec = 2000000;
		CHECK(pselect(0, NULL, NULL, NULL, &ts, NULL) == 0);
		CHECK(now() - start > 0.0089);
	}
}

static volatile unsigned ticks;
static void on_tick(int signal)
{
	(void)signal;
	ticks++;
}

static void pauses(void)
{
	sigset_t none, alarm_only;
	struct timespec ts = { 0, 1000000 };

	signal(SIGALRM, on_tick);
	sigemptyset(&none);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm_only, NULL);
	while (more()) {
		/* Again and again: see "What is left to chance" in docs/checkpoint.md. */
		struct itimerval value = { { 0, 20000 }, { 0, 2000 } }, none_left = { { 0, 0 }, { 0, 0 } };
		unsigned before = ticks;

		setitimer(ITIMER_REAL, &value, NULL);
		CHECK(sigsuspend(&none) == -1 && errno == EINTR);
		CHECK(ticks != before);
		setitimer(ITIMER_REAL, &none_left, NULL);
		sigset_t usr;

		sigemptyset(&usr);
		sigaddset(&usr, SIGUSR1);
		CHECK(sigtimedwait(&usr, NULL, &ts) == -1);
		CHECK(errno == EAGAIN);
	}
}

static void timers(void)
{
	struct itimerval value = { { 0, 1000 }, { 0, 1000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec spec = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t ids[3];
	unsigned i = 0;

	signal(SIGALRM, on_tick);
	signal(SIGUSR2, on_tick);
	for (i = 0; i < 3; i++)
		CHECK(!timer_create(CLOCK_MONOTONIC, &event, &ids[i]));
	timer_delete(ids[1]);
	timer_settime(ids[2], 0, &spec, NULL);
	setitimer(ITIMER_REAL, &value, NULL);
	while (more())
		CHECK(series(10000) > 0);
	i = ticks;
	while (ticks < i + 20)
		;
	signal(SIGALRM, SIG_IGN);
	i = ticks;
	while (ticks < i + 20)
		;
	CHECK(!timer_delete(ids[2]));
	CHECK(!timer_delete(ids[0]));
}

static volatile int in_alt;
static char *alt;
static void on_alt(int signal)
{
	char here;
	unsigned start = mini_moves;

	(void)signal;
	in_alt = &here >= alt && &here < alt + 65536;
	while (mini_moves == start && more())
		series(1000);
}

static void altstack(void)
{
	alt = malloc(65536);
	stack_t stack = { alt, 0, 65536 }, is;
	struct sigaction action = { .sa_handler = on_alt, .sa_flags = SA_ONSTACK };

	CHECK(!sigaltstack(&stack, NULL));
	sigaction(SIGUSR1, &action, NULL);
	while (more()) {
		in_alt = 0;
		raise(SIGUSR1);
		CHECK(in_alt == 1);
		CHECK(!sigaltstack(NULL, &is) && is.ss_sp == alt && is.ss_size == 65536 && !is.ss_flags);
	}
}

static void big(void)
{
	size_t n = 64u << 20, i;
	uint64_t *p = malloc(n);
	unsigned round = 0;

	for (i = 0; i < n / 8; i++)
		p[i] = hash(i);
	while (more()) {
		for (i = 0; i < n / 8; i += 64)
			CHECK(p[i] == hash(i + (i % 4096 == 0 ? round : 0)));
		round++;
		for (i = 0; i < n / 8; i += 4096)
			p[i] = hash(i + round);
	}
	for (i = 0; i < n / 8; i++)
		CHECK(p[i] == hash(i + (i % 4096 == 0 ? round : 0)));
}

static void maps(void)
{
	enum { N = 64 };
	static struct { char *p; size_t n; char c; int prot; } m[N];
	unsigned r = 7;

	while (more()) {
		unsigned i = (r = r * 1103515245 + 12345) / 65536 % N, verb = r / 7 % 6;
		size_t k;

		if (!m[i].p) {
			m[i].n = (r / 11 % 40 + 1) * 4096;
			m[i].c = r;
			m[i].p = mmap(NULL, m[i].n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			CHECK(m[i].p != MAP_FAILED);
			m[i].prot = PROT_READ | PROT_WRITE;
			memset(m[i].p, m[i].c, m[i].n);
			continue;
		}
		if (m[i].prot == PROT_NONE)
			mprotect(m[i].p, m[i].n, m[i].prot = PROT_READ | PROT_WRITE);
		for (k = 0; k < m[i].n; k += 512)
			CHECK(m[i].p[k] == m[i].c);
		if (verb == 0) {
			munmap(m[i].p, m[i].n);
			m[i].p = NULL;
		} else if (verb == 1) {
			mprotect(m[i].p, m[i].n, m[i].prot = PROT_READ);
		} else if (verb == 2) {
			mprotect(m[i].p, m[i].n, m[i].prot = PROT_NONE);
		} else if (verb == 3) {
			mprotect(m[i].p, m[i].n, m[i].prot = PROT_READ | PROT_WRITE);
			madvise(m[i].p, m[i].n, MADV_DONTNEED);
			m[i].c = 0;
		} else if (verb == 4) {
			size_t n = (r / 13 % 60 + 1) * 4096, old = m[i].n;

			mprotect(m[i].p, m[i].n, m[i].prot = PROT_READ | PROT_WRITE);
			m[i].p = mremap(m[i].p, m[i].n, n, MREMAP_MAYMOVE);
			CHECK(m[i].p != MAP_FAILED);
			m[i].n = n;
			if (n > old)
				memset(m[i].p + old, m[i].c, n - old);
		}
	}
}

static void brks(void)
{
	char *start = sbrk(0);
	size_t used = 0, i;
	unsigned r = 3;

	while (more()) {
		r = r * 1103515245 + 12345;
		if (r / 65536 % 3 && used < 4000000) {
			char *p = sbrk(10000);

			CHECK(p == start + used);
			memset(p, 0x5a, 10000);
			used += 10000;
		} else if (used) {
			sbrk(-10000);
			used -= 10000;
		}
		CHECK(sbrk(0) == start + used);
		for (i = 0; i < used; i += 5000)
			CHECK(start[i] == 0x5a);
	}
}

static void shared(void)
{
	size_t n = 1 << 20, i;
	unsigned *a = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("case", MFD_CLOEXEC | MFD_ALLOW_SEALING), fd2;
	unsigned *b, *c, round = 0, x;

	CHECK(!ftruncate(fd, 8 << 20));
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	c = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fd2 = dup(fd);
	x = 77;
	CHECK(pwrite(fd, &x, 4, 5 << 20) == 4);
	CHECK(lseek(fd, 1234, SEEK_SET) == 1234);
	while (more()) {
		round++;
		for (i = 0; i < n / 4; i += 511)
			a[i] = b[i] = i + round;
		for (i = 0; i < n / 4; i += 511)
			CHECK(a[i] == i + round && c[i] == i + round);
	}
	CHECK(pread(fd2, &x, 4, 5 << 20) == 4 && x == 77);
	CHECK(lseek(fd2, 0, SEEK_CUR) == 1234);
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK);
	CHECK(ftruncate(fd, 4096) == -1);
}

static void none(void)
{
	size_t n = 1ul << 34;
	char *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *q = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(q, 9, 65536);
	mprotect(q, 32768, PROT_NONE);
	mprotect(q + 32768, 32768, PROT_READ | PROT_EXEC);
	while (more())
		series(1000);
	CHECK(q[40000] == 9);
	CHECK(write(-1, p + 4096, 1) == -1);
	CHECK(!mprotect(q, 32768, PROT_READ));
	CHECK(q[100] == 9 && q[32767] == 9);
	CHECK(!mprotect(p + (n / 2), 4096, PROT_READ | PROT_WRITE));
	p[n / 2] = 1;
}

static void files(void)
{
	char name[64], data[16], line[64];
	int append, a, b, ro, dir, null, zero, random_, fd9;
	unsigned i = 0, k;

	snprintf(name, sizeof(name), "/tmp/ckpt-files-%d", getpid());
	append = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
	a = open(name, O_RDWR);
	b = dup(a);
	ro = open(name, O_RDONLY);
	fd9 = dup2(ro, 200);
	dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	random_ = open("/dev/urandom", O_RDONLY);
	while (more()) {
		snprintf(line, sizeof(line), "%015u\n", i);
		CHECK(write(append, line, 16) == 16);
		i++;
		if (i % 100 == 0)
			usleep(300);
		CHECK(lseek(a, i * 3, SEEK_SET) == i * 3);
		CHECK(lseek(b, 0, SEEK_CUR) == i * 3);
	}
	for (k = 0; k < i; k++) {
		snprintf(line, sizeof(line), "%015u\n", k);
		CHECK(read(k % 2 ? fd9 : ro, data, 16) == 16 && !memcmp(line, data, 16));
	}
	CHECK(read(ro, data, 16) == 0);
	CHECK(write(ro, "x", 1) == -1 && errno == EBADF);
	CHECK(fcntl(append, F_GETFL) & O_APPEND);
	CHECK(!(fcntl(a, F_GETFD) & FD_CLOEXEC) && fcntl(dir, F_GETFD) & FD_CLOEXEC);
	CHECK(write(null, "x", 1) == 1 && read(zero, data, 16) == 16 && data[3] == 0);
	CHECK(read(random_, data, 16) == 16);
	CHECK(fcntl(a + 20, F_GETFD) == -1);
	unlink(name);
}

static void jumps(void)
{
	jmp_buf env;
	volatile unsigned i = 0;

	while (more()) {
		volatile unsigned here = i + 1;

		if (setjmp(env) == 0) {
			series(2000);
			i++;
			longjmp(env, 1);
		}
		CHECK(i == here);
	}
}

static volatile siginfo_t got;
static volatile unsigned got_count;
static void on_info(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	*(siginfo_t *)&got = *info;
	got_count++;
}

static void pendings(void)
{
	struct sigaction action = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	sigset_t set, is;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGRTMIN + 2, &action, NULL);
	while (more()) {
		unsigned start = mini_moves;
		union sigval value = { .sival_int = start + 5 };

		got_count = 0;
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGUSR1);
		sigqueue(getpid(), SIGRTMIN + 2, value);
		sigqueue(getpid(), SIGRTMIN + 2, value);
		while (mini_moves == start && more())
			series(1000);
		CHECK(got_count == 0);
		CHECK(!sigpending(&is) && sigismember(&is, SIGUSR1) && sigismember(&is, SIGRTMIN + 2));
		CHECK(!sigprocmask(SIG_BLOCK, NULL, &is) && sigismember(&is, SIGUSR1));
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		CHECK(got_count == 3);
		CHECK(!sigpending(&is) && !sigismember(&is, SIGUSR1));
	}
}

static void attributes(void)
{
	char cwd[200], name[17] = "", line[200], exe[300];
	struct rlimit limit = { 333, 1000 }, is;
	mode_t mask;
	int fd, answer = 0, dumpable = prctl(PR_GET_DUMPABLE);

	CHECK(!chdir("/usr/lib"));
	umask(0137);
	prctl(PR_SET_NAME, "a name");
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	limit = (struct rlimit){ 16 << 20, 64 << 20 };
	CHECK(!setrlimit(RLIMIT_STACK, &limit));
	setpriority(PRIO_PROCESS, 0, 3);
	setenv("VARIABLE", "value", 1);
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	while (more())
		series(1000);
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/usr/lib"));
	mask = umask(0);
	CHECK(mask == 0137);
	prctl(PR_GET_NAME, name);
	CHECK(!strcmp(name, "a name"));
	CHECK(!getrlimit(RLIMIT_NOFILE, &is) && is.rlim_cur == 333);
	CHECK(!getrlimit(RLIMIT_STACK, &is) && is.rlim_cur == 16 << 20);
	CHECK(getpriority(PRIO_PROCESS, 0) == 3);
	CHECK(!strcmp(getenv("VARIABLE"), "value"));
	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &answer, 0, 0, 0) && answer == 1);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE) == dumpable);
	fd = open("/proc/self/cmdline", O_RDONLY);
	CHECK(read(fd, line, sizeof(line)) > 0 && strstr(line, "cases"));
	close(fd);
	exe[0] = 0;
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0 && geteuid() == 0)
		CHECK(strstr(exe, "cases"));
	fd = open("/proc/self/maps", O_RDONLY);
	FILE *f = fdopen(fd, "r");
	while (fgets(line, sizeof(line), f))
		CHECK(!strstr(line, "restorer"));
	fclose(f);
}

/* What setlocale has loaded, and a locale of this thread's own. */
static void locales(void)
{
	locale_t own = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	wchar_t wide[8];
	char text[8];

	CHECK(own && setlocale(LC_ALL, "C.UTF-8"));
	uselocale(own);
	while (more()) {
		CHECK(mbstowcs(wide, "\xc3\xa4x", 8) == 2 && wide[0] == 0xe4);
		CHECK(wcstombs(text, L"\xe4", 8) == 2 && iswalpha(0xe4));
		CHECK(uselocale(NULL) == own && !strcmp(setlocale(LC_CTYPE, NULL), "C.UTF-8"));
	}
}

/* Processes that come and go: a move is refused while there is one, and goes through when it has been
 * waited for. */
static void children(void)
{
	char *const argv[] = { "true", NULL };
	volatile unsigned round;
	pid_t child;
	int status;

	for (round = 0; more(); round++) {
		child = round % 2 ? fork() : vfork();
		if (!child) {
			execv("/bin/true", argv);
			_exit(1);
		}
		CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
		CHECK(!WEXITSTATUS(status) && waitpid(-1, &status, 0) == -1 && errno == ECHILD);
		until_moved();
	}
}

/* The process has a new number, and all that goes by it is right. */
static __attribute__((noinline)) void signal_by_number(void)
{
	unsigned before = ticks;
	pid_t pid = getpid();

	/* Moved between the two: as after any getpid(). */
	if (kill(pid, SIGUSR1))
		CHECK(errno == ESRCH && getpid() != pid);
	else
		CHECK(ticks == before + 1);
}

static __attribute__((noinline)) void look_at_number(void)
{
	char link[32] = "";
	pid_t pid = getpid();

	CHECK(readlink("/proc/self", link, sizeof(link) - 1) > 0);
	CHECK(atoi(link) == pid || getpid() != pid);
}

static void numbers(void)
{
	char path[64];
	unsigned before;
	int fd;

	snprintf(path, sizeof(path), "/tmp/ckpt-numbers-%d", getpid());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	unlink(path);
	signal(SIGUSR1, on_tick);
	while (more()) {
		signal_by_number();
		before = ticks;
		CHECK(!raise(SIGUSR1) && ticks == before + 1);
		CHECK(!pthread_kill(pthread_self(), SIGUSR1) && ticks == before + 2);
		series(1000);
		look_at_number();
		CHECK(!fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK }));
	}
	CHECK(gettid() == getpid());
}

static void deep(unsigned n)
{
	volatile char room[4096];

	room[0] = n;
	if (n)
		deep(n - 1);
	room[4000] = room[0];
	CHECK(room[0] == (char)n);
}

static void stacks(void)
{
	unsigned i = 0;

	while (more())
		deep(i++ % 1500);
}

static void inside(void)
{
	while (more()) {
		unsigned i;

		mini_inside = 1;
		for (i = 0; i < 50; i++)
			series(500);
		usleep(100);            /* may return early: the library deals with that */
		mini_leave();
		series(500);
	}
}

static void libcs(void)
{
	pthread_mutex_t mutex;
	pthread_mutexattr_t attr;
	sem_t sem;
	int status;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&mutex, &attr);
	sem_init(&sem, 0, 0);
	signal(SIGUSR1, on_tick);
	while (more()) {
		struct timespec until;
		unsigned before = ticks, start = mini_moves;

		CHECK(!pthread_mutex_lock(&mutex));
		while (mini_moves == start && more()) {
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += 1000000;
			if (until.tv_nsec >= 1000000000)
				until.tv_nsec -= 1000000000, until.tv_sec++;
			CHECK(sem_timedwait(&sem, &until) == -1 && errno == ETIMEDOUT);
		}
		CHECK(!pthread_mutex_lock(&mutex));
		CHECK(!pthread_mutex_unlock(&mutex));
		CHECK(!pthread_mutex_unlock(&mutex));
		CHECK(!raise(SIGUSR1));
		CHECK(ticks == before + 1);
		CHECK(!pthread_kill(pthread_self(), SIGUSR1));
		CHECK(ticks == before + 2);
	}
	pid_t child = fork();

	if (!child) {
		CHECK(!raise(SIGUSR1));
		abort();
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(system("exit 7") == 7 << 8);
	pthread_t thread;
	void *value;

	CHECK(!pthread_create(&thread, NULL, (void *(*)(void *))strdup, "text"));
	CHECK(!pthread_join(thread, &value) && !strcmp(value, "text"));
}

static void idle(void)          /* for measuring: memory in MiB from $MIB */
{
	size_t n = atol(getenv("MIB") ? getenv("MIB") : "0") << 20, i;
	char *p = n ? mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;

	for (i = 0; i < n; i += 8)
		*(uint64_t *)(p + i) = hash(i);
	while (more())
		usleep(1000);
	for (i = 0; i < n; i += 8)
		CHECK(*(uint64_t *)(p + i) == hash(i));
}

static const struct test_case table[] = {
	{ "compute", compute }, { "mallocs", mallocs }, { "prints", prints }, { "outputs", outputs },
	{ "sleeps", sleeps }, { "polls", polls }, { "pauses", pauses }, { "timers", timers },
	{ "altstack", altstack }, { "big", big }, { "maps", maps }, { "brks", brks },
	{ "shared", shared }, { "none", none }, { "files", files }, { "jumps", jumps },
	{ "pendings", pendings }, { "attributes", attributes }, { "stacks", stacks },
	{ "inside", inside }, { "libcs", libcs }, { "locales", locales }, { "numbers", numbers },
	{ "children", children }, { "idle", idle }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
