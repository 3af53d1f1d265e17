/*
 * Finding the program's threads, stopping them, letting them go: what the agent does.
 *
 * A stop is complete when a list of all threads holds none that is not parked: who is parked makes
 * no new ones. A parked thread may hold what another one waits for with its signals blocked, or
 * inside the library (a lock of malloc, of pthread_create): then all are let go for a moment, and
 * stopped again.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"

#define SA_HAS_RESTORER 0x04000000ul
#define ALL_SIGNALS (~0ull)
#define SIGNAL_BIT(n) (1ull << ((n) - 1))
#define RESIGNAL_NS 1000000u
#define FIRST_PATIENCE_NS 4000000u
#define MOST_PATIENCE_NS 250000000u
#define REST_NS 500000u
#define HEAD_START_NS 40000u
#define CATCHABLE (~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)))

/* ------------------------------------------------------------------ the list */

static int map_threads(struct ckpt_job *job)
{
	long at;

	if (ckpt_engine.threads)
		return 0;
	at = SYS(mmap, 0, CKPT_THREADS_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at < 0 && at > -4096)
		return ckpt_fail(job, CKPT_E_SYSTEM, "mmap of the list of threads: %e", at);
	/* Also so that it does not become one area with a neighbour of the program's. */
	SYS(madvise, at, CKPT_THREADS_SIZE, MADV_NOHUGEPAGE);
	SYS(madvise, at, CKPT_THREADS_SIZE, MADV_DONTDUMP);
	ckpt_engine.threads = (struct ckpt_threads *)at;
	return 0;
}

/* The entry of a thread: found, or made. The list comes in much the same order every time. */
static struct ckpt_parked *entry_for(uint32_t tid, size_t *hint)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i, at;

	for (i = 0; i < threads->count; i++) {
		at = (*hint + i) % threads->count;
		if (threads->at[at].tid != tid)
			continue;
		*hint = at + 1;
		return &threads->at[at];
	}
	for (at = 0; at < threads->count && threads->at[at].tid; at++)
		;
	if (at == CKPT_MAX_THREADS)
		return NULL;
	memset(&threads->at[at], 0, sizeof(threads->at[at]));
	threads->at[at].tid = tid;
	if (!threads->lowest || tid < threads->lowest)
		threads->lowest = tid;
	if (tid > threads->highest)
		threads->highest = tid;
	if (at == threads->count)
		__atomic_store_n(&threads->count, at + 1, __ATOMIC_SEQ_CST);
	*hint = at + 1;
	return &threads->at[at];
}

static int take_names(struct ckpt_job *job, const char *names, long n, size_t *hint)
{
	uint32_t own = SYS(gettid);
	struct ckpt_parked *thread;
	long at = 0;

	while (at < n) {
		const struct dirent64 *entry = (const struct dirent64 *)(names + at);
		const char *name = entry->d_name;
		uint32_t tid = ckpt_parse(&name, 10);

		at += entry->d_reclen;
		if (!tid || tid == own)
			continue;
		thread = entry_for(tid, hint);
		if (!thread)
			return ckpt_fail(job, CKPT_E_UNSUPPORTED, "it has more than %d threads",
					 CKPT_MAX_THREADS);
		thread->listed = true;
		ckpt_engine.threads->listed++;
	}
	return 0;
}

/* Entries of threads that have ended are free for others. Only of a complete list: while threads
 * end, the kernel may leave others out. */
static void drop_ended(void)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i;

	for (i = 0; i < threads->count; i++)
		if (!threads->at[i].listed)
			threads->at[i].tid = 0;
}

/* *complete: the list holds as many threads as there are. */
static int list_threads(struct ckpt_job *job, bool *complete)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct ckpt_threads *threads = ckpt_engine.threads;
	long fd = SYS(openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;
	struct stat stat;
	size_t i, hint = 0;
	int error = 0;

	if (fd < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/task: %e", fd);
	for (i = 0; i < threads->count; i++)
		threads->at[i].listed = false;
	threads->listed = 0;
	while (!error && (n = SYS(getdents64, fd, work->read_buffer, sizeof(work->read_buffer))) > 0)
		error = take_names(job, work->read_buffer, n, &hint);
	/* Each thread counts as a directory, besides "." and "..": and there is the agent. */
	*complete = !SYS(fstat, fd, &stat) && stat.st_nlink == threads->listed + 3;
	SYS(close, fd);
	if (!error && *complete)
		drop_ended();
	return error;
}

/* The first thread of the process as its number goes: without it there is nobody to arrive. */
static int check_main(struct ckpt_job *job)
{
	char path[64], text[512];
	const char *at = text, *p;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/stat", (unsigned int)SYS(getpid));
	if (ckpt_read_file(path, text, sizeof(text)) <= 0)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "the main thread has ended");
	for (p = text; *p; p++)
		if (*p == ')')
			at = p;
	if (ckpt_starts(at, ") Z") || ckpt_starts(at, ") X"))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "the main thread has ended, others run on");
	return 0;
}

