/* agent.c: the agent's life and its duties. */
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>

#include "../plane/shm/inbox.h"
#include "../sys/arch/x86_64/clone.h"
#include "agent.h"

#define STACK (256UL << 10)
#define TICK_NS 10000000
#define ALL_SIGNALS (~0UL)

static void set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void pvmi_agent_wake(struct pvmi_agent *agent)
{
	static const uint64_t one = 1;

	__atomic_fetch_add(&agent->bell, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&agent->bell, 1);
	if ((get(&agent->duty) == PVMI_DUTY_ON || get(&agent->duty) == PVMI_DUTY_MOVING) && agent->kick.fd >= 0)
		sys_write(agent->kick.fd, &one, sizeof(one));
}

/* ------------------------------------------------------------------ the program's side */

void pvmi_agent_relieve(void)
{
	struct pvmi_agent *agent = pvmi->agent;

	pvmi_inbox_set_asleep(false);
	if (!agent || agent->kicked || get(&agent->duty) != PVMI_DUTY_ON)
		return;
	agent->kicked = 1;
	pvmi_agent_wake(agent);
}

void pvmi_agent_program_sleeps(void)
{
	if (!pvmi->agent)
		return;
	set(&pvmi->agent->sleeps, pvmi->agent->sleeps + 1);
	set(&pvmi->agent->program_sleeps, 1);
}

void pvmi_agent_program_awake(void)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent)
		return;
	set(&agent->program_sleeps, 0);
	if (get(&agent->duty) == PVMI_DUTY_DEEP)
		pvmi_agent_wake(agent);
}

/* ------------------------------------------------------------------ duties */

static bool is_wanted(const struct pvmi_agent *agent)
{
	return get(&agent->stop) || get(&agent->start_asked);
}

static enum pvmi_duty next_duty(struct pvmi_agent *agent, enum pvmi_duty otherwise)
{
	if (get(&agent->stop))
		return PVMI_DUTY_ENDED;
	return get(&agent->start_asked) ? PVMI_DUTY_MOVING : otherwise;
}

static enum pvmi_duty do_off(struct pvmi_agent *agent)
{
	static const struct timespec tick = { 0, TICK_NS };
	uint32_t seen = get(&agent->bell), calls = pvmi_guard.calls;

	if (!is_wanted(agent))
		sys_futex_wait(&agent->bell, seen, &tick);
	if (is_wanted(agent))
		return next_duty(agent, PVMI_DUTY_OFF);
	if (get(&agent->program_sleeps))
		return PVMI_DUTY_DEEP;
	return pvmi_guard.calls == calls && !get(&pvmi_guard.inside) ? PVMI_DUTY_ON : PVMI_DUTY_OFF;
}

static enum pvmi_duty do_deep(struct pvmi_agent *agent)
{
	uint32_t seen = get(&agent->bell);

	if (get(&agent->program_sleeps) && !is_wanted(agent))
		sys_futex_wait(&agent->bell, seen, NULL);
	return next_duty(agent, get(&agent->program_sleeps) ? PVMI_DUTY_DEEP : PVMI_DUTY_OFF);
}

/* As much as may be taken in goes, then the doorbell is put where we hear it. Owner. False: relieved. */
static bool work(struct pvmi_agent *agent, int64_t *due)
{
	struct pvmi_plane *plane = pvmi->plane;

	plane->counts.agent_turns++;
	if (agent->kicked)
		return false;
	pvmi_inbox_set_asleep(true);
	if (!pvmi_plane_intake_full())
		pvmi_plane_take();
	pvmi_plane_service(PVMI_AGENT);
	pvmi_plane_settle();
	*due = plane->next_timer;
	return true;
}

static void drain_kick(struct pvmi_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	sys_read(watch->fd, &count, sizeof(count));
}

/* More has come than the agent may take in: only the daemon and the program can wake it now. */
static void sleep_full(struct pvmi_agent *agent, const struct timespec *timeout)
{
	struct { int fd; short events, revents; } fds[2] = {
		{ agent->kick.fd, 1, 0 }, { pvmi->plane->link.fd, 1, 0 },
	};

	pvmi_syscall6(SYS_ppoll, (long)fds, 2, (long)timeout, 0, 0, 0);
}

static void sleep_on(struct pvmi_agent *agent, int64_t due, bool full)
{
	struct timespec timeout = { 3600, 0 };
	struct epoll_event event;
	int64_t left;

	if (due) {
		left = due - sys_now_ns();
		if (left < 0)
			left = 0;
		timeout.tv_sec = left / 1000000000;
		timeout.tv_nsec = left % 1000000000;
	}
	if (full)
		sleep_full(agent, &timeout);
	else
		pvmi_watch_sleep(PVMI_AGENT, &event, 1, &timeout);
}

static enum pvmi_duty do_on(struct pvmi_agent *agent)
{
	enum pvmi_duty next = PVMI_DUTY_ON;
	int64_t due = 0;
	bool full;

