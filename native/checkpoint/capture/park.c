/*
 * What the threads of the program do to stop and to go on, here or at the destination.
 *
 * The agent signals every thread with signal 33, which glibc keeps for itself, so that no program
 * blocks or ignores it. At most one such signal is under way to a thread (`sent` and `seen`): a
 * second one left pending would meet the old disposition after the thaw. glibc's own use of it
 * (setuid and its like tell all threads) goes to glibc's handler even while ours is installed.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <ucontext.h>

#include "capture.h"

#ifndef PR_GET_TID_ADDRESS
#define PR_GET_TID_ADDRESS 40
#endif
#define ALL_SIGNALS (~0ull)
#define PUT_OFF_ANYWHERE 40
#define MOST_PUT_OFF 100

long ckpt_futex_wait(volatile uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = { timeout_ns / 1000000000u, timeout_ns % 1000000000u };

	return SYS(futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, timeout_ns ? &timeout : NULL);
}

void ckpt_futex_wake(volatile uint32_t *word)
{
	SYS(futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, CKPT_MAX_THREADS);
}

void ckpt_set_word(volatile uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	ckpt_futex_wake(word);
}

uint32_t ckpt_get_word(volatile uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void add_one(volatile uint32_t *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	ckpt_futex_wake(word);
}

bool ckpt_freezing(void)
{
	return ckpt_get_word(&ckpt_engine.freezing);
}

bool ckpt_is_parked(const struct ckpt_parked *thread)
{
	uint32_t state = __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST);

	return state == CKPT_PARKED || state == CKPT_ASKED;
}

/* This thread's entry; NULL while the agent has not found it. */
static struct ckpt_parked *own_entry(void)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	uint32_t tid = SYS(gettid);
	size_t i;

	for (i = 0; threads && i < __atomic_load_n(&threads->count, __ATOMIC_SEQ_CST); i++)
		if (ckpt_get_word(&threads->at[i].tid) == tid)
			return &threads->at[i];
	return NULL;
}

/* ------------------------------------------------------------------ describing */

static void describe_schedule(struct ckpt_parked *thread)
{
	struct sched_param parameters = { 0 };
	long n = SYS(sched_getaffinity, 0, sizeof(thread->affinity), thread->affinity);

	thread->affinity_size = n > 0 ? n : 0;
	n = SYS(sched_getscheduler, 0);
	thread->policy = n > 0 ? n : SCHED_OTHER;
	SYS(sched_getparam, 0, &parameters);
	thread->priority = parameters.sched_priority;
	thread->niceness = 20 - SYS(getpriority, PRIO_PROCESS, 0);
}

static void describe_thread(struct ckpt_parked *thread, uint64_t mask)
{
	uint64_t size = 0;

	thread->mask = mask;
	SYS(arch_prctl, ARCH_GET_FS, &thread->tls);
	SYS(arch_prctl, ARCH_GET_GS, &thread->gs);
	SYS(prctl, PR_GET_TID_ADDRESS, &thread->tid_address);
	SYS(get_robust_list, 0, &thread->robust_list, &size);
	thread->robust_list_size = size;
	SYS(sigaltstack, 0, &thread->altstack);
	thread->death_signal = 0;
	SYS(prctl, PR_GET_PDEATHSIG, &thread->death_signal);
	thread->no_new_privileges = SYS(prctl, PR_GET_NO_NEW_PRIVS) == 1;
	thread->timer_slack = SYS(prctl, PR_GET_TIMERSLACK);
	SYS(prctl, PR_GET_NAME, thread->name);
	describe_schedule(thread);
}

/* ------------------------------------------------------------------ signals that wait */

/* The kernel looks into the thread's own queue first. */
static void take_signal(struct ckpt_parked *thread)
{
	static const struct timespec now;

	memset(thread->info, 0, sizeof(thread->info));
	if (SYS(rt_sigtimedwait, &thread->signals, thread->info, &now, 8) < 0)
		memset(thread->info, 0, sizeof(thread->info));
}

/* What was taken for the image goes back, once: what the kernel made up only its receiver may send. */
static void give_back(uint32_t tid)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	uint32_t pid = SYS(getpid);
	size_t i;
	int signal;

	for (i = 0; i < threads->pending_count; i++) {
		struct ckpt_pending *pending = &threads->pending[i];

		if (pending->tid ? pending->tid != tid : tid != pid)
			continue;
		memcpy(&signal, pending->info, sizeof(signal));
		if (!signal)
			continue;
		if (pending->tid)
			SYS(rt_tgsigqueueinfo, pid, tid, signal, pending->info);
		else
			SYS(rt_sigqueueinfo, pid, signal, pending->info);
		memset(pending->info, 0, sizeof(signal));
	}
}

/* ------------------------------------------------------------------ parking */

static void answer(struct ckpt_parked *thread)
{
	if (thread->task == CKPT_TAKE_SIGNAL)
		take_signal(thread);
	else
		SYS(rt_sigpending, &thread->signals, 8);
	ckpt_set_word(&thread->state, CKPT_PARKED);
	add_one(&ckpt_engine.events);
}

static void wait_to_leave(struct ckpt_parked *thread)
{
	uint32_t state;

	while ((state = ckpt_get_word(&thread->state)) != CKPT_LEAVING) {
		if (state == CKPT_ASKED)
			answer(thread);
		else
			ckpt_futex_wait(&thread->state, state, 0);
	}
	give_back(thread->tid);
	__atomic_store_n(&thread->state, CKPT_RUNNING, __ATOMIC_SEQ_CST);
}

