/*
 * wait.c: waiting for news: spin a little while that pays, then sleep.
 *
 * To wake a sleeping processor costs 14 to 24 microseconds on the machines measured; news that
 * comes sooner is cheaper to wait for awake. But a processor that spins is one that another task
 * does not get. So we spin only while spinning has lately paid (a score), for a bounded time, and
 * give way (sched_yield) as soon as others want this processor: a yield that takes longer than one
 * for nothing shows that somebody ran meanwhile, and those that lately did so are our neighbours.
 * With neighbours we yield at once, a few times, and sleep; without, we do not yield early, for
 * that is a system call. Two tasks that talk to each other from one processor while another one
 * is idle part (part.c).
 */
#include <string.h>

#include "../../../native/checkpoint/include/ckpt.h"
#include "../agent/agent.h"
#include "part.h"
#include "plane.h"
#include "shm/inbox.h"

#define WINDOW_US 60            /* a spin lasts so long at most: three times what a wake-up costs */
#define SHORT_SLEEP_US 100      /* a sleep that ended sooner would better have been a spin */
#define LOOKS 8
#define FIRST_YIELD_US 4
#define YIELD_EVERY_US 2
#define LONG_YIELD_US 15        /* somebody else ran for its whole time slice, or nearly */
#define LONG_YIELDS 2
#define NEIGHBOURLY_YIELDS 8    /* so often neighbours ran and had nothing for us: sleep */
#define CROWDED 4               /* of neighbours */
#define MOST_NEIGHBOURS 8
#define MOST 16                 /* score */
#define PROBE_EVERY 64          /* waits: does spinning pay again? */
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
	memset(&plane->spin, 0, sizeof(plane->spin));
	plane->spin.alone = count <= 1;
	plane->spin.score = MOST / 2;
	plane->start_ticks = pvmi_ticks();
	plane->start_ns = sys_now_ns();
	plane->ticks_per_us = 2500;     /* until it is known better */
	plane->service_ticks = 0;
	plane->spin.yield_ticks = plane->ticks_per_us;
	plane->spin.sender_processor = UINT16_MAX;
}

/* How fast the counter runs is not told anywhere that can be read cheaply; two looks tell it. */
static void calibrate(int64_t now)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (plane->start_ns && now - plane->start_ns > 10000000) {
		plane->ticks_per_us = (pvmi_ticks() - plane->start_ticks) / ((uint64_t)(now - plane->start_ns) / 1000);
		if (plane->ticks_per_us < 100)
			plane->ticks_per_us = 100;
		plane->pulse->ticks_per_us = plane->ticks_per_us;
		plane->start_ns = 0;
	}
}

