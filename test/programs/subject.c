/*
 * subject DIRECTORY
 *
 * A task that sets up everything a process can own before it says "subject ready", and on each
 * CHECK message looks whether all of it is still as it was: a move must not be felt. "doctor"
 * asks; the answer is one text line per finding, none when healthy, and figures.
 */
#define _GNU_SOURCE
#include "common.h"
#include "subject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define BLOCKS 200
#define MAPPED (64 * 1024)

static struct {
	char findings[8192];
	unsigned char *blocks[BLOCKS];
	size_t sizes[BLOCKS];
	FILE *written, *read_half, *appended;
	int shared_offset, shared_offset_twin, written_lines;
	char directory[512], cwd[512];
	unsigned char *map_private, *map_shared, *map_file, *map_guarded;
	pthread_mutex_t recursive, errorcheck, plain;
	pthread_t self;
	pthread_key_t key;
	sigset_t mask;
	stack_t altstack;
	mode_t umask;
	struct rlimit files;
	int niceness, checks;
	char *environment;
} s;

static __thread int thread_local_value = 41;
static volatile sig_atomic_t usr1, alarms;
static volatile int on_altstack;
static double ratio = 1.0 / 3;

static void finding(const char *format, ...)
{
	size_t used = strlen(s.findings);
	va_list list;

	if (used > sizeof s.findings - 200)
		return;
	va_start(list, format);
	vsnprintf(s.findings + used, 190, format, list);
	va_end(list);
	strcat(s.findings, "\n");
}

static void count_usr1(int signal)
{
	(void)signal;
	usr1++;
}

static void count_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void note_stack(int signal)
{
	char here;

	(void)signal;
	on_altstack = &here > (char *)s.altstack.ss_sp &&
		      &here < (char *)s.altstack.ss_sp + s.altstack.ss_size;
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signal, &action, NULL);
}

/* ------------------------------------------------------------ memory */

static void set_up_memory(void)
{
	int i;

	for (i = 0; i < BLOCKS; i++) {
		s.sizes[i] = (size_t)(key(3, 0, (uint64_t)i) % (i % 20 ? 3000 : 400000)) + 1;
		s.blocks[i] = malloc(s.sizes[i]);
		fill(s.blocks[i], s.sizes[i], key(3, 1, (uint64_t)i));
	}
	s.map_private = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s.map_shared = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s.map_guarded = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(s.map_private, MAPPED, 11);
	fill(s.map_shared, MAPPED, 12);
	fill(s.map_guarded, MAPPED, 13);
	mprotect(s.map_guarded, 4096, PROT_NONE);
	mprotect(s.map_guarded + 4096, MAPPED - 4096, PROT_READ);
}

static void check_memory(void)
{
	int i;

	for (i = 0; i < BLOCKS; i++)
		if (differs(s.blocks[i], s.sizes[i], key(3, (uint64_t)s.checks + 1, (uint64_t)i)) >= 0)
			finding("malloc: block %d is spoilt", i);
	for (i = 0; i < BLOCKS; i++) {
		unsigned char *p;

		if (i % 3 == 0) {
			p = realloc(s.blocks[i], s.sizes[i] + 100);
			s.blocks[i] = realloc(p, s.sizes[i]);
		} else {
			free(s.blocks[i]);
			s.blocks[i] = malloc(s.sizes[i]);
		}
		fill(s.blocks[i], s.sizes[i], key(3, (uint64_t)s.checks + 2, (uint64_t)i));
	}
	if (differs(s.map_private, MAPPED, 11) >= 0)
		finding("mmap: private memory is spoilt");
	if (differs(s.map_shared, MAPPED, 12) >= 0)
		finding("mmap: shared anonymous memory is spoilt");
	if (mprotect(s.map_guarded, 4096, PROT_READ) || differs(s.map_guarded, MAPPED, 13) >= 0)
		finding("mmap: what lay behind PROT_NONE is spoilt");
	mprotect(s.map_guarded, 4096, PROT_NONE);
	if (strncmp((char *)s.map_file, "line 0\n", 7))
		finding("mmap: the mapped file reads differently");
}

/* ------------------------------------------------------------ files */

static char *in_directory(const char *name)
{
	static char path[600];

	snprintf(path, sizeof path, "%s/%s", s.directory, name);
	return path;
}

