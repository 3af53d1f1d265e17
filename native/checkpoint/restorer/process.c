/* Attributes, signal handlers, timers; and the last steps, after which the restorer is the task. */
#include "restorer.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS 77
#endif

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

void set_action(const mpvm_image_SignalAction *message)
{
	struct kernel_sigaction action = { message->handler, message->flags, message->restorer,
					   message->mask };
	long error = SYS(rt_sigaction, message->signal, &action, NULL, 8);

	if (error)
		give_up("RESTORER_FAILED", "rt_sigaction(%u): %e", message->signal, error);
}

/* Limits that this user may not have back stay as near as they can be. */
void set_limits(void)
{
	struct rlimit64 limit, now;
	size_t i;

	for (i = 0; i < restorer.process.limits_count; i++) {
		const mpvm_image_Limit *wanted = &restorer.process.limits[i];

		limit = (struct rlimit64){ wanted->soft, wanted->hard };
		if (SYS(prlimit64, 0, wanted->resource, &limit, NULL) == 0 ||
		    SYS(prlimit64, 0, wanted->resource, NULL, &now))
			continue;
		limit.rlim_max = now.rlim_max;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		SYS(prlimit64, 0, wanted->resource, &limit, NULL);
	}
}

/* What /proc shows of the process, and where brk goes on. The link "exe" needs a privilege, and
 * that the restorer's file be mapped no more: see leave_file. */
static void set_memory_map(void)
{
	const mpvm_image_Process *process = &restorer.process;
	struct prctl_mm_map map = {
		.start_code = process->start_code, .end_code = process->end_code,
		.start_data = process->start_data, .end_data = process->end_data,
		.start_brk = process->start_brk, .brk = process->brk,
		.start_stack = process->start_stack,
		.arg_start = process->arg_start, .arg_end = process->arg_end,
		.env_start = process->env_start, .env_end = process->env_end,
		.auxv = (void *)process->auxv.bytes, .auxv_size = process->auxv.size,
	};
	long exe = SYS(openat, AT_FDCWD, process->executable, O_RDONLY | O_CLOEXEC), error;

	map.exe_fd = exe < 0 ? -1u : (uint32_t)exe;
	error = SYS(prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map));
	if (error && exe >= 0) {
		map.exe_fd = -1;
		error = SYS(prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map));
	}
	if (exe >= 0)
		SYS(close, exe);
	if (error)
		give_up("RESTORER_FAILED", "PR_SET_MM_MAP: %e", error);
}

/* Our own code and data become plain memory, so that nothing of the file stays mapped. The copy
 * replaces what runs here in one step, with the same content. */
static void leave_segment(uintptr_t start, uintptr_t end, int protection)
{
	size_t length = end - start;
	long copy = SYS(mmap, ZONE_START + ZONE_LENGTH / 2, length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (copy < 0 && copy > -4096)
		return;
	memcpy((void *)copy, (void *)start, length);
	SYS(mprotect, copy, length, protection);
	SYS(mremap, copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, start);
}

static void leave_file(void)
{
	size_t i;

	for (i = 0; i < restorer.segment_count; i++)
		leave_segment(restorer.segments[i].start, restorer.segments[i].end,
			      restorer.segments[i].protection);
}

void set_attributes(void)
{
	const mpvm_image_Process *process = &restorer.process;
	long error;

	leave_file();
	set_memory_map();
	error = SYS(chdir, process->directory);
	if (error)
		give_up("FILE_UNREACHABLE", "chdir %s: %e", process->directory, error);
	SYS(umask, process->umask);
	SYS(personality, process->personality);
	SYS(prctl, PR_SET_DUMPABLE, process->dumpable == 1);
	SYS(prctl, PR_SET_CHILD_SUBREAPER, process->subreaper, 0, 0, 0);
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ ns / 1000000000u, ns % 1000000000u };
}

static void arm_interval(const mpvm_image_Timer *timer)
{
	struct itimerval value = {
		{ timer->interval_ns / 1000000000u, timer->interval_ns % 1000000000u / 1000 },
		{ timer->value_ns / 1000000000u, timer->value_ns % 1000000000u / 1000 },
	};

	if (timer->value_ns && !value.it_value.tv_sec && !value.it_value.tv_usec)
		value.it_value.tv_usec = 1;
	SYS(setitimer, timer->kind, &value, NULL);
}

/* The kernel gives ids in a row: asked for by number where it knows how, else made and unmade. */
static bool create_timer(const mpvm_image_Timer *timer, struct sigevent *event)
{
	int id = timer->id, tries;
	bool exact = SYS(prctl, PR_TIMER_CREATE_RESTORE_IDS, 1) == 0;
	long error = -EINVAL;

	for (tries = 0; tries < 65536; tries++) {
		if (exact)
			id = timer->id;
		error = SYS(timer_create, timer->clock, event, &id);
		if (error || id == (int)timer->id || exact)
			break;
		SYS(timer_delete, id);
	}
	if (exact)
		SYS(prctl, PR_TIMER_CREATE_RESTORE_IDS, 0);
	return !error && id == (int)timer->id;
}

static void arm_posix(const mpvm_image_Timer *timer)
{
	struct sigevent event = { .sigev_signo = timer->signal, .sigev_notify = timer->notify };
	struct itimerspec value = { to_timespec(timer->interval_ns), to_timespec(timer->value_ns) };
	const struct thread *thread = thread_of(timer->tid);

	event.sigev_value.sival_ptr = (void *)timer->sigev_value;
	if (timer->notify == SIGEV_THREAD_ID)
		event._sigev_un._tid = thread ? thread->tid : (uint32_t)SYS(gettid);
	if (create_timer(timer, &event))
		SYS(timer_settime, timer->id, 0, &value, NULL);
}

static void write_handoff(void)
{
	struct ckpt_handoff *handoff = (struct ckpt_handoff *)restorer.handoff;

	if (!handoff)
		return;
	handoff->zone_start = ZONE_START;
	handoff->zone_length = ZONE_LENGTH;
	handoff->daemon_fd = restorer.daemon;
	handoff->epoch = restorer.epoch;
	handoff->resumed_at_us = ckpt_clock_ns(CLOCK_REALTIME) / 1000;
	handoff->place_length = restorer.place_length;
	memcpy(handoff->place, restorer.place, restorer.place_length);
}

void become_task(void)
{
	size_t i;

	install_link();
	set_thread(restorer.main_thread);
	for (i = 0; i < restorer.timer_count; i++) {
		if (restorer.timers[i].kind == mpvm_image_Timer_Kind_POSIX)
			arm_posix(&restorer.timers[i]);
		else
			arm_interval(&restorer.timers[i]);
	}
	SYS(prctl, PR_SET_THP_DISABLE, restorer.process.no_huge_pages, 0, 0, 0);
	if (restorer.process.locks_future)
		SYS(mlockall, MCL_FUTURE);
	write_handoff();
	fault(CKPT_FAULT_RESTORER_JUMP);
	/* Whoever finds the process dead and the seal in place knows that the task never ran here. */
	if (restorer.seal[0])
		SYS(unlink, restorer.seal);
	let_threads_go();
	leave(restorer.main_thread);
}