int ckpt_open_threads(struct ckpt_job *job)
{
	bool complete;
	int error = map_threads(job);

	if (!error)
		error = list_threads(job, &complete);
	return error ? error : check_main(job);
}

/* ------------------------------------------------------------------ signalling */

static void signal_thread(struct ckpt_parked *thread)
{
	siginfo_t info;
	long error;

	ckpt_look_at_call(thread->tid, &thread->call);
	memset(&info, 0, sizeof(info));
	info.si_signo = CKPT_PARK_SIGNAL;
	info.si_code = SI_QUEUE;
	info.si_value.sival_ptr = thread;
	thread->sent++;
	error = SYS(rt_tgsigqueueinfo, SYS(getpid), thread->tid, CKPT_PARK_SIGNAL, &info);
	if (error == -EAGAIN)           /* the user has too many queued: without the details, then */
		error = SYS(tgkill, SYS(getpid), thread->tid, CKPT_PARK_SIGNAL);
	if (error)
		thread->sent--;
}

/* One that did not park has to get ahead before it is signalled again: out of the handler, and on. */
static bool has_head_start(struct ckpt_parked *thread)
{
	uint32_t put_off = ckpt_get_word(&thread->put_off);
	uint64_t now;

	if (!put_off)
		return true;
	now = ckpt_clock_ns(CLOCK_MONOTONIC);
	if (put_off != thread->put_off_known) {
		thread->put_off_known = put_off;
		thread->not_before = now + HEAD_START_NS;
	}
	return now >= thread->not_before;
}

/* Signals those that have not had one, or did not park. How many are not parked yet; *early when
 * one of them is to be signalled a little later. */
static size_t signal_threads(bool *early)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i, running = 0;

	for (i = 0; i < threads->count; i++) {
		struct ckpt_parked *thread = &threads->at[i];

		if (!thread->tid || !thread->listed || ckpt_is_parked(thread))
			continue;
		running++;
		if (ckpt_get_word(&thread->seen) != thread->sent)
			continue;
		if (has_head_start(thread))
			signal_thread(thread);
		else
			*early = true;
	}
	return running;
}

/* Returns from the handler: the kernel needs a function that calls rt_sigreturn. */
__attribute__((naked)) static void return_from_signal(void)
{
	__asm__ volatile("movl $15, %eax\n\tsyscall");
}

static int install_handler(struct ckpt_job *job)
{
	struct kernel_sigaction action = {
		.handler = (uintptr_t)ckpt_on_park_signal,
		.flags = SA_SIGINFO | SA_RESTART | SA_HAS_RESTORER,
		.restorer = (uintptr_t)return_from_signal,
		.mask = ALL_SIGNALS,
	}, old;
	long error;

	if (ckpt_engine.handler_installed)
		return 0;
	error = SYS(rt_sigaction, CKPT_PARK_SIGNAL, NULL, &old, 8);
	memcpy(ckpt_engine.old_action, &old, sizeof(old));
	if (!error)
		error = SYS(rt_sigaction, CKPT_PARK_SIGNAL, &action, NULL, 8);
	if (error)
		return ckpt_fail(job, CKPT_E_SYSTEM, "rt_sigaction(33): %e", error);
	ckpt_engine.handler_installed = true;
	return 0;
}

/* Is a parking signal under way to a thread that lives? */
static bool is_under_way(void)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i;

	for (i = 0; i < threads->count; i++) {
		struct ckpt_parked *thread = &threads->at[i];

		if (thread->tid && ckpt_get_word(&thread->seen) != thread->sent &&
		    SYS(tgkill, SYS(getpid), thread->tid, 0) == 0)
			return true;
	}
	return false;
}

