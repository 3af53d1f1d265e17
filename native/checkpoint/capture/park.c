/*
 * Stopping the program and letting it go.
 *
 * The agent signals the thread with signal 33, which glibc keeps for itself, so that no program
 * blocks or ignores it. At most one such signal is ever under way (`sent` and `seen`): a second one
 * left pending would meet the old disposition after the thaw.
 *
 *   parked   who sets it                 meaning
 *   0        the thread                  runs
 *   1        the thread                  parked; its registers and attributes are in `thread`
 *   2        the agent                   asks for the pending signals (only the thread can take its own)
 *   3        the thread                  they are in `thread`; still parked
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "capture.h"

#ifndef PR_GET_TID_ADDRESS
#define PR_GET_TID_ADDRESS 40
#endif
#define SA_HAS_RESTORER 0x04000000ul
#define ALL_SIGNALS (~0ull)
#define SIGNAL_BIT(n) (1ull << ((n) - 1))
#define RESIGNAL_NS 1000000u

enum { RUNNING = 0, PARKED = 1, ASKED = 2, GAVE = 3 };

long ckpt_futex_wait(volatile uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = { timeout_ns / 1000000000u, timeout_ns % 1000000000u };

	return SYS(futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, timeout_ns ? &timeout : NULL);
}

void ckpt_futex_wake(volatile uint32_t *word)
{
	SYS(futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 64);
}

static void set_word(volatile uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	ckpt_futex_wake(word);
}

static uint32_t get_word(volatile uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

bool ckpt_freezing(void)
{
	return get_word(&ckpt_engine.freezing);
}

/* ------------------------------------------------------------------ on the thread that stops */

static void describe_thread(struct ckpt_parked *thread, uint64_t mask)
{
	uint64_t size = 0;

	thread->tid = SYS(gettid);
	thread->mask = mask;
	SYS(arch_prctl, ARCH_GET_FS, &thread->tls);
	SYS(prctl, PR_GET_TID_ADDRESS, &thread->tid_address);
	SYS(get_robust_list, 0, &thread->robust_list, &size);
	thread->robust_list_size = size;
	SYS(sigaltstack, 0, &thread->altstack);
	thread->niceness = 20 - SYS(getpriority, PRIO_PROCESS, 0);
	thread->death_signal = 0;
	SYS(prctl, PR_GET_PDEATHSIG, &thread->death_signal);
	thread->timer_slack = SYS(prctl, PR_GET_TIMERSLACK);
	SYS(prctl, PR_GET_NAME, thread->name);
	thread->pending_count = 0;
}

/* Signals that arrive while the thread is parked stay pending. To send them along they have to be
 * taken out; give_back puts them in again when the program goes on here. */
static void take_pending(struct ckpt_parked *thread)
{
	static const struct timespec now;
	/* Not those that cannot be caught, nor glibc's two. */
	uint64_t wanted = ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(32) | SIGNAL_BIT(33));
	uint64_t pending = 0;

	while (thread->pending_count < CKPT_MAX_PENDING) {
		/* The kernel looks into the thread's own queue first. */
		SYS(rt_sigpending, &pending, 8);
		if (!(pending & wanted))
			break;
		memset(thread->pending[thread->pending_count].info, 0, 128);
		if (SYS(rt_sigtimedwait, &wanted, thread->pending[thread->pending_count].info, &now, 8) < 0)
			break;
		thread->pending[thread->pending_count].shared = true;
		thread->pending_count++;
	}
}

static void give_back(const struct ckpt_parked *thread)
{
	uint32_t i;
	int signal;

	for (i = 0; i < thread->pending_count; i++) {
		memcpy(&signal, thread->pending[i].info, sizeof(signal));
		SYS(rt_sigqueueinfo, SYS(getpid), signal, thread->pending[i].info);
	}
}

/* The engine's state is a copy of what it was at the source, in the middle of a move. */
static void forget_move(void)
{
	ckpt_engine.work = NULL;
	ckpt_engine.frozen = false;
	ckpt_engine.handler_installed = false;
	ckpt_engine.sent = ckpt_engine.seen = 0;
	ckpt_engine.parked = RUNNING;
	ckpt_engine.freezing = 0;
	memset(&ckpt_the_job, 0, sizeof(ckpt_the_job));
	ckpt_the_job.stream = -1;
}

