/*
 * page.h: a group's page: its members, and the count of its barrier, in memory that the tasks of
 * one node and their daemon share. docs/protocols/groups.md says who makes and withdraws it.
 *
 * The daemon makes the file, tasks map it. All that changes is one word of 64 bits and, for each
 * member, a mark. The upper half of the word is what waiting tasks sleep on (a futex):
 *
 *   63         withdrawn: nothing on the page is true any more
 *   62 .. 32   generation: grows when a barrier is let go
 *   31 .. 16   needed: the count of the barrier that has begun; 0: none has
 *   15 .. 0    arrived: how many have come to it
 *
 * One compare-and-swap either counts an arrival, lets a barrier go, or finds the page withdrawn, so
 * no arrival is lost or counted twice whoever dies when. A member marks itself with the
 * generation before it tries to be counted: the daemon that withdraws the page finds there who is
 * waiting.
 *
 * For the library and, in C++, for the daemon's module.
 */
#ifndef PVMI_GROUP_PAGE_H
#define PVMI_GROUP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVMI_PAGE_MAGIC 0x67726f75U
#define PVMI_PAGE_MOST 65535U           /* members: as many as a count has room for */
#define PVMI_PAGE_WITHDRAWN 0x80000000U /* in the upper half */
#define PVMI_PAGE_GENERATION 0x7fffffffU

struct pvmi_group_member {
	uint32_t tid;                   /* 0: this instance is free */
	uint32_t mark;
};

struct pvmi_group_page {
	uint32_t magic, members;
	uint64_t id;
	uint32_t counts;                /* barriers are counted here; else the page only tells the members */
	uint8_t pad1[64 - 20];
	uint64_t word;
	uint8_t pad2[64 - 8];
	struct pvmi_group_member member[];
};

static inline size_t pvmi_page_size(uint32_t members)
{
	return sizeof(struct pvmi_group_page) + members * sizeof(struct pvmi_group_member);
}

static inline uint64_t pvmi_page_word(uint32_t upper, uint32_t needed, uint32_t arrived)
{
	return (uint64_t)upper << 32 | (uint64_t)needed << 16 | arrived;
}

/* What waiting tasks sleep on. */
static inline uint32_t *pvmi_page_futex(struct pvmi_group_page *page)
{
	return (uint32_t *)(void *)&page->word + 1;     /* little-endian */
}

static inline uint32_t pvmi_page_upper(struct pvmi_group_page *page)
{
	return __atomic_load_n(pvmi_page_futex(page), __ATOMIC_ACQUIRE);
}

static inline bool pvmi_page_withdrawn(struct pvmi_group_page *page)
{
	return pvmi_page_upper(page) & PVMI_PAGE_WITHDRAWN;
}

enum pvmi_page_answer {
	PVMI_PAGE_LET_GO,       /* the barrier is complete; if this call completed it, the others are to be woken */
	PVMI_PAGE_WAIT,         /* counted: wait until the generation is another one */
	PVMI_PAGE_MISMATCH,     /* a barrier with another count has begun */
	PVMI_PAGE_GONE,         /* not counted: the page has been withdrawn */
};

/* A member comes to a barrier of `count` (1 to PVMI_PAGE_MOST). *generation: of the barrier it is counted in. */
static inline enum pvmi_page_answer pvmi_page_enter(struct pvmi_group_page *page, uint32_t instance, uint32_t count,
						    uint32_t *generation)
{
	uint64_t word = __atomic_load_n(&page->word, __ATOMIC_ACQUIRE), next;
	uint32_t upper, needed, arrived;

	for (;;) {
		upper = (uint32_t)(word >> 32);
		needed = (uint32_t)(word >> 16) & 0xffff;
		arrived = (uint32_t)word & 0xffff;
		if (upper & PVMI_PAGE_WITHDRAWN)
			return PVMI_PAGE_GONE;
		if (needed && needed != count) {
			/* Unmarked first: who withdraws the page from here on does not take us for waiting. */
			__atomic_store_n(&page->member[instance].mark, 0, __ATOMIC_SEQ_CST);
			return pvmi_page_withdrawn(page) ? PVMI_PAGE_GONE : PVMI_PAGE_MISMATCH;
		}
		*generation = upper;
		if (arrived + 1 >= count) {
			next = pvmi_page_word((upper + 1) & PVMI_PAGE_GENERATION, 0, 0);
		} else {
			__atomic_store_n(&page->member[instance].mark, upper, __ATOMIC_RELEASE);
			next = pvmi_page_word(upper, count, arrived + 1);
		}
		if (__atomic_compare_exchange_n(&page->word, &word, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			return arrived + 1 >= count ? PVMI_PAGE_LET_GO : PVMI_PAGE_WAIT;
	}
}

/* After WAIT: how it stands. */
static inline enum pvmi_page_answer pvmi_page_look(struct pvmi_group_page *page, uint32_t generation)
{
	uint32_t upper = pvmi_page_upper(page);

	if ((upper & PVMI_PAGE_GENERATION) != generation)
		return PVMI_PAGE_LET_GO;
	return upper & PVMI_PAGE_WITHDRAWN ? PVMI_PAGE_GONE : PVMI_PAGE_WAIT;
}

/* The daemon: from now on the page is of no use. Returns the count of the barrier that had begun (0: none);
 * whoever then has its generation as mark waits in it. May be repeated. The sleepers are to be woken. */
static inline uint32_t pvmi_page_withdraw(struct pvmi_group_page *page, uint32_t *generation)
{
	uint64_t word = __atomic_fetch_or(&page->word, (uint64_t)PVMI_PAGE_WITHDRAWN << 32, __ATOMIC_SEQ_CST);

	*generation = (uint32_t)(word >> 32) & PVMI_PAGE_GENERATION;
	return (uint32_t)(word >> 16) & 0xffff;
}

#endif
