/*
 * wait.c: waiting for news: spin a little while that pays, then sleep.
 *
 * To wake a sleeping processor costs 14 to 24 microseconds on the machines measured; news that
 * comes sooner is cheaper to wait for awake. But a processor that spins is one that another task
 * does not get. So we spin only while spinning has lately paid (a score), for a bounded time, and
 * give way (sched_yield) once a spin lasts: when that takes long and brings no news, somebody else
 * has work for this processor, and we sleep.
 */
#include "../../../native/checkpoint/include/ckpt.h"
#include "../agent/agent.h"
#include "plane.h"
#include "shm/inbox.h"

#define WINDOW_US 60            /* a spin lasts so long at most: three times what a wake-up costs */
#define SHORT_SLEEP_US 100      /* a sleep that ended sooner would better have been a spin */
#define FIRST_YIELD_US 4
#define YIELD_EVERY_US 2
#define LONG_YIELD_US 15        /* somebody else ran meanwhile */
#define MOST 16                 /* score */
#define ACKNOWLEDGE_NS 1000000
#define LOOK_EVERY_US 2         /* at the descriptors, when news has lately come by one */

void pvmi_wait_start(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint64_t allowed[128 / 8] = { 0 };
	long size = pvmi_syscall3(SYS_sched_getaffinity, 0, sizeof(allowed), (long)allowed), i;
	int count = 0;

	for (i = 0; i < size / 8; i++)
		count += __builtin_popcountl(allowed[i]);
	plane->spin.alone = count <= 1;
	plane->spin.window_us = WINDOW_US;
	plane->spin.score = MOST / 2;
	plane->start_ticks = pvmi_ticks();
	plane->start_ns = sys_now_ns();
	plane->ticks_per_us = 2500;     /* until it is known better */
}

/* How fast the counter runs is not told anywhere that can be read cheaply; two looks tell it. */
static void calibrate(int64_t now)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (plane->start_ns && now - plane->start_ns > 10000000) {
		plane->ticks_per_us = (pvmi_ticks() - plane->start_ticks) / ((uint64_t)(now - plane->start_ns) / 1000);
		if (plane->ticks_per_us < 100)
			plane->ticks_per_us = 100;
		plane->start_ns = 0;
	}
}

static bool take(void)
{
	uint64_t before = pvmi->plane->taken_messages;

	if (!pvmi_plane_take())
		return false;
	pvmi_hand_over();
	return pvmi->plane->taken_messages != before;
}

static bool service(void)
{
	uint64_t before = pvmi->plane->hot_ticks;

	pvmi_plane_service(PVMI_PROGRAM);
	return pvmi->plane->hot_ticks != before;
}

static bool spin(int64_t deadline)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint64_t us = plane->ticks_per_us, start = pvmi_ticks(), now = start, yielded = 0, before;
	uint64_t window = plane->spin.window_us * us * (uint64_t)(plane->spin.score < 8 ? plane->spin.score : 8) / 8;
	uint64_t next_yield = plane->spin.alone || plane->spin.yield_wins > 2 ? start : start + FIRST_YIELD_US * us;
	uint64_t next_look = start;
	bool looks = start - plane->hot_ticks < 1000 * us;
	int contended = 0;

	(void)deadline;
	while (now - start - yielded < window && !ckpt_freezing()) {
		if (take())
			return true;
		if (looks && now >= next_look) {
			if (service())
				return true;
			next_look = pvmi_ticks() + LOOK_EVERY_US * us;
		}
		if (now >= next_yield) {
			before = pvmi_ticks();
			sys_sched_yield();
			now = pvmi_ticks();
			if (now - before > LONG_YIELD_US * us / 8)
				yielded += now - before;
			if (take()) {
				if (plane->spin.yield_wins < 8)
					plane->spin.yield_wins++;
				return true;
			}
			/* Someone ran here, and it was not for us. */
			if (now - before > LONG_YIELD_US * us && ++contended == 2)
				break;
			next_yield = now + YIELD_EVERY_US * us;
			continue;
		}
		pvmi_pause();
		now = pvmi_ticks();
	}
	if (plane->spin.yield_wins)
		plane->spin.yield_wins--;
	return false;
}