/* Only when no parking signal is under way; a stopped process keeps the handler, which is harmless. */
static void remove_handler(void)
{
	static const struct timespec pause = { 0, 50000 };
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 1000000000u;

	if (!ckpt_engine.handler_installed)
		return;
	while (is_under_way()) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return;
		SYS(nanosleep, &pause, NULL);
	}
	SYS(rt_sigaction, CKPT_PARK_SIGNAL, ckpt_engine.old_action, NULL, 8);
	ckpt_engine.handler_installed = false;
}

/* ------------------------------------------------------------------ stopping */

static void release(void)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i;

	ckpt_set_word(&ckpt_engine.freezing, 0);
	for (i = 0; i < threads->count; i++)
		if (threads->at[i].tid && ckpt_is_parked(&threads->at[i]))
			ckpt_set_word(&threads->at[i].state, CKPT_LEAVING);
	ckpt_engine.frozen = false;
}

void ckpt_let_go(void)
{
	release();
	remove_handler();
}

/* Until all that are listed are parked, or one has not answered for so long that it may have ended,
 * or made others. */
static int wait_for_listed(struct ckpt_job *job, uint64_t until)
{
	uint32_t events;
	bool early;
	long error;

	for (;;) {
		early = false;
		events = ckpt_get_word(&ckpt_engine.events);
		if (!signal_threads(&early))
			return 0;
		if (job->abort)
			return ckpt_fail(job, CKPT_E_ABORTED, "aborted while stopping the program");
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > until)
			return CKPT_PENDING;
		error = ckpt_futex_wait(&ckpt_engine.events, events, early ? HEAD_START_NS : RESIGNAL_NS);
		if (error == -ETIMEDOUT && !early)
			return 0;
	}
}

/* 0: all are parked, and there is none besides: the list is made anew until it shows that.
 * CKPT_PENDING: not by that time. */
static int park_all(struct ckpt_job *job, uint64_t until)
{
	bool complete = false, early;
	int error;

	ckpt_set_word(&ckpt_engine.freezing, 1);
	for (;;) {
		error = list_threads(job, &complete);
		if (error)
			return error;
		if (!signal_threads(&early) && complete)
			return 0;
		error = wait_for_listed(job, until);
		if (error)
			return error;
	}
}

/* For the message: a thread that does not stop. */
static uint32_t straggler(void)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i;

	for (i = 0; i < threads->count; i++)
		if (threads->at[i].tid && threads->at[i].listed && !ckpt_is_parked(&threads->at[i]))
			return threads->at[i].tid;
	return 0;
}

static int give_up(struct ckpt_job *job, uint32_t timeout_ms)
{
	uint32_t tid = straggler();
	int error;

	ckpt_let_go();
	error = check_main(job);
	return error ? error : ckpt_fail(job, CKPT_E_FREEZE, "thread %u did not stop within %u ms", tid,
					 timeout_ms);
}

int ckpt_stop(struct ckpt_job *job, uint32_t timeout_ms, bool last)
{
	static const struct timespec rest = { 0, REST_NS };
	uint64_t now = ckpt_clock_ns(CLOCK_MONOTONIC), deadline = now + timeout_ms * 1000000ull;
	uint64_t patience = FIRST_PATIENCE_NS;
	size_t i;
	int error = install_handler(job);

	if (error)
		return error;
	ckpt_engine.hold_numbers = last;
	ckpt_begin_looking();
	for (i = 0; i < ckpt_engine.threads->count; i++)
		ckpt_engine.threads->at[i].put_off = ckpt_engine.threads->at[i].put_off_known = 0;
	while ((error = park_all(job, now + patience)) == CKPT_PENDING) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return give_up(job, timeout_ms);
		release();
		SYS(nanosleep, &rest, NULL);
		now = ckpt_clock_ns(CLOCK_MONOTONIC);
		if (patience < MOST_PATIENCE_NS)
			patience *= 2;
	}
	if (error) {
		ckpt_let_go();
		return error;
	}
	ckpt_engine.frozen = true;
	return 0;
}

int ckpt_freeze(struct ckpt_job *job, uint32_t timeout_ms)
{
	int error;

	CKPT_FAULT(job, CKPT_FAULT_AGENT_FREEZE);
	error = ckpt_stop(job, timeout_ms, true);
	if (error)
		return error;
	job->frozen_at_us = ckpt_clock_ns(CLOCK_REALTIME) / 1000;
	ckpt_engine.come = 0;
	ckpt_engine.others = ckpt_engine.threads->listed - 1;
	if (ckpt_fault(job, CKPT_FAULT_AGENT_FROZEN)) {
		ckpt_let_go();
		return ckpt_fail(job, CKPT_E_SYSTEM, "injected fault at AGENT_FROZEN");
	}
	return 0;
}

