/*
 * move.c: a move as the task itself sees it.
 *
 * Until the image is complete (END has been sent) the task may give up by itself and run on. From
 * then on only the daemon knows the outcome: the task stays frozen until it hears "committed" or
 * "abort", however long that takes.
 */
#include <string.h>

#include "../../../native/checkpoint/include/ckpt.h"
#include "../../../native/checkpoint/include/ckpt_job.h"
#include "../group/groups.h"
#include "../message/swap.h"
#include "../plane/shm/inbox.h"
#include "../plane/shm/lender.h"
#include "agent.h"

#define FREEZE_TIMEOUT_MS 5000
#define FLUSH_NS 2000000000LL
#define GRANT_NS 60000000000LL
#define TURN_NS 5000000
#define LULL_NS 10000000
#define LULL_LOOK_NS 200000

enum phase { CONNECTING, COPYING, FREEZING, FROZEN, SENT };     /* mpvm.task.Phase */

enum step {             /* of a move, in the trace */
	STEP_START = 1, STEP_OPEN, STEP_ROUND, STEP_REQUEST, STEP_GRANT, STEP_FREEZE, STEP_QUIET, STEP_SENT,
	STEP_ARRIVED, STEP_FAILED, STEP_ABORT, STEP_COMMIT, STEP_THAWED, STEP_LET_GO,
};

/* The restorer writes here before the task goes on at its new node. */
static struct ckpt_handoff handoff;

static uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static bool is_given_up(void)
{
	return get(&pvmi->agent->stop) || get(&pvmi->agent->aborted);
}

/* ------------------------------------------------------------------ told by whoever reads the link */

void pvmi_agent_migration_start(const struct pvmi_migration_start *start)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent) {
		pvmi_link_migration_failed(start->id, "CAPTURE_FAILED", "the task runs without an agent (MPVM_AGENT=off)");
		return;
	}
	if (get(&agent->start_asked)) {
		pvmi_link_migration_failed(start->id, "TASK_MOVING", "the task is being moved already");
		return;
	}
	agent->start = *start;
	agent->granted = agent->aborted = agent->committed = 0;
	__atomic_store_n(&agent->start_asked, 1, __ATOMIC_SEQ_CST);
	pvmi_agent_wake(agent);
}

static void tell(uint32_t *flag, const char *id)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent || !get(&agent->start_asked) || strcmp(agent->start.id, id))
		return;
	__atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
	pvmi_agent_wake(agent);
}

void pvmi_agent_freeze_granted(const char *id)
{
	if (pvmi->agent)
		tell(&pvmi->agent->granted, id);
}

void pvmi_agent_pace(const char *id, uint64_t bytes_per_second)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent || !get(&agent->start_asked) || strcmp(agent->start.id, id))
		return;
	agent->start.bytes_per_second = bytes_per_second;       /* if the agent has not begun yet */
	__atomic_store_n(&ckpt_the_job.bytes_per_second, bytes_per_second, __ATOMIC_SEQ_CST);
}

void pvmi_agent_migration_abort(const char *id, const char *reason)
{
	(void)reason;
	if (!pvmi->agent)
		return;
	tell(&pvmi->agent->aborted, id);
	if (get(&pvmi->agent->aborted))
		ckpt_the_job.abort = 1;
}

void pvmi_agent_migration_committed(const char *id)
{
	if (pvmi->agent)
		tell(&pvmi->agent->committed, id);
}

void pvmi_agent_daemon_lost(void)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent || !get(&agent->start_asked) || get(&agent->granted))
		return;
	__atomic_store_n(&agent->aborted, 1, __ATOMIC_SEQ_CST);
	ckpt_the_job.abort = 1;
	pvmi_agent_wake(agent);
}

/* ------------------------------------------------------------------ while the program runs */

static struct pvmi_migration_report report_of(const struct ckpt_job *job, enum phase phase)
{
	return (struct pvmi_migration_report){
		.id = pvmi->agent->start.id, .phase = phase, .rounds = job->rounds,
		.transferred = job->transferred, .pages = job->pages, .remaining = job->remaining,
		.expected_downtime_us = job->expected_downtime_us, .frozen_at_us = job->frozen_at_us,
		.sent_at_us = job->sent_at_us, .stream_us = job->stream_us, .page_bytes = job->page_bytes,
		.dirty_bytes_per_second = job->dirty_bytes_per_second, .tracking = job->tracking,
		.throttle_percent = job->throttle_percent, .no_convergence = job->no_convergence,
	};
}

/* Owner: what a computing program would have had done for it. One that sleeps in the library is
 * woken by its own epoll, and would not be by us. */
static void look_after(void)
{
	if (get(&pvmi->agent->program_sleeps))
		return;
	pvmi_inbox_set_asleep(true);
	if (!pvmi_plane_intake_full())
		pvmi_plane_take();
	pvmi_plane_service(PVMI_AGENT);
	pvmi_plane_settle();
}