/* An epoll timeout; NULL: without limit. */
static const struct timespec *timeout_until(int64_t deadline, struct timespec *timeout)
{
	int64_t due = deadline, left;

	if (pvmi->plane->next_timer && pvmi->plane->next_timer < due)
		due = pvmi->plane->next_timer;
	if (due == INT64_MAX)
		return NULL;
	left = due - sys_now_ns();
	if (left < 0)
		left = 0;
	timeout->tv_sec = left / 1000000000;
	timeout->tv_nsec = left % 1000000000;
	return timeout;
}

/* Sleep once. True: something has happened. */
static bool sleep_once(int64_t deadline)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct epoll_event events[PVMI_EVENT_BATCH];
	struct timespec timeout;
	const struct timespec *until;
	uint32_t turns = pvmi_guard.turns;
	long count = 0;

	pvmi_inbox_set_asleep(true);
	pvmi_agent_program_sleeps();
	if (!pvmi_inbox_has_news(plane->inbox) && !ckpt_freezing()) {
		plane->counts.sleeps++;
		until = timeout_until(deadline, &timeout);
		pvmi_guard_pause();
		count = pvmi_watch_sleep(PVMI_PROGRAM, events, PVMI_EVENT_BATCH, until);
		pvmi_guard_resume();
	}
	pvmi_agent_program_awake();
	pvmi_inbox_set_asleep(false);
	take();
	/* Events tell of structures; had the agent a turn meanwhile, or have we moved, they may be no more. */
	if (count > 0 && pvmi_guard.turns == turns)
		pvmi_plane_serve(events, count);
	else
		pvmi_plane_service(PVMI_PROGRAM);
	return count != 0;
}

/* Acknowledgements wait for a sleep that lasts: an exchange to and fro needs none of its own. */
static bool sleep_before_acknowledging(int64_t deadline)
{
	int64_t soon = sys_now_ns() + ACKNOWLEDGE_NS;

	if (!pvmi->plane->acks_due)
		return false;
	if (soon < deadline && sleep_once(soon))
		return true;
	pvmi_plane_acknowledge();
	return false;
}

static bool sleep_until_news(int64_t deadline)
{
	uint64_t before = pvmi->plane->taken_messages;

	for (;;) {
		if (ckpt_freezing()) {
			ckpt_park();            /* here or there: look again */
			return true;
		}
		if (sleep_before_acknowledging(deadline))
			return true;
		pvmi_plane_settle();
		if (ckpt_freezing())
			continue;
		if (sleep_once(deadline) || pvmi->plane->taken_messages != before)
			return true;
		if (deadline != INT64_MAX && sys_now_ns() >= deadline)
			return false;
	}
}

static void learn(bool spun, bool won, uint64_t slept_us)
{
	struct pvmi_plane *plane = pvmi->plane;
	int change;

	if (won)
		change = 2;
	else if (slept_us < SHORT_SLEEP_US)
		change = spun ? 0 : 1;
	else
		change = spun ? -2 : 0;
	plane->spin.score += change;
	if (plane->spin.score < 0)
		plane->spin.score = 0;
	if (plane->spin.score > MOST)
		plane->spin.score = MOST;
	if (spun && won)
		plane->counts.spins_won++;
	else if (spun)
		plane->counts.spins_lost++;
}

bool pvmi_plane_wait(int64_t deadline_ns)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool spins, news;
	uint64_t slept;
	int64_t now;

	if (!plane)
		return false;
	if (ckpt_freezing()) {
		ckpt_park();
		return true;
	}
	if (plane->inbox && __atomic_load_n(&plane->inbox->asleep, __ATOMIC_RELAXED))
		pvmi_agent_relieve();
	if (take() || plane->arrived) {
		pvmi_hand_over();
		return true;
	}
	spins = plane->spin.score > 0 && deadline_ns > 0;
	if (spins && spin(deadline_ns)) {
		learn(true, true, 0);
		return true;
	}
	if (plane->start_ns || deadline_ns != INT64_MAX) {
		now = sys_now_ns();
		calibrate(now);
		if (deadline_ns <= now) {
			service();
			return pvmi_plane_take();
		}
	}
	slept = pvmi_ticks();
	news = sleep_until_news(deadline_ns);
	learn(spins, false, (pvmi_ticks() - slept) / plane->ticks_per_us);
	return news;
}