static void wait_for_thaw(struct ckpt_parked *thread)
{
	uint32_t state;

	while ((state = get_word(&ckpt_engine.parked)) != RUNNING) {
		if (state == ASKED) {
			take_pending(thread);
			set_word(&ckpt_engine.parked, GAVE);
			continue;
		}
		ckpt_futex_wait(&ckpt_engine.parked, state, 0);
	}
}

bool ckpt_park(void)
{
	struct ckpt_parked *thread = &ckpt_engine.thread;
	uint64_t all = ALL_SIGNALS;
	volatile uint64_t mask = 0;

	if (!ckpt_freezing())
		return false;
	SYS(rt_sigprocmask, SIG_SETMASK, &all, &mask, 8);
	if (get_word(&ckpt_engine.tid) != (uint32_t)SYS(gettid)) {
		SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
		return false;
	}
	if (ckpt_arch_save(&thread->registers)) {
		forget_move();
		ckpt_engine.client->arrived(ckpt_engine.client->self, ckpt_engine.handoff);
		SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
		return true;
	}
	describe_thread(thread, mask);
	set_word(&ckpt_engine.parked, PARKED);
	/* The agent may have given up between our look at `freezing` and now. */
	if (!ckpt_freezing())
		set_word(&ckpt_engine.parked, RUNNING);
	wait_for_thaw(thread);
	give_back(thread);
	SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
	return false;
}

static void on_park_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	if (get_word(&ckpt_engine.tid) != (uint32_t)SYS(gettid))
		return;
	__atomic_fetch_add(&ckpt_engine.seen, 1, __ATOMIC_SEQ_CST);
	if (!ckpt_freezing())
		return;
	if (!ckpt_engine.client->may_park(ckpt_engine.client->self))
		return;         /* the library sees EINTR and parks itself */
	ckpt_arch_restart_call(context, &ckpt_engine.call);
	ckpt_park();
}

/* ------------------------------------------------------------------ on the agent */

int ckpt_find_thread(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long fd = SYS(openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, at;
	uint32_t own = SYS(gettid), found = 0, count = 0;

	if (fd < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/task: %e", fd);
	while ((n = SYS(getdents64, fd, work->read_buffer, sizeof(work->read_buffer))) > 0) {
		for (at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(work->read_buffer + at);
			const char *name = entry->d_name;
			uint32_t tid = ckpt_parse(&name, 10);

			at += entry->d_reclen;
			if (!tid || tid == own)
				continue;
			found = tid;
			count++;
		}
	}
	SYS(close, fd);
	if (count != 1)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "the process has %u threads of its own; only "
				 "single-threaded tasks can move in this version", count);
	if (found != (uint32_t)SYS(getpid))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "the main thread has ended");
	ckpt_engine.tid = found;
	return 0;
}

/* What the thread is doing just now: "NR 0xARGS... 0xSP 0xPC", "-1 0xSP 0xPC" or "running". */
static void look_at_call(void)
{
	struct ckpt_call call = { .number = -1 };
	char path[64], text[256];
	const char *at = text;
	int field;

	ckpt_format(path, sizeof(path), "/proc/self/task/%u/syscall", ckpt_engine.tid);
	if (ckpt_read_file(path, text, sizeof(text)) > 0 && *at >= '0' && *at <= '9') {
		call.number = ckpt_parse(&at, 10);
		for (field = 0; field < 8 && *at == ' '; field++) {
			uint64_t value;

			at += 3;        /* " 0x" */
			value = ckpt_parse(&at, 16);
			if (field == 6)
				call.sp = value;
			else if (field == 7)
				call.ip = value;
		}
	}
	ckpt_engine.call = call;
}

/* Returns from the handler: the kernel needs a function that calls rt_sigreturn. */
__attribute__((naked)) static void return_from_signal(void)
{
	__asm__ volatile("movl $15, %eax\n\tsyscall");
}