static void set_up_files(void)
{
	char word[64];
	int i, fd;

	s.written = fopen(in_directory("written"), "w+");
	for (i = 0; i < 1000; i++)
		fprintf(s.written, "line %d\n", i);
	fflush(s.written);
	s.written_lines = 1000;
	s.read_half = fopen(in_directory("written"), "r");
	for (i = 0; i < 500; i++)
		if (!fgets(word, sizeof word, s.read_half))
			die("cannot read back");
	s.appended = fopen(in_directory("appended"), "a");
	fprintf(s.appended, "check 0\n");        /* stays in the buffer */
	s.shared_offset = open(in_directory("written"), O_RDONLY);
	s.shared_offset_twin = dup(s.shared_offset);
	lseek(s.shared_offset, 7, SEEK_SET);
	fd = open(in_directory("written"), O_RDONLY);
	s.map_file = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
}

static void check_files(void)
{
	char word[64], expected[64];
	off_t before;
	int n = 500 + s.checks, lines = 0;
	FILE *again;

	sprintf(expected, "line %d\n", n);
	if (!fgets(word, sizeof word, s.read_half) || strcmp(word, expected))
		finding("stdio: read '%.20s' where line %d stands", word, n);
	fprintf(s.written, "line %d\n", s.written_lines++);
	if (s.checks % 2 == 0 && fflush(s.written))
		finding("stdio: flush: errno %d", errno);
	fprintf(s.appended, "check %d\n", s.checks + 1);
	if (s.checks % 3 == 0)
		fflush(s.appended);
	before = lseek(s.shared_offset, 0, SEEK_CUR);
	if (before != 7 + (off_t)s.checks)
		finding("files: offset %ld instead of %ld", (long)before, 7 + (long)s.checks);
	if (read(s.shared_offset_twin, word, 1) != 1 || lseek(s.shared_offset, 0, SEEK_CUR) != before + 1)
		finding("files: duplicated descriptors no longer share their offset");
	if ((fcntl(fileno(s.appended), F_GETFL) & (O_APPEND | O_ACCMODE)) != (O_APPEND | O_WRONLY))
		finding("files: flags of the appended file are 0x%x", fcntl(fileno(s.appended), F_GETFL));
	again = fopen(in_directory("appended"), "r");
	while (fgets(word, sizeof word, again)) {
		sprintf(expected, "check %d\n", lines++);
		if (strcmp(word, expected)) {
			finding("files: '%.20s' in the appended file where %.20s belongs", word, expected);
			break;
		}
	}
	fclose(again);
	getcwd(word, sizeof word);
	if (strncmp(word, s.cwd, sizeof word - 1))
		finding("files: working directory %s", word);
	if (umask(s.umask) != s.umask)
		finding("files: umask has changed");
}

/* ------------------------------------------------------------ signals and time */

static void set_up_signals(void)
{
	struct itimerval interval = { { 0, 5000 }, { 0, 5000 } };
	union sigval value = { .sival_int = 4711 };

	handle(SIGUSR1, count_usr1, SA_RESTART);
	handle(SIGALRM, count_alarm, SA_RESTART);
	s.altstack.ss_size = 65536;
	s.altstack.ss_sp = malloc(s.altstack.ss_size);
	sigaltstack(&s.altstack, NULL);
	handle(SIGWINCH, note_stack, SA_ONSTACK);
	handle(SIGHUP, SIG_IGN, 0);
	sigemptyset(&s.mask);
	sigaddset(&s.mask, SIGUSR2);
	sigaddset(&s.mask, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &s.mask, NULL);
	sigqueue(getpid(), SIGRTMIN + 3, value);
	raise(SIGUSR2);
	setitimer(ITIMER_REAL, &interval, NULL);
}