void ckpt_thaw(struct ckpt_job *job)
{
	if (!ckpt_engine.frozen)
		return;
	ckpt_fault(job, CKPT_FAULT_AGENT_THAW);
	ckpt_engine.locks.wanted = 0;
	ckpt_let_go();
}

/* ------------------------------------------------------------------ signals that wait */

static int ask(struct ckpt_job *job, struct ckpt_parked *thread, enum ckpt_task task, uint64_t signals)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 1000000000u;

	thread->task = task;
	thread->signals = signals;
	ckpt_set_word(&thread->state, CKPT_ASKED);
	while (ckpt_get_word(&thread->state) != CKPT_PARKED) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return ckpt_fail(job, CKPT_E_FREEZE, "parked thread %u does not answer", thread->tid);
		ckpt_futex_wait(&thread->state, CKPT_ASKED, RESIGNAL_NS);
	}
	return 0;
}

static uint64_t field_of_status(uint32_t tid, const char *name)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	char path[64];
	const char *at;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/status", tid);
	if (ckpt_read_file(path, work->line, sizeof(work->line)) <= 0)
		return 0;
	at = ckpt_find_line(work->line, name);
	return at ? ckpt_parse(&at, 16) : 0;
}

/* A parking signal that came when the thread had parked itself already. */
static bool is_ours(struct ckpt_parked *thread)
{
	siginfo_t info;

	memcpy(&info, thread->info, sizeof(info));
	if (info.si_signo != CKPT_PARK_SIGNAL || info.si_code != SI_QUEUE || info.si_value.sival_ptr != thread)
		return false;
	thread->seen++;
	return true;
}

/* Takes, one by one, the signals of one queue, which /proc shows as `name`. */
static int take_queue(struct ckpt_job *job, struct ckpt_parked *thread, const char *name, bool shared)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	static const uint8_t nothing[128];
	uint64_t signals;
	int error;

	while ((signals = field_of_status(thread->tid, name) & CATCHABLE)) {
		if (threads->pending_count == CKPT_MAX_PENDING)
			return ckpt_fail(job, CKPT_E_UNSUPPORTED, "more than %d signals wait", CKPT_MAX_PENDING);
		error = ask(job, thread, CKPT_TAKE_SIGNAL, signals);
		if (error)
			return error;
		if (!memcmp(thread->info, nothing, 128))
			break;
		if (is_ours(thread))
			continue;
		threads->pending[threads->pending_count].tid = shared ? 0 : thread->tid;
		memcpy(threads->pending[threads->pending_count].info, thread->info, 128);
		threads->pending_count++;
	}
	return 0;
}

/* All of them at once: each answers in its own time. */
static int look_for_pending(struct ckpt_job *job, uint64_t *any)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 1000000000u;
	size_t i;

	for (i = 0; i < threads->count; i++) {
		threads->at[i].task = CKPT_LOOK_PENDING;
		if (threads->at[i].tid)
			ckpt_set_word(&threads->at[i].state, CKPT_ASKED);
	}
	*any = 0;
	for (i = 0; i < threads->count; i++) {
		struct ckpt_parked *thread = &threads->at[i];

		while (thread->tid && ckpt_get_word(&thread->state) != CKPT_PARKED) {
			if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
				return ckpt_fail(job, CKPT_E_FREEZE, "parked thread %u does not answer",
						 thread->tid);
			ckpt_futex_wait(&thread->state, CKPT_ASKED, RESIGNAL_NS);
		}
		if (thread->tid)
			*any |= thread->signals & CATCHABLE;
	}
	return 0;
}

/* Signals that arrive while the program stands still stay pending. To send them along they have to
 * be taken out; the threads put them in again when they go on here. */
int ckpt_take_pending(struct ckpt_job *job)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	struct ckpt_parked *main = NULL;
	uint64_t any;
	size_t i;
	int error;

	/* Not earlier: who was slow to leave after an aborted move has given back its own only now. */
	threads->pending_count = 0;
	error = look_for_pending(job, &any);
	for (i = 0; i < threads->count && any && !error; i++) {
		if (!threads->at[i].tid)
			continue;
		if (threads->at[i].tid == (uint32_t)SYS(getpid))
			main = &threads->at[i];
		error = take_queue(job, &threads->at[i], "SigPnd:", false);
	}
	if (!error && main)
		error = take_queue(job, main, "ShdPnd:", true);
	return error;
}