static bool take(void)
{
	uint64_t before = pvmi->plane->taken_messages;

	if (!pvmi_plane_take_wanted())
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

/* Yields once. How long others ran, in ticks; 0: nobody did. */
static uint64_t give_way(struct pvmi_plane *plane)
{
	uint64_t before = pvmi_ticks(), took, nothing = plane->spin.yield_ticks;

	sys_sched_yield();
	took = pvmi_ticks() - before;
	/* The cheapest of late: what it costs grows slowly, lest one lucky look spoil all later ones. */
	plane->spin.yield_ticks = took < nothing ? took : nothing + nothing / 64;
	if (took <= nothing + nothing / 2 + plane->ticks_per_us / 4) {
		if (plane->spin.neighbours)
			plane->spin.neighbours--;
		return 0;
	}
	/* One that computes takes all it is given: that is dear, and not to be tried again soon. */
	plane->spin.neighbours += took > LONG_YIELD_US * plane->ticks_per_us ? MOST_NEIGHBOURS : 2;
	if (plane->spin.neighbours > MOST_NEIGHBOURS)
		plane->spin.neighbours = MOST_NEIGHBOURS;
	return took;
}

/* Did the task that last had news for us run on this processor? Then it waits for us to step aside. */
static bool is_together(const struct pvmi_plane *plane)
{
	return plane->spin.sender_processor == pvmi_processor();
}

/* dear: others had a whole time slice meanwhile; a sleep and a wake-up would have been cheaper. */
static bool spin(bool *dear)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint64_t us = plane->ticks_per_us, start = pvmi_ticks(), now = start, others = 0, took;
	uint64_t window = WINDOW_US * us * (uint64_t)(plane->spin.score < 8 ? plane->spin.score : 8) / 8;
	bool at_once, looks = start - plane->hot_ticks < 1000 * us;
	uint64_t next_yield, next_look = start;
	int yields = 0, long_yields = 0, looked;
	bool won = false;

	at_once = plane->spin.alone || plane->spin.neighbours >= CROWDED || is_together(plane);
	next_yield = at_once ? start : start + FIRST_YIELD_US * us;
	if (plane->spin.probing)
		next_yield = UINT64_MAX;
	while (now - start - others < window && !ckpt_freezing()) {
		/* The clock is as slow as many looks, and when there is news every nanosecond counts. */
		for (looked = 0; looked < LOOKS && !won; looked++) {
			won = pvmi_inbox_has_news() && take();
			if (!won)
				pvmi_pause();
		}
		if (won)
			break;
		now = pvmi_ticks();
		if (looks && now >= next_look) {
			won = service();
			if (won)
				break;
			next_look = pvmi_ticks() + LOOK_EVERY_US * us;
		}
		if (now < next_yield)
			continue;
		took = give_way(plane);
		others += took;
		yields += took != 0;
		long_yields += took > LONG_YIELD_US * us;
		*dear = long_yields > 0;
		won = take();
		if (won)
			break;
		if (long_yields == LONG_YIELDS || yields == NEIGHBOURLY_YIELDS)
			break;
		now = pvmi_ticks();
		next_yield = took ? now : now + YIELD_EVERY_US * us;
	}
	if (now - start > others)
		plane->pulse->spun_ticks += now - start - others;
	return won;
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
	uint64_t before = plane->taken_messages;
	long count = 0;
	bool served = false;

	pvmi_inbox_set_asleep(true);
	pvmi_agent_program_sleeps();
	if (!pvmi_inbox_has_news() && !ckpt_freezing()) {
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
		served = pvmi_plane_service(PVMI_PROGRAM);
	/* The look around as it wakes may bring in what came at the very end, a message or an answer of the daemon. */
	return count != 0 || served || pvmi_guard.turns != turns || plane->taken_messages != before;
}

/* Acknowledgements wait for a sleep that lasts: an exchange to and fro needs none of its own. */
static bool sleep_before_acknowledging(int64_t deadline)
{
	int64_t soon;

	if (!pvmi->plane->acks_due)
		return false;
	soon = sys_now_ns() + ACKNOWLEDGE_NS;
	if (soon < deadline && sleep_once(soon))
		return true;
	pvmi_plane_acknowledge();
	return false;
}

static bool sleep_until_news(int64_t deadline)
{
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
		if (sleep_once(deadline))
			return true;
		if (deadline != INT64_MAX && sys_now_ns() >= deadline)
			return false;
	}
}

static void learn(bool spun, bool won, uint64_t slept_us)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool crowded = plane->spin.neighbours >= CROWDED;
	int change = 0;

	if (won)
		change = 2;
	else if (spun && (crowded || slept_us >= SHORT_SLEEP_US))
		change = crowded ? -4 : -2;
	else if (!spun && !crowded && slept_us < SHORT_SLEEP_US)
		change = 1;
	plane->spin.score += change;
	if (plane->spin.score < 0)
		plane->spin.score = 0;
	if (plane->spin.score > MOST)
		plane->spin.score = MOST;
	if (spun && won)
		plane->counts.spins_won++;
	else if (spun)
		plane->counts.spins_lost++;
	plane->spin.unspun = spun ? 0 : plane->spin.unspun + 1;
}

/* When it has long not paid, one more try at times; without a yield, which may cost a time slice. */
static bool may_spin(struct pvmi_plane *plane, int64_t deadline)
{
	if (deadline <= 0)
		return false;
	plane->spin.probing = !plane->spin.score && plane->spin.unspun >= PROBE_EVERY;
	if (plane->spin.probing) {
		plane->spin.score = 1;
		if (plane->spin.neighbours)
			plane->spin.neighbours--;
	}
	return plane->spin.score > 0;
}

/* What was slept before a move is counted where it was slept, or nowhere: the clock is another. */
static bool sleep_counted(struct pvmi_plane *plane, int64_t deadline_ns, bool spun)
{
	uint64_t start = pvmi_ticks(), took;
	uint32_t epoch = pvmi->epoch;
	bool news = sleep_until_news(deadline_ns);

	took = pvmi_ticks() - start;
	if (pvmi->epoch == epoch)
		plane->pulse->slept_ticks += took;
	learn(spun, false, took / plane->ticks_per_us);
	return news;
}

static bool wait_until(int64_t deadline_ns)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool spins, dear = false;
	int64_t now;

	spins = may_spin(plane, deadline_ns);
	if (spins && spin(&dear)) {
		learn(true, !dear, SHORT_SLEEP_US);
		if (is_together(plane))
			pvmi_part(plane);
		else
			plane->spin.together = 0;
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
	return sleep_counted(plane, deadline_ns, spins);
}

bool pvmi_plane_wait(int64_t deadline_ns)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool news;

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
	plane->pulse->waiting = 1;
	news = wait_until(deadline_ns);
	plane->pulse->waiting = 0;
	return news;
}