static void check_signals(void)
{
	struct sigaction action;
	struct timespec now = { 0, 0 };
	sigset_t mask, pending;
	siginfo_t info;
	union sigval value = { .sival_int = 4711 };
	int before = usr1, alarms_before = alarms, i;

	raise(SIGUSR1);
	pthread_kill(pthread_self(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	if (usr1 != before + 3)
		finding("signals: %d of 3 were handled", usr1 - before);
	on_altstack = 0;
	raise(SIGWINCH);
	if (!on_altstack)
		finding("signals: the alternate stack is not used");
	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (!sigismember(&mask, SIGUSR2) || !sigismember(&mask, SIGRTMIN + 3) || sigismember(&mask, SIGTERM))
		finding("signals: the mask has changed");
	sigaction(SIGHUP, NULL, &action);
	if (action.sa_handler != SIG_IGN)
		finding("signals: SIGHUP is no longer ignored");
	sigaction(SIGALRM, NULL, &action);
	if (action.sa_handler != count_alarm || !(action.sa_flags & SA_RESTART))
		finding("signals: the action of SIGALRM has changed");
	sigpending(&pending);
	if (!sigismember(&pending, SIGUSR2))
		finding("signals: the pending SIGUSR2 is lost");
	if (sigtimedwait(&s.mask, &info, &now) < 0)
		finding("signals: nothing pending");
	else if (info.si_signo == SIGUSR2)
		raise(SIGUSR2);
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + 3);
	if (sigtimedwait(&mask, &info, &now) < 0)
		finding("signals: the queued real-time signal is lost");
	else if (info.si_value.sival_int != 4711 || info.si_code != SI_QUEUE)
		finding("signals: the queued signal has value %d code %d", info.si_value.sival_int, info.si_code);
	sigqueue(getpid(), SIGRTMIN + 3, value);
	for (i = 0; alarms == alarms_before && i < 2000; i++)
		usleep(1000);
	if (alarms == alarms_before)
		finding("time: the interval timer no longer fires");
}

static int ordered(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

static void check_clock(clockid_t clock, const char *name)
{
	struct timespec before, between, after;

	syscall(SYS_clock_gettime, clock, &before);
	clock_gettime(clock, &between);
	syscall(SYS_clock_gettime, clock, &after);
	if (!ordered(before, between) || !ordered(between, after))
		finding("time: the vDSO's %s does not lie between two system calls", name);
}

static void check_time(void)
{
	struct timespec t = { 0, 2000000 };
	sigset_t alarm, old;
	double from;

	check_clock(CLOCK_MONOTONIC, "CLOCK_MONOTONIC");
	check_clock(CLOCK_REALTIME, "CLOCK_REALTIME");
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &old);
	from = seconds();
	if (nanosleep(&t, NULL) || seconds() - from < 0.0019)
		finding("time: nanosleep ended early, errno %d", errno);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ------------------------------------------------------------ threads, processes, the C library */

static void init_mutex(pthread_mutex_t *mutex, int type)
{
	pthread_mutexattr_t attribute;

	pthread_mutexattr_init(&attribute);
	pthread_mutexattr_settype(&attribute, type);
	pthread_mutex_init(mutex, &attribute);
}

static void set_up_library(void)
{
	init_mutex(&s.recursive, PTHREAD_MUTEX_RECURSIVE);
	init_mutex(&s.errorcheck, PTHREAD_MUTEX_ERRORCHECK);
	init_mutex(&s.plain, PTHREAD_MUTEX_NORMAL);
	pthread_mutex_lock(&s.recursive);        /* held while it moves */
	pthread_mutex_lock(&s.errorcheck);
	pthread_key_create(&s.key, NULL);
	pthread_setspecific(s.key, &s);
	s.self = pthread_self();
	thread_local_value = 42;
	fesetround(FE_UPWARD);
	s.environment = getenv("PATH");
	getcwd(s.cwd, sizeof s.cwd);
	umask(027);
	s.umask = 027;
	getrlimit(RLIMIT_NOFILE, &s.files);
	s.files.rlim_cur -= 7;
	setrlimit(RLIMIT_NOFILE, &s.files);
	errno = 0;
	s.niceness = getpriority(PRIO_PROCESS, 0);
}

static void check_mutexes(void)
{
	int code;

	if (pthread_mutex_trylock(&s.recursive))
		finding("pthread: a recursive mutex held during the move is no longer ours");
	else
		pthread_mutex_unlock(&s.recursive);
	code = pthread_mutex_unlock(&s.errorcheck);
	if (code)
		finding("pthread: an error-checking mutex held during the move: unlock gives %d", code);
	else
		pthread_mutex_lock(&s.errorcheck);
	if (pthread_mutex_trylock(&s.plain) || pthread_mutex_unlock(&s.plain))
		finding("pthread: plain mutex");
	if (!pthread_equal(s.self, pthread_self()) || pthread_getspecific(s.key) != &s ||
	    thread_local_value != 42)
		finding("pthread: thread-local storage");
	if (gettid() != getpid() || syscall(SYS_gettid) != gettid())
		finding("pthread: thread id %d of process %d", (int)gettid(), (int)getpid());
}

static void *in_thread(void *argument)
{
	*(int *)argument = thread_local_value + (pthread_mutex_trylock(&s.recursive) ? 0 : 100);
	return argument;
}

static void check_threads(void)
{
	pthread_t thread;
	void *result;
	int value = 0;

	if (pthread_create(&thread, NULL, in_thread, &value) || pthread_join(thread, &result))
		finding("pthread: a new thread does not run");
	else if (value != 41 || result != &value)
		finding("pthread: a new thread sees %d", value);
}

static void check_children(void)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		abort();
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGABRT)
		finding("process: abort in a child: status 0x%x", status);
	child = fork();
	if (child == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
		finding("process: raise in a child: status 0x%x", status);
	if (system("exit 7") != 7 << 8)
		finding("process: system()");
}

static void check_processor(void)
{
	unsigned int cpu, i;
	double third = ratio;

	for (i = 0; i < 1000; i++) {
		syscall(SYS_getcpu, &cpu, NULL, NULL);
		if ((int)cpu == sched_getcpu())
			break;
	}
	if (i == 1000)
		finding("rseq: sched_getcpu says %d, the kernel %u", sched_getcpu(), cpu);
	if (fegetround() != FE_UPWARD)
		finding("processor: the rounding mode has changed");
	third *= 3.0000000001;
	if (!(third > 1))
		finding("processor: arithmetic");
}

static void check_process(void)
{
	struct rlimit files;
	char name[32] = "";
	FILE *comm = fopen("/proc/self/comm", "r");

	if (!comm || !fgets(name, sizeof name, comm) || strcmp(name, "subject\n"))
		finding("process: its name is '%s'", name);
	if (comm)
		fclose(comm);
	comm = fopen("/proc/self/cmdline", "r");
	memset(name, 0, sizeof name);
	if (!comm || fread(name, 1, 31, comm) == 0 || !strstr(name, "/"))
		finding("process: its command line is '%s'", name);
	if (comm)
		fclose(comm);
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur != s.files.rlim_cur)
		finding("process: limits have changed");
	if (getenv("PATH") != s.environment || getpriority(PRIO_PROCESS, 0) != s.niceness)
		finding("process: environment or niceness");
}