static int install_handler(struct ckpt_job *job)
{
	struct kernel_sigaction action = {
		.handler = (uintptr_t)on_park_signal,
		.flags = SA_SIGINFO | SA_RESTART | SA_HAS_RESTORER,
		.restorer = (uintptr_t)return_from_signal,
		.mask = ALL_SIGNALS,
	}, old;
	long error;

	if (ckpt_engine.handler_installed)
		return 0;
	error = SYS(rt_sigaction, CKPT_PARK_SIGNAL, &action, &old, 8);
	if (error)
		return ckpt_fail(job, CKPT_E_SYSTEM, "rt_sigaction(33): %e", error);
	memcpy(ckpt_engine.old_action, &old, sizeof(old));
	ckpt_engine.handler_installed = true;
	return 0;
}

/* Only when no parking signal is under way; a stopped process keeps the handler, which is harmless. */
static void remove_handler(void)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 1000000000u;

	if (!ckpt_engine.handler_installed)
		return;
	while (get_word(&ckpt_engine.seen) != ckpt_engine.sent) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return;
		ckpt_futex_wait(&ckpt_engine.seen, get_word(&ckpt_engine.seen), RESIGNAL_NS);
	}
	SYS(rt_sigaction, CKPT_PARK_SIGNAL, ckpt_engine.old_action, NULL, 8);
	ckpt_engine.handler_installed = false;
}

void ckpt_let_go(void)
{
	set_word(&ckpt_engine.freezing, 0);
	set_word(&ckpt_engine.parked, RUNNING);
	remove_handler();
	ckpt_engine.frozen = false;
}

int ckpt_stop(struct ckpt_job *job, uint32_t timeout_ms)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ull;
	int error = install_handler(job);

	if (error)
		return error;
	set_word(&ckpt_engine.freezing, 1);
	while (get_word(&ckpt_engine.parked) != PARKED) {
		if (job->abort) {
			ckpt_let_go();
			return ckpt_fail(job, CKPT_E_ABORTED, "aborted while stopping the program");
		}
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline) {
			ckpt_let_go();
			return ckpt_fail(job, CKPT_E_FREEZE, "thread %u did not stop within %u ms",
					 ckpt_engine.tid, timeout_ms);
		}
		if (get_word(&ckpt_engine.seen) == ckpt_engine.sent) {
			look_at_call();
			ckpt_engine.sent++;
			if (SYS(tgkill, SYS(getpid), ckpt_engine.tid, CKPT_PARK_SIGNAL))
				ckpt_engine.sent--;
		}
		ckpt_futex_wait(&ckpt_engine.parked, RUNNING, RESIGNAL_NS);
	}
	ckpt_engine.frozen = true;
	return 0;
}

static int look_around(struct ckpt_job *job)
{
	int error = ckpt_find_thread(job);      /* it may have made another one meanwhile */

	if (error)
		return error;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_FROZEN);
	return 0;
}

int ckpt_freeze(struct ckpt_job *job, uint32_t timeout_ms)
{
	int error;

	CKPT_FAULT(job, CKPT_FAULT_AGENT_FREEZE);
	error = ckpt_stop(job, timeout_ms);
	if (error)
		return error;
	job->frozen_at_us = ckpt_clock_ns(CLOCK_REALTIME) / 1000;
	error = look_around(job);
	if (error)
		ckpt_let_go();
	return error;
}

int ckpt_take_pending(struct ckpt_job *job)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 1000000000u;

	set_word(&ckpt_engine.parked, ASKED);
	while (get_word(&ckpt_engine.parked) != GAVE) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return ckpt_fail(job, CKPT_E_FREEZE, "the parked thread does not answer");
		ckpt_futex_wait(&ckpt_engine.parked, ASKED, RESIGNAL_NS);
	}
	return 0;
}

void ckpt_thaw(struct ckpt_job *job)
{
	if (!ckpt_engine.frozen)
		return;
	ckpt_fault(job, CKPT_FAULT_AGENT_THAW);
	ckpt_let_go();
}
