/*
 * inbox.h: where senders of the node leave word for a task, in shared memory that the receiver
 * makes and all its senders map.
 *
 * A sender pushes into its channel's ring, sets its bit here and, if the receiver says it is
 * asleep, writes to its doorbell (an eventfd). Between the push and the look there is a full
 * barrier, as there is one between what the receiver says and its last look: either the receiver
 * sees the news before it sleeps, or the sender sees that it is asleep. Not so while the receiver
 * watches that ring by itself: then the push is all (hot.c).
 */
#ifndef PVMI_INBOX_H
#define PVMI_INBOX_H

#include "../plane.h"
#include "ring.h"

#define PVMI_INBOX_MAGIC 0x786f626eU
#define PVMI_INBOX_WORDS (PVMI_LOCAL_SENDERS / 64)

struct pvmi_inbox {
	uint64_t summary;               /* words with a bit set */
	uint8_t pad[64 - 8];
	uint32_t asleep;                /* nobody looks: ring */
	uint32_t frozen;                /* it is about to move: what is pushed now will be sent again */
	uint64_t words[PVMI_INBOX_WORDS];
	uint32_t magic;
};
#define PVMI_INBOX_SIZE 4096UL
_Static_assert(sizeof(struct pvmi_inbox) <= PVMI_INBOX_SIZE, "one page");

/* A sender: there is news under bit `place`. */
static inline void pvmi_inbox_tell(struct pvmi_inbox *inbox, uint32_t place)
{
	uint64_t bit = 1UL << (place % 64);
	uint64_t old = __atomic_fetch_or(&inbox->words[place / 64], bit, __ATOMIC_SEQ_CST);

	if (!(old & bit))
		__atomic_fetch_or(&inbox->summary, 1UL << (place / 64), __ATOMIC_SEQ_CST);
}

/* A sender, after a full barrier: is the receiver to be woken, and by us? Of many that find it
 * asleep one rings. */
static inline bool pvmi_inbox_wakes(struct pvmi_inbox *inbox)
{
	return __atomic_load_n(&inbox->asleep, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&inbox->asleep, 0, __ATOMIC_SEQ_CST);
}

static inline bool pvmi_inbox_has_bits(const struct pvmi_inbox *inbox)
{
	return __atomic_load_n(&inbox->summary, __ATOMIC_RELAXED) != 0;
}

/* The receiver's side: made at the start and after each move. 0 or negative errno. */
int pvmi_inbox_make(void);
/* here: the descriptors exist in this process. */
void pvmi_inbox_drop(bool here);
void pvmi_inbox_set_asleep(bool asleep);        /* true: nothing is watched any more, and a full barrier after it */
/* Is there news, by a bit or in a watched ring? */
static inline bool pvmi_inbox_has_news(void)
{
	const struct pvmi_plane *plane = pvmi->plane;
	uint32_t i;

	if (!plane->inbox)
		return false;
	for (i = 0; i < plane->hot_count; i++)
		if (pvmi_ring_has_news(plane->hot[i].ring))
			return true;
	return pvmi_inbox_has_bits(plane->inbox);
}
/* Drain every inlet that has news. True when there was one. */
bool pvmi_inbox_take(void);
/* A free bit, or -1. */
int pvmi_inbox_place(struct pvmi_inlet *inlet);
void pvmi_inbox_free_place(uint32_t place);

/* hot.c: the rings that are looked at without a bit, and watched without their senders' saying
 * anything. */
void pvmi_hot_brought_news(struct pvmi_inlet *inlet, struct pvmi_ring *ring);  /* by a bit */
bool pvmi_hot_has(const struct pvmi_inlet *inlet);
void pvmi_hot_remove(struct pvmi_inlet *inlet); /* it is closed */
bool pvmi_hot_take(void);
void pvmi_hot_doze(void);       /* about to sleep: watch nothing any more; with a full barrier */

#endif