/* ------------------------------------------------------------ answers */

static int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	int n = -3;        /* ".", ".." and the descriptor of this very directory */

	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n;
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int c, n = 0;

	while (file && (c = getc(file)) != EOF)
		n += c == '\n';
	if (file)
		fclose(file);
	return n;
}

static int resident_kib(void)
{
	char line[128];
	int kib = -1;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof line, file))
		sscanf(line, "VmRSS: %d", &kib);
	if (file)
		fclose(file);
	return kib;
}

static void answer(int to)
{
	int figures[6];

	s.findings[0] = 0;
	check_processor();
	check_memory();
	check_files();
	check_signals();
	check_time();
	check_mutexes();
	check_threads();
	check_process();
	check_children();
	s.checks++;
	figures[0] = resident_kib();
	figures[1] = count_entries("/proc/self/fd");
	figures[2] = count_lines("/proc/self/maps");
	figures[3] = count_entries("/proc/self/task") + 1;
	figures[4] = getpid();
	figures[5] = alarms;
	pvm_initsend(PvmDataDefault);
	pvm_pkstr(s.findings);
	pvm_pkint(figures, 6, 1);
	pvm_send(to, TAG_CHECK);
}

int main(int argc, char **argv)
{
	int tag, from;

	snprintf(s.directory, sizeof s.directory, "%s", argc > 1 ? argv[1] : "/tmp");
	pvm_mytid();
	set_up_memory();
	set_up_files();
	set_up_library();
	set_up_signals();
	printf("subject ready\n");
	fflush(stdout);
	for (;;) {
		if (pvm_recv(-1, -1) < 0)
			die("receive failed");
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, &from);
		if (tag == TAG_END)
			break;
		if (tag == TAG_CHECK)
			answer(from);
		else {
			pvm_initsend(PvmDataDefault);
			pvm_send(from, tag);
		}
	}
	pvm_exit();
	return 0;
}
