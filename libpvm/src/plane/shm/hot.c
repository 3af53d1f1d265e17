/*
 * hot.c: the rings that a receiver watches by itself.
 *
 * To look at a ring costs a load from a line that is in the cache until its sender writes to it;
 * a bit in the inbox costs the sender two locked instructions on lines that all senders share. So
 * the rings that lately brought news are watched, and their senders told (`watched` in the ring)
 * that no bit is needed.
 */
#include "../inlet.h"
#include "inbox.h"

#define TIRED 64        /* so often others brought news, by a bit, and this one none */

/* From here on its sender may leave the bit out. */
static void watch(struct pvmi_hot *hot, struct pvmi_inlet *inlet, struct pvmi_ring *ring)
{
	hot->inlet = inlet;
	hot->ring = ring;
	hot->idle = 0;
	__atomic_store_n(&ring->shared->watched, 1, __ATOMIC_RELEASE);
}

/* Its sender sets the bit from here on; what it pushed while it did not yet know is to be taken now. */
static void unwatch(const struct pvmi_hot *hot)
{
	__atomic_store_n(&hot->ring->shared->watched, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool take_from(struct pvmi_inlet *inlet)
{
	int reason = inlet->route->drain(inlet);

	if (reason)
		pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
	return !reason;
}

void pvmi_hot_brought_news(struct pvmi_inlet *inlet, struct pvmi_ring *ring)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_hot *tired = NULL;
	struct pvmi_inlet *old;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++) {
		if (plane->hot[i].inlet == inlet)
			return;         /* the sender had not seen yet that it is watched */
		if (++plane->hot[i].idle >= TIRED && (!tired || plane->hot[i].idle > tired->idle))
			tired = &plane->hot[i];
	}
	if (plane->hot_count < PVMI_HOT) {
		watch(&plane->hot[plane->hot_count++], inlet, ring);
		return;
	}
	if (!tired)
		return;
	old = tired->inlet;
	unwatch(tired);
	watch(tired, inlet, ring);
	take_from(old);
}

void pvmi_hot_remove(struct pvmi_inlet *inlet)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint32_t i;

	for (i = 0; i < plane->hot_count; i++)
		if (plane->hot[i].inlet == inlet)
			plane->hot[i--] = plane->hot[--plane->hot_count];
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