static bool say(struct ckpt_job *job, enum phase phase)
{
	struct pvmi_migration_report report;

	if (!pvmi_guard_take(is_given_up))
		return false;
	look_after();
	report = report_of(job, phase);
	pvmi_link_migration_progress(&report);
	pvmi_guard_release();
	return true;
}

static void progress(void *self)
{
	(void)self;
	if (pvmi->agent->frozen)
		pvmi_link_poll();
	else if (!pvmi->agent->owns)
		say(&ckpt_the_job, COPYING);
	if (is_given_up())
		ckpt_the_job.abort = 1;
}

static void sleep_a_turn(struct pvmi_agent *agent, uint32_t seen)
{
	const struct timespec turn = { 0, TURN_NS };
	struct epoll_event event;

	if (get(&agent->program_sleeps))
		sys_futex_wait(&agent->bell, seen, &turn);
	else
		pvmi_watch_sleep(PVMI_AGENT, &event, 1, &turn);
}

/* From the grant on the daemon holds back what it has for us: what travels is complete. */
static int get_grant(struct pvmi_agent *agent, struct ckpt_job *job)
{
	int64_t deadline = sys_now_ns() + GRANT_NS;
	uint32_t seen;

	if (!pvmi_guard_take(is_given_up))
		return CKPT_E_ABORTED;
	pvmi_link_freeze_request(agent->start.id);
	pvmi_guard_release();
	pvmi_trace(MOVE, STEP_REQUEST, 0);
	while (!get(&agent->granted)) {
		if (is_given_up())
			return CKPT_E_ABORTED;
		if (sys_now_ns() > deadline) {
			memcpy(job->text, "the daemon does not grant the freeze", 37);
			return CKPT_E_SYSTEM;
		}
		seen = get(&agent->bell);
		if (!get(&agent->program_sleeps) && pvmi_guard_try()) {
			look_after();
			pvmi_guard_release();
		}
		if (!get(&agent->granted))
			sleep_a_turn(agent, seen);
	}
	pvmi_trace(MOVE, STEP_GRANT, 0);
	return 0;
}

/* A program that has waited for messages while its memory was copied will soon do so again: stopped
 * then, it loses nothing. One that computes is not waited for. */
static void await_lull(struct pvmi_agent *agent, uint32_t sleeps_before)
{
	static const struct timespec look = { 0, LULL_LOOK_NS };
	int64_t deadline = sys_now_ns() + LULL_NS;

	if (get(&agent->sleeps) == sleeps_before)
		return;
	while (!get(&agent->program_sleeps) && !is_given_up() && sys_now_ns() < deadline)
		sys_futex_wait(&agent->bell, get(&agent->bell), &look);
}

/* ------------------------------------------------------------------ frozen */

/* Nothing of the library is half done now: take what is in our rings, say what is to be said. */
static int quiesce(struct ckpt_job *job)
{
	int64_t deadline = sys_now_ns() + FLUSH_NS;
	struct { int fd; short events, revents; } link = { .events = 4 /* POLLOUT */ };
	static const struct timespec tick = { 0, 1000000 };

	pvmi_plane_quiesce();
	pvmi_hand_over();
	while (!pvmi_link_flush()) {
		if (sys_now_ns() > deadline) {
			memcpy(job->text, "the daemon does not read what we have for it", 45);
			return CKPT_E_SYSTEM;
		}
		link.fd = pvmi_link_descriptor();
		pvmi_syscall6(SYS_ppoll, (long)&link, 1, (long)&tick, 0, 0, 0);
	}
	pvmi_trace(MOVE, STEP_QUIET, 0);
	return 0;
}

void pvmi_agent_wait_for_link(short events)
{
	struct { int fd; short events, revents; } link = { pvmi_link_descriptor(), events, 0 };
	static const struct timespec tick = { 0, 200000000 };

	pvmi_syscall6(SYS_ppoll, (long)&link, 1, (long)&tick, 0, 0, 0);
	pvmi_link_poll();
	pvmi_link_flush();
}

static void wait_for_word(struct ckpt_job *job, bool stream)
{
	struct { int fd; short events, revents; } fds[2] = {
		{ pvmi_link_descriptor(), 1, 0 }, { stream ? job->stream : -1, 1, 0 },
	};
	static const struct timespec tick = { 0, 200000000 };

	pvmi_syscall6(SYS_ppoll, (long)fds, 2, (long)&tick, 0, 0, 0);
	pvmi_link_poll();
	pvmi_link_flush();
}

