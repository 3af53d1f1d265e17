/*
 * How fast: the stream not faster than allowed, the program, when its move does not converge, for a
 * part of the time only. Both act between pieces of work of a live round (ckpt_tick_job).
 */
#define _GNU_SOURCE
#include <time.h>

#include "capture.h"

#define REST_NS 5000000u                /* the longest rest in one piece: others want to be looked after */
#define CYCLE_NS 20000000u              /* of the throttle: stopped for a part of each */
#define STOP_MS 10u

static void rest(uint64_t ns)
{
	const struct timespec time = { 0, ns < REST_NS ? ns : REST_NS };

	SYS(nanosleep, &time, NULL);
}

/* Nothing is made up for: what the path did not take at its time is not sent faster later. */
void ckpt_pace(struct ckpt_job *job)
{
	struct ckpt_pace *pace = &ckpt_engine.work->pace;
	uint64_t limit = job->bytes_per_second, now = ckpt_clock_ns(CLOCK_MONOTONIC), due;
	uint64_t sent = ckpt_engine.work->out.sent;

	if (!limit || ckpt_engine.work->last)
		return;
	if (limit != pace->limit || now - pace->since > 1000000000u)
		*pace = (struct ckpt_pace){ limit, now, sent, pace->rested };
	due = pace->since + (unsigned __int128)(sent - pace->from) * 1000000000u / limit;
	if (due <= now)
		return;
	rest(due - now);
	pace->rested += ckpt_clock_ns(CLOCK_MONOTONIC) - now;
}

/* ------------------------------------------------------------------ throttle */

void ckpt_throttle_off(void)
{
	if (!ckpt_engine.work->throttle.stopped)
		return;
	ckpt_engine.work->throttle.stopped = false;
	ckpt_let_go();
}

void ckpt_throttle(struct ckpt_job *job)
{
	struct ckpt_throttle *throttle = &ckpt_engine.work->throttle;
	uint64_t now, still = CYCLE_NS / 100 * job->throttle_percent;

	/* Stopped for another reason: the round looks at the areas, or it is the last. */
	if (!job->throttle_percent || (ckpt_engine.frozen && !throttle->stopped))
		return;
	now = ckpt_clock_ns(CLOCK_MONOTONIC);
	if (now < throttle->until)
		return;
	if (throttle->stopped) {
		ckpt_throttle_off();
		throttle->until = now + CYCLE_NS - still;
	} else if (!ckpt_stop(job, STOP_MS, false)) {   /* if it cannot be just now: at the next occasion */
		throttle->stopped = true;
		throttle->until = ckpt_clock_ns(CLOCK_MONOTONIC) + still;
	}
}