	if (!pvmi_guard_try())
		return next_duty(agent, PVMI_DUTY_OFF);
	if (get(&agent->program_sleeps)) {
		/* It went straight from computing to sleeping: what comes wakes it, and must be left to it. */
		next = PVMI_DUTY_DEEP;
	} else if (!work(agent, &due)) {
		drain_kick(&agent->kick, 0);
		agent->kicked = 0;
		next = PVMI_DUTY_OFF;
	}
	full = pvmi_plane_intake_full();
	/* From here on whoever wants us writes to the kick descriptor, or has done so. */
	pvmi_guard_release();
	if (next == PVMI_DUTY_ON && !is_wanted(agent) && !pvmi_inbox_has_news())
		sleep_on(agent, due, full);
	else if (next == PVMI_DUTY_ON && full && !is_wanted(agent))
		sleep_on(agent, due, full);
	return next_duty(agent, next);
}

static enum pvmi_duty do_move(struct pvmi_agent *agent)
{
	pvmi_agent_move(agent);
	return next_duty(agent, PVMI_DUTY_OFF);
}

static enum pvmi_duty (*const duties[PVMI_DUTIES])(struct pvmi_agent *) = {
	[PVMI_DUTY_OFF] = do_off,
	[PVMI_DUTY_ON] = do_on,
	[PVMI_DUTY_DEEP] = do_deep,
	[PVMI_DUTY_MOVING] = do_move,
};

static void run(void *argument)
{
	struct pvmi_agent *agent = argument;
	enum pvmi_duty duty = PVMI_DUTY_OFF, next;

	pvmi_syscall3(SYS_prctl, PR_SET_NAME, (long)"mpvm-agent", 0);
	pvmi_guard_hear_barriers();     /* here, for the program should not wait for it */
	while (duty != PVMI_DUTY_ENDED) {
		next = duties[duty](agent);
		if (next != duty) {
			pvmi_trace(DUTY, duty, next);
			set(&agent->duty, next);
		}
		duty = next;
	}
}

/* ------------------------------------------------------------------ life */

int pvmi_agent_make_kick(struct pvmi_agent *agent)
{
	long fd = sys_eventfd(0, O_CLOEXEC | O_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &agent->kick };

	if (fd < 0)
		return (int)fd;
	agent->kick.fd = (int)fd;
	agent->kick.ready = drain_kick;
	pvmi_own_fd((int)fd);
	return (int)sys_epoll_ctl(pvmi->plane->epoll[PVMI_AGENT], EPOLL_CTL_ADD, (int)fd, &event);
}

/* Signals stay with the program's threads: the agent is born with all of them blocked. */
static long spawn(struct pvmi_agent *agent)
{
	unsigned long all = ALL_SIGNALS, old = 0;
	long thread;

	pvmi_syscall6(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)&all, (long)&old, 8, 0, 0);
	thread = pvmi_clone_thread(run, agent, agent->stack + STACK, &agent->thread);
	pvmi_syscall6(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&old, 0, 8, 0, 0);
	return thread;
}

/* MPVM_AGENT=off: a task that cannot be moved, and takes nothing in while it computes. For
 * measurements of what the agent costs. */
static bool is_unwanted(void)
{
	const char *setting = getenv("MPVM_AGENT");

	return setting && !strcmp(setting, "off");
}

int pvmi_agent_start(void)
{
	struct pvmi_agent *agent;
	void *stack;
	long result;

	if (is_unwanted()) {
		pvmi_guard_hear_barriers();
		return 0;
	}
	agent = pvmi_alloc(sizeof(*agent));
	if (!agent)
		return -ENOMEM;
	pvmi_agent_prepare();
	agent->kick.fd = -1;
	stack = sys_mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (sys_mmap_failed(stack)) {
		pvmi_free(agent);
		return -ENOMEM;
	}
	agent->stack = stack;
	agent->stack_area = pvmi_area_add(PVMI_AREA_SCRATCH, stack, STACK, NULL);
	pvmi->agent = agent;
	result = pvmi_agent_make_kick(agent);
	if (result >= 0)
		result = spawn(agent);
	if (result < 0) {
		pvmi->agent = NULL;
		pvmi_area_remove(agent->stack_area);
		sys_munmap(stack, STACK);
		pvmi_free(agent);
		return (int)result;
	}
	return 0;
}

void pvmi_agent_stop(void)
{
	struct pvmi_agent *agent = pvmi->agent;
	int32_t thread;

	if (!agent)
		return;
	set(&agent->stop, 1);
	set(&agent->aborted, 1);
	pvmi_guard_pause();             /* it may be waiting for us, to give up a move */
	while ((thread = __atomic_load_n(&agent->thread, __ATOMIC_SEQ_CST))) {
		static const struct timespec again = { 0, 1000000 };

		pvmi_agent_wake(agent);
		/* The kernel's wake at a thread's end is not a private one. */
		pvmi_syscall6(SYS_futex, (long)&agent->thread, FUTEX_WAIT, thread, (long)&again, 0, 0);
	}
	pvmi_guard_resume();
	pvmi_area_remove(agent->stack_area);
	sys_munmap(agent->stack, STACK);
	if (agent->kick.fd >= 0) {
		pvmi_disown_fd(agent->kick.fd);
		sys_close(agent->kick.fd);
	}
	pvmi->agent = NULL;
	pvmi_free(agent);
}

void pvmi_agent_forked(void)
{
	pvmi->agent = NULL;             /* its thread is not in the child */
}