/* The engine's state is a copy of what it was at the source, in the middle of a move. */
static void forget_move(void)
{
	ckpt_engine.work = NULL;
	ckpt_engine.threads = NULL;
	ckpt_engine.frozen = false;
	ckpt_engine.handler_installed = false;
	ckpt_engine.freezing = 0;
	memset(&ckpt_the_job, 0, sizeof(ckpt_the_job));
	ckpt_the_job.stream = -1;
}

/* The main thread makes the process a task again when all others have left the restorer, which
 * client->arrived unmaps; they go on when that is done. */
static void arrive(bool main, uint32_t generation)
{
	uint32_t come;

	if (!main) {
		add_one(&ckpt_engine.come);
		while (ckpt_get_word(&ckpt_engine.generation) == generation)
			ckpt_futex_wait(&ckpt_engine.generation, generation, 0);
		return;
	}
	while ((come = ckpt_get_word(&ckpt_engine.come)) != ckpt_engine.others)
		ckpt_futex_wait(&ckpt_engine.come, come, 0);
	forget_move();
	ckpt_engine.client->arrived(ckpt_engine.client->self, ckpt_engine.handoff);
	ckpt_take_locks();      /* now the daemons know that it runs here: the source lets go of them */
	add_one(&ckpt_engine.generation);
}

/* At the destination nothing but this frame, and ckpt_engine, is left of what was known here. */
static bool park(struct ckpt_parked *thread, void *context)
{
	uint64_t all = ALL_SIGNALS;
	volatile uint64_t mask = 0;
	volatile uint32_t generation = ckpt_get_word(&ckpt_engine.generation);
	volatile bool main = thread->tid == (uint32_t)SYS(getpid);

	SYS(rt_sigprocmask, SIG_SETMASK, &all, &mask, 8);
	if (ckpt_arch_save(&thread->registers)) {
		arrive(main, generation);
		SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
		return true;
	}
	thread->context = (uintptr_t)context;
	describe_thread(thread, mask);
	ckpt_set_word(&thread->state, CKPT_PARKED);
	add_one(&ckpt_engine.events);
	/* The agent may have given up between our look at `freezing` and now. */
	if (!ckpt_freezing())
		ckpt_set_word(&thread->state, CKPT_LEAVING);
	wait_to_leave(thread);
	SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
	return false;
}

bool ckpt_park(void)
{
	struct ckpt_parked *thread;

	if (!ckpt_freezing())
		return false;
	thread = own_entry();
	return thread ? park(thread, NULL) : false;
}

/* ------------------------------------------------------------------ the parking signal */

/* NULL: it is glibc's. */
static struct ckpt_parked *entry_of(const siginfo_t *info)
{
	struct ckpt_threads *threads = ckpt_engine.threads;
	uintptr_t at = (uintptr_t)info->si_value.sival_ptr;

	if (!threads)
		return NULL;
	if (info->si_code == SI_USER && !info->si_pid)
		return own_entry();     /* the kernel had no room for the details */
	if (info->si_code != SI_QUEUE || at < (uintptr_t)threads->at ||
	    at >= (uintptr_t)(threads->at + CKPT_MAX_THREADS))
		return NULL;
	return (struct ckpt_parked *)at;
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	struct kernel_sigaction old;

	memcpy(&old, ckpt_engine.old_action, sizeof(old));
	if (old.handler > 1)
		((void (*)(int, siginfo_t *, void *))old.handler)(signal, info, context);
}

static bool is_number(uint32_t value)
{
	const struct ckpt_threads *threads = ckpt_engine.threads;
	size_t i;

	if (value - threads->lowest > threads->highest - threads->lowest)
		return false;
	for (i = 0; i < threads->count; i++)
		if (threads->at[i].tid == value)
			return true;
	return false;
}

/* A thread that has just read a thread's number, to write it into a lock or to signal that thread,
 * would use the old one at the destination; one that is about to compare the sender of glibc's
 * signals with itself would find another. Such a thread is let go, and signalled again. One that
 * waits in a system call is not: the restorer knows where such waits keep it (owners.c). What merely
 * looks like a number, or is one that the program keeps, must not hold the move up for ever: after some
 * time only code around a system call counts, such as raise() has, and in the end nothing. */
static bool holds_number(struct ckpt_parked *thread, void *context, bool in_call)
{
	if (!ckpt_engine.hold_numbers || in_call || thread->put_off >= MOST_PUT_OFF)
		return false;
	if (thread->put_off >= PUT_OFF_ANYWHERE && !ckpt_arch_near_call(context))
		return false;
	if (!ckpt_arch_holds(context, is_number) && !ckpt_arch_checks_sender(context, SYS(getpid)))
		return false;
	thread->put_off++;
	return true;
}

void ckpt_on_park_signal(int signal, siginfo_t *info, void *context)
{
	struct ckpt_parked *thread = entry_of(info);
	bool in_call;

	if (!thread) {
		pass_on(signal, info, context);
		return;
	}
	__atomic_fetch_add(&thread->seen, 1, __ATOMIC_SEQ_CST);
	if (!ckpt_engine.client->may_park(ckpt_engine.client->self))
		return;         /* the library sees EINTR and parks itself */
	/* Also when nobody wants it to stop any more: the program must not see the signal. */
	in_call = ckpt_arch_restart_call(context, &thread->call);
	if (!ckpt_freezing())
		return;
	if (holds_number(thread, context, in_call))
		add_one(&ckpt_engine.events);
	else
		park(thread, context);
}