static const char *code_of(int error)
{
	switch (error) {
	case CKPT_E_CONNECT:
	case CKPT_E_AUTH:
	case CKPT_E_STREAM:
		return "STREAM_BROKEN";
	case CKPT_E_REFUSED:
		return "RESTORER_FAILED";
	case CKPT_E_CONVERGENCE:
		return "NO_CONVERGENCE";
	case CKPT_E_TRACKING:
		return "TRACKING_MISSING";
	default:
		return "CAPTURE_FAILED";
	}
}

/* All is sent: the daemon decides, and tells us. True: committed. */
static bool await_verdict(struct pvmi_agent *agent, struct ckpt_job *job)
{
	bool answered = false;
	int result;

	while (!get(&agent->committed) && !get(&agent->aborted)) {
		wait_for_word(job, !answered);
		if (answered || get(&agent->committed) || get(&agent->aborted))
			continue;
		result = ckpt_wait_arrived(job, 0);
		if (result == CKPT_PENDING)
			continue;
		answered = true;        /* the stream has nothing more to say */
		pvmi_trace(MOVE, STEP_ARRIVED, result);
		if (result < 0)
			pvmi_link_migration_failed(agent->start.id, code_of(result), job->text);
	}
	return get(&agent->committed);
}

/* ------------------------------------------------------------------ the recipe */

static int copy(struct ckpt_job *job)
{
	int result = 0;

	while (!result && job->rounds < job->max_rounds && !job->converged) {
		result = ckpt_copy_round(job);
		pvmi_trace(MOVE, STEP_ROUND, job->remaining);
		if (!result && !say(job, COPYING))
			result = CKPT_E_ABORTED;
	}
	return result;
}

/* agent->frozen when the program stands, also if what follows fails. */
static int stop_program(struct pvmi_agent *agent, struct ckpt_job *job)
{
	int result = ckpt_freeze(job, FREEZE_TIMEOUT_MS);

	pvmi_trace(MOVE, STEP_FREEZE, result);
	if (result)
		return result;
	agent->frozen = true;
	result = quiesce(job);
	return !result && get(&agent->aborted) ? CKPT_E_ABORTED : result;
}

static int freeze_and_send(struct pvmi_agent *agent, struct ckpt_job *job)
{
	struct pvmi_migration_report report;
	bool waiting = get(&agent->program_sleeps);     /* to be stopped wakes it */
	int result = stop_program(agent, job);

	if (!agent->frozen)
		return result;
	if (!result)
		result = ckpt_send_image(job);
	pvmi_trace(MOVE, STEP_SENT, result);
	if (result)
		return result;
	report = report_of(job, SENT);
	report.waiting = waiting;
	pvmi_link_image_sent(&report);
	return 0;
}

/* The engine looks at the descriptors while the program runs, perhaps inside the library, where a
 * socket is made a moment before it is known to be ours. What looks like the program's is looked at
 * again when nobody is inside. */
static int open_stream(struct pvmi_agent *agent, struct ckpt_job *job)
{
	int result = ckpt_open(job);

	if (result != CKPT_E_UNSUPPORTED || !pvmi_guard_take(is_given_up))
		return result;
	agent->owns = true;
	ckpt_close(job);
	result = ckpt_open(job);
	agent->owns = false;
	pvmi_guard_release();
	return result;
}

/* Captured from outside: returns when the task goes on in this process, here or at another node. */
static int be_captured(struct pvmi_agent *agent, struct ckpt_job *job)
{
	int result = ckpt_open_to_stop(job);

	if (!result)
		result = get_grant(agent, job);
	if (!result)
		result = stop_program(agent, job);
	if (!agent->frozen)
		return result;
	if (!result)
		result = pvmi_agent_let_go(agent, job);
	pvmi_trace(MOVE, STEP_LET_GO, result);
	if (!result)
		pvmi_agent_await_outcome(agent, job);
	return result;
}

static int attempt(struct pvmi_agent *agent, struct ckpt_job *job)
{
	uint32_t sleeps = get(&agent->sleeps);
	int result;

	if (agent->start.let_go)
		return be_captured(agent, job);
	say(job, CONNECTING);
	result = open_stream(agent, job);
	pvmi_trace(MOVE, STEP_OPEN, result);
	if (!result)
		result = copy(job);
	if (!result)
		result = get_grant(agent, job);
	if (!result)
		await_lull(agent, sleeps);
	return result ? result : freeze_and_send(agent, job);
}

static void go_on(struct pvmi_agent *agent, struct ckpt_job *job)
{
	pvmi_agent_take_up(agent, job);
	if (pvmi->plane->inbox)
		__atomic_store_n(&pvmi->plane->inbox->frozen, 0, __ATOMIC_SEQ_CST);
	agent->frozen = false;
	pvmi_link_thawed();
	ckpt_thaw(job);
	ckpt_close(job);
	pvmi_trace(MOVE, STEP_THAWED, 0);
}

