/*
 * hot.c: the rings that a receiver looks at by itself.
 *
 * To look at a ring costs a load from a line that is in the cache until its sender writes to it;
 * a bit in the inbox costs the sender two locked instructions on lines that all senders share. So
 * the rings that lately brought news are looked at in any case, and when much comes while we are
 * awake, they are watched: their senders need to do nothing but push. They need no barrier either:
 * whoever stops watching makes all senders pass one, by a system call that costs more than a
 * barrier, and which is made once before a sleep. What was pushed by one that had not seen that
 * it is watched no more, has been pushed before that call returns.
 */
#include "../inlet.h"
#include "inbox.h"

#define TIRED 64        /* so often others brought news, by a bit, and this one none */
#define OFTEN 8         /* so often news came by a bit while we were awake */

static void watch(struct pvmi_hot *hot)
{
	hot->watched = true;
	__atomic_store_n(&hot->ring->shared->watched, 1, __ATOMIC_RELEASE);
}

/* Its sender tells us from here on. True: only when all have passed a barrier. */
static bool unwatch(struct pvmi_hot *hot)
{
	bool watched = hot->watched;

	if (watched)
		__atomic_store_n(&hot->ring->shared->watched, 0, __ATOMIC_RELAXED);
	hot->watched = false;
	return watched;
}

static bool take_from(struct pvmi_inlet *inlet)
{
	int reason = inlet->route->drain(inlet);

	if (reason)
		pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
	return !reason;
}

static struct pvmi_hot *find(const struct pvmi_inlet *inlet)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++)
		if (plane->hot[i].inlet == inlet)
			return &plane->hot[i];
	return NULL;
}

bool pvmi_hot_has(const struct pvmi_inlet *inlet)
{
	return find(inlet);
}

/* One that brings nothing while others do. */
static struct pvmi_hot *find_tired(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_hot *tired = NULL;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++)
		if (++plane->hot[i].idle >= TIRED && (!tired || plane->hot[i].idle > tired->idle))
			tired = &plane->hot[i];
	return tired;
}

static void replace(struct pvmi_hot *hot, const struct pvmi_hot *by)
{
	struct pvmi_inlet *old = hot->inlet;
	bool barrier = unwatch(hot);

	*hot = *by;
	if (barrier)
		pvmi_guard_barrier_for_all();
	take_from(old);
}

void pvmi_hot_brought_news(struct pvmi_inlet *inlet, struct pvmi_ring *ring)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_hot fresh = { .inlet = inlet, .ring = ring }, *hot = find(inlet);

	plane->told++;
	if (hot) {
		if (!hot->watched && plane->told >= OFTEN && pvmi_guard_hears_barriers())
			watch(hot);
		return;
	}
	hot = find_tired();
	if (plane->hot_count < PVMI_HOT)
		plane->hot[plane->hot_count++] = fresh;
	else if (hot)
		replace(hot, &fresh);
}

void pvmi_hot_remove(struct pvmi_inlet *inlet)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_hot *hot = find(inlet);

	if (hot)
		*hot = plane->hot[--plane->hot_count];
}

bool pvmi_hot_take(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool taken = false;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++) {
		if (!pvmi_ring_has_news(plane->hot[i].ring))
			continue;
		taken = true;
		plane->hot[i].idle = 0;
		if (!take_from(plane->hot[i].inlet))
			i--;            /* closed: another has its place */
	}
	return taken;
}

void pvmi_hot_doze(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool barrier = false;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++)
		barrier |= unwatch(&plane->hot[i]);
	plane->told = 0;
	if (!barrier)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else if (!pvmi_guard_barrier_for_all())
		sys_sched_yield();      /* forbidden since: the next best, and nothing is watched again */
}
