/*
 * The task's threads. They are made while the move can still fail, wait in the zone for the word,
 * and then leave the restorer's code one by one, the main thread among them: what they come back to
 * is ckpt_park, where all wait until the main thread has unmapped the zone.
 */
#include "restorer.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define RSEQ_SIGNATURE 0x53053053u      /* glibc's on x86-64 */
#define ALL_THREADS 0x7fffffff
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
		      CLONE_SYSVSEM | CLONE_PARENT_SETTID)

static uint32_t word_to_go;

void add_thread(const mpvm_image_Thread *message)
{
	struct thread *thread = &restorer.threads[restorer.thread_count];

	if (restorer.thread_count == MAX_THREADS)
		give_up("IMAGE_TOO_LARGE", "more than %d threads", MAX_THREADS);
	if (!message->tid || message->saved_count != CKPT_SAVED)
		give_up("IMAGE_INVALID", "thread %u is not complete", message->tid);
	if (message->main && restorer.main_thread)
		give_up("IMAGE_INVALID", "two main threads");
	if (message->main)
		restorer.main_thread = thread;
	thread->wanted = *message;
	restorer.thread_count++;
}

static void set_schedule(const mpvm_image_Thread *wanted)
{
	struct sched_param parameters = { .sched_priority = wanted->priority };

	/* All of it as far as this user may, and this machine has it. */
	SYS(setpriority, PRIO_PROCESS, 0, wanted->niceness);
	if (wanted->policy)
		SYS(sched_setscheduler, 0, wanted->policy, &parameters);
	if (wanted->affinity.size)
		SYS(sched_setaffinity, 0, wanted->affinity.size, wanted->affinity.bytes);
	SYS(prctl, PR_SET_TIMERSLACK, wanted->timer_slack_ns);
}

/* Signals that the process has sent to itself carry its number, and glibc looks at it. */
static void renumber_sender(uint8_t *bytes)
{
	siginfo_t info;

	memcpy(&info, bytes, sizeof(info));
	if ((info.si_code != SI_USER && info.si_code != SI_QUEUE && info.si_code != SI_TKILL) ||
	    (uint32_t)info.si_pid != restorer.main_thread->wanted.tid)
		return;
	info.si_pid = restorer.main_thread->tid;
	memcpy(bytes, &info, sizeof(info));
}

/* What was made for a certain thread is sent by itself: else the kernel lets nobody say that it
 * came from the kernel. */
static void give_pending(const struct thread *thread)
{
	size_t i;

	for (i = 0; i < restorer.pending_count; i++) {
		mpvm_image_PendingSignal *pending = &restorer.pending[i];

		if (pending->shared ? !thread->wanted.main : pending->tid != thread->wanted.tid)
			continue;
		renumber_sender(pending->info.bytes);
		if (pending->shared)
			SYS(rt_sigqueueinfo, SYS(getpid), pending->signal, pending->info.bytes);
		else
			SYS(rt_tgsigqueueinfo, SYS(getpid), thread->tid, pending->signal, pending->info.bytes);
	}
}

/* On the thread itself; all signals are blocked. */
void set_thread(const struct thread *thread)
{
	const mpvm_image_Thread *wanted = &thread->wanted;
	stack_t altstack = { (void *)wanted->altstack, wanted->altstack_flags, wanted->altstack_size };

	/* In use (SS_ONSTACK) is for the kernel to find out, by the stack pointer. */
	altstack.ss_flags &= ~SS_ONSTACK;
	SYS(sigaltstack, &altstack, NULL);
	SYS(set_tid_address, wanted->tid_address);
	if (wanted->robust_list)
		SYS(set_robust_list, wanted->robust_list, wanted->robust_list_size);
	if (wanted->rseq)
		SYS(rseq, wanted->rseq, wanted->rseq_size, 0, RSEQ_SIGNATURE);
	SYS(prctl, PR_SET_PDEATHSIG, wanted->parent_death_signal);
	SYS(prctl, PR_SET_NAME, wanted->name);
	if (wanted->no_new_privileges)
		SYS(prctl, PR_SET_NO_NEW_PRIVS, 1);
	set_schedule(wanted);
	give_pending(thread);
}

void leave(struct thread *thread)
{
	const mpvm_image_Thread *wanted = &thread->wanted;
	size_t i;

	for (i = 0; i < CKPT_SAVED; i++)
		thread->registers.saved[i] = wanted->saved[i];
	thread->registers.sp = wanted->sp;
	thread->registers.ip = wanted->ip;
	if (wanted->gs)
		SYS(arch_prctl, ARCH_SET_GS, wanted->gs);
	SYS(arch_prctl, ARCH_SET_FS, wanted->tls);
	ckpt_arch_resume(&thread->registers);
}

static void run(void *self)
{
	struct thread *thread = self;

	while (!__atomic_load_n(&word_to_go, __ATOMIC_SEQ_CST))
		SYS(futex, &word_to_go, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL);
	set_thread(thread);
	leave(thread);
}

void create_threads(void)
{
	uint8_t *stacks;
	size_t i;
	long error;

	restorer.main_thread->tid = SYS(gettid);
	if (restorer.thread_count == 1)
		return;
	error = SYS(mmap, ZONE_STACKS, restorer.thread_count * THREAD_STACK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (error != (long)ZONE_STACKS)
		give_up("NO_MEMORY", "stacks for %lu threads: %e", restorer.thread_count, error);
	stacks = (uint8_t *)ZONE_STACKS;
	for (i = 0; i < restorer.thread_count; i++) {
		struct thread *thread = &restorer.threads[i];

		if (thread == restorer.main_thread)
			continue;
		error = ckpt_arch_clone(THREAD_FLAGS, stacks + (i + 1) * THREAD_STACK, &thread->tid, run, thread);
		if (error < 0)
			give_up("NO_THREADS", "thread %lu of %lu: %e", i + 1, restorer.thread_count, error);
	}
}

void let_threads_go(void)
{
	__atomic_store_n(&word_to_go, 1, __ATOMIC_SEQ_CST);
	SYS(futex, &word_to_go, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, ALL_THREADS);
}

const struct thread *thread_of(uint32_t old)
{
	size_t i;

	for (i = 0; i < restorer.thread_count; i++)
		if (restorer.threads[i].wanted.tid == old)
			return &restorer.threads[i];
	return NULL;
}