static void report_failure(struct pvmi_agent *agent, int result, const char *text)
{
	if (!agent->frozen && !pvmi_guard_take(is_given_up))
		return;
	pvmi_link_migration_failed(agent->start.id, result == CKPT_E_ABORTED ? "CANCELLED" : code_of(result), text);
	pvmi_link_flush();
	if (!agent->frozen)
		pvmi_guard_release();
}

void pvmi_agent_move(struct pvmi_agent *agent)
{
	struct ckpt_job *job = &ckpt_the_job;
	int result;

	pvmi_trace(MOVE, STEP_START, 0);
	memset(job, 0, sizeof(*job));
	job->stream = -1;
	memcpy(job->id, agent->start.id, sizeof(job->id));
	memcpy(job->address, agent->start.address, sizeof(job->address));
	memcpy(job->secret, agent->start.secret, sizeof(job->secret));
	memcpy(job->fault_point, agent->start.fault_point, sizeof(job->fault_point));
	job->port = agent->start.port;
	job->max_downtime_ms = agent->start.max_downtime_ms;
	job->max_rounds = agent->start.max_rounds;
	job->tracking = agent->start.tracking;
	job->on_no_convergence = agent->start.on_no_convergence;
	job->bytes_per_second = agent->start.bytes_per_second;
	job->fault_action = agent->start.fault_action;
	result = attempt(agent, job);
	if (!result && !agent->start.let_go && await_verdict(agent, job)) {
		pvmi_trace(MOVE, STEP_COMMIT, 0);
		pvmi_trace_dump();
		ckpt_vanish(job);
	}
	if (result && !get(&agent->aborted)) {
		pvmi_trace(MOVE, STEP_FAILED, result);
		report_failure(agent, result, job->text);
	}
	go_on(agent, job);
	__atomic_store_n(&agent->start_asked, 0, __ATOMIC_SEQ_CST);
}

/* ------------------------------------------------------------------ what the engine asks */

static bool may_park(void *self)
{
	(void)self;
	return pvmi_guard_outside();
}

static enum ckpt_fd_class descriptor(void *self, int fd)
{
	(void)self;
	if (fd >= 0 && fd == pvmi_link_descriptor())
		return CKPT_FD_DAEMON;
	return pvmi_owns_fd(fd) ? CKPT_FD_DROP : CKPT_FD_CARRY;
}

static enum ckpt_area_class area(void *self, uintptr_t start, uintptr_t end)
{
	const struct pvmi_area *found = pvmi_area_find(start, end);

	(void)self;
	if (!found)
		return CKPT_AREA_CARRY;
	return found->kind == PVMI_AREA_LENT ? CKPT_AREA_COPY_PRIVATE : CKPT_AREA_DROP;
}

/* Which bytes of a peer's heap messages of ours still use. */
static size_t ranges(void *self, uintptr_t start, uintptr_t end, size_t *cursor, struct ckpt_range *out, size_t max)
{
	const struct pvmi_area *found = pvmi_area_find(start, end);
	const struct pvmi_lender *lender = found ? found->owner : NULL;
	const struct pvmi_foreign_block *block;
	size_t index = 0, count = 0;

	(void)self;
	if (!found || found->kind != PVMI_AREA_LENT)
		return 0;
	for (block = lender->blocks; block && count < max; block = block->next, index++) {
		uintptr_t from = (uintptr_t)block->block.bytes, to = from + block->block.capacity;

		if (index < *cursor || to <= start || from >= end)
			continue;
		out[count].start = from < start ? start : from;
		out[count].end = to > end ? end : to;
		count++;
	}
	*cursor = index;
	return count;
}

/* The first code at the new node, on the main thread. */
static void arrived(void *self, const struct ckpt_handoff *place)
{
	struct pvmi_agent *agent = pvmi->agent;
	char id[sizeof(agent->start.id)];

	(void)self;
	memcpy(id, agent->start.id, sizeof(id));
	if (place->zone_start && place->zone_length)
		sys_munmap((void *)place->zone_start, place->zone_length);
	pvmi_guard_reset();
	pvmi_swaps_choose();
	pvmi_area_remove(agent->stack_area);    /* it and its thread were left behind */
	pvmi->agent = NULL;
	pvmi_free(agent);
	pvmi_plane_forget();
	pvmi_groups_moved();
	pvmi_link_renew(place->daemon_fd, place->place, place->place_length);
	pvmi_publish_place();
	pvmi->epoch = place->epoch;
	pvmi_link_resumed(id, place->resumed_at_us);
	pvmi_plane_after_move();
	pvmi_agent_start();
}

static const struct ckpt_client client = {
	.may_park = may_park,
	.descriptor = descriptor,
	.area = area,
	.ranges = ranges,
	.arrived = arrived,
	.progress = progress,
};

void pvmi_agent_prepare(void)
{
	ckpt_init(&client, &handoff);
}
