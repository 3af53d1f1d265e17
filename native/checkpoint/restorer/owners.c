/*
 * Thread numbers in the task's memory.
 *
 * The kernel gives every thread a new number, and glibc has written the old ones down:
 *   - in the thread's own record (at the address the kernel clears when it ends), from which
 *     everything reads it that is asked for later;
 *   - in locks that are held: recursive, error-checking, robust and priority-inheriting mutexes and
 *     write-locked rwlocks name their owner. (A plain mutex does, too, but nobody looks there.)
 *   - on the stack of a thread that waits for such a lock (arch/x86_64/renumber.c).
 * Held locks are found by their looks as the pages come in: mutexes and rwlocks of glibc have one
 * layout for all versions, for programs contain it. What is found is looked at again when all memory
 * is there, and changed only where the owner is a thread of the task.
 */
#include "restorer.h"

#include <linux/futex.h>
#include <ucontext.h>

#define MOST_NUMBER (1u << 22)          /* PID_MAX_LIMIT */

/* pthread_mutex_t. */
struct mutex {
	uint32_t lock, count, owner, users, kind, spins;
};
#define KIND_MOST 0x3ffu                /* with the bits that say nothing of the owner: */
#define KIND_OTHER 0x380u
#define KIND_TYPE 0x0fu                 /* 1 recursive, 2 error-checking; 0 and 3 are plain */
#define KIND_KERNEL 0x30u               /* robust or priority-inheriting: the owner is in `lock`, too */
#define KIND_CEILING 0x40u
#define MOST_USERS 65536u
#define INCONSISTENT 0x7fffffffu        /* owner: it has taken over from a dead one */

/* pthread_rwlock_t: while a writer holds it. */
struct rwlock {
	uint32_t readers, writers, phase_futex, writers_futex, pad[2], owner, shared;
	uint64_t zero[2];
	uint32_t flags;
};

/* ------------------------------------------------------------------ looks */

static bool is_number(uint32_t value)
{
	return value - 1 < MOST_NUMBER;
}

/* Held, and of a kind for which it matters by whom. `users` comes first: it makes the difference to
 * an array of small numbers. */
static bool is_mutex(const struct mutex *mutex)
{
	uint32_t kind = mutex->kind & ~KIND_OTHER, type = kind & KIND_TYPE;

	if (mutex->users - 1 >= MOST_USERS || mutex->spins || mutex->kind > KIND_MOST || type > 3)
		return false;
	if (kind & KIND_KERNEL)
		return !(kind & KIND_CEILING) && is_number(mutex->lock & FUTEX_TID_MASK) &&
		       (mutex->owner == (mutex->lock & FUTEX_TID_MASK) || mutex->owner == INCONSISTENT);
	return (type == 1 || type == 2) && is_number(mutex->owner) &&
	       (kind & KIND_CEILING || mutex->lock - 1 < 2);
}

static bool is_rwlock(const struct rwlock *lock)
{
	return (lock->readers & 3) == 3 && (lock->phase_futex & ~2u) == 1 && (lock->writers_futex & ~2u) == 1 &&
	       !lock->pad[0] && !lock->pad[1] && is_number(lock->owner) && !(lock->shared & ~0x81u) &&
	       !lock->zero[0] && !lock->zero[1] && lock->flags < 3;
}

/* ------------------------------------------------------------------ while pages come */

/* Too many: then all memory is looked at when it is complete. */
static void note(uintptr_t at)
{
	if (restorer.lock_count < MAX_LOCKS)
		restorer.locks[restorer.lock_count++] = at;
	else
		restorer.locks_incomplete = true;
}

/* The words that are rare are looked at first: all memory passes here. `shift`: from where these bytes
 * are to where they belong. */
static void look(const uint8_t *from, uintptr_t till, uintptr_t shift)
{
	const uint64_t *word = (const uint64_t *)from, *last = (const uint64_t *)till;

	for (; word < last; word++) {
		if (__builtin_expect(word[2] - 1 < KIND_MOST, 0) && is_mutex((const struct mutex *)word))
			note((uintptr_t)word + shift);
		else if (__builtin_expect((word[1] & ~0x200000002ull) == 0x100000001ull, 0) &&
			 is_rwlock((const struct rwlock *)word))
			note((uintptr_t)word + shift);
	}
}

/* Of pages that have just come: `content` is a copy that is at hand. A lock may begin in the page
 * before, or end in the page behind, whichever comes first; behind the end of a file there is none. */
void note_locks(const struct area *area, uintptr_t start, uintptr_t end, const uint8_t *content)
{
	const size_t most = sizeof(struct rwlock) - sizeof(uint64_t);
	bool ends = area->kind == mpvm_image_Area_Kind_FILE_PRIVATE || area->end - end < most;

	look((const uint8_t *)(start - area->start < most ? area->start : start - most), start, 0);
	look(content, (uintptr_t)content + (end - start) - most, start - (uintptr_t)content);
	if (!ends)
		look((const uint8_t *)end - most, end, 0);
}

/* ------------------------------------------------------------------ when all is there */

/* May the task's code have written there? */
static bool is_writable(uintptr_t at, size_t length)
{
	const struct area *area = area_at(at);

	return !(at & 3) && area && !area->transient && at + length <= area->end &&
	       (area->protection & (PROT_READ | PROT_WRITE)) == (PROT_READ | PROT_WRITE);
}

/* First all new values are found, then written: one object may be mapped twice, and a new number
 * may be another thread's old one. */
struct change {
	uint32_t *at, value;
};
static struct change changes[2 * MAX_LOCKS];
static size_t change_count;

static void change(uint32_t *at, uint32_t mask)
{
	const struct thread *thread = thread_of(*at & mask);

	if (thread)
		changes[change_count++] = (struct change){ at, (*at & ~mask) | thread->tid };
}

static void look_everywhere(void)
{
	size_t i;

	restorer.locks_incomplete = false;
	restorer.lock_count = 0;
	for (i = 0; i < restorer.area_count; i++)
		if (is_writable(restorer.areas[i].start, CKPT_PAGE))
			note_locks(&restorer.areas[i], restorer.areas[i].start, restorer.areas[i].end,
				   (const uint8_t *)restorer.areas[i].start);
	if (restorer.locks_incomplete)
		give_up("IMAGE_TOO_LARGE", "more than %d locks that are held", MAX_LOCKS);
}

static void renumber_locks(void)
{
	size_t i;

	change_count = 0;
	if (restorer.locks_incomplete)
		look_everywhere();
	for (i = 0; i < restorer.lock_count; i++) {
		struct mutex *mutex = (struct mutex *)restorer.locks[i];

		if (!is_writable((uintptr_t)mutex, sizeof(struct rwlock)))
			continue;
		if (is_mutex(mutex)) {
			change(&mutex->owner, ~0u);
			if (mutex->kind & KIND_KERNEL)
				change(&mutex->lock, FUTEX_TID_MASK);
		} else if (is_rwlock((struct rwlock *)mutex)) {
			change(&((struct rwlock *)mutex)->owner, ~0u);
		}
	}
	for (i = 0; i < change_count; i++)
		*changes[i].at = changes[i].value;
}

/* Of a thread that waits for a lock whose functions keep its number meanwhile. */
static void renumber_waiter(const struct thread *thread)
{
	uintptr_t context = thread->wanted.context, futex;
	const struct mutex *mutex;
	const struct area *stack;

	if (!context || !is_writable(context, sizeof(ucontext_t)))
		return;
	futex = ckpt_arch_awaited_futex((void *)context);
	mutex = (const struct mutex *)futex;
	if (!futex || !is_writable(futex, sizeof(*mutex)) || mutex->kind - 1 >= KIND_MOST)
		return;
	stack = area_at(ckpt_arch_context_stack((void *)context));
	if (stack && stack->protection & PROT_WRITE)
		ckpt_arch_renumber((void *)context, stack->end, thread->wanted.tid, thread->tid);
}

void renumber_threads(void)
{
	size_t i;

	renumber_locks();
	for (i = 0; i < restorer.thread_count; i++) {
		const struct thread *thread = &restorer.threads[i];
		uint32_t *own = (uint32_t *)(uintptr_t)thread->wanted.tid_address;

		renumber_waiter(thread);
		/* Other C libraries may have something else there. */
		if (is_writable((uintptr_t)own, sizeof(*own)) && *own == thread->wanted.tid)
			*own = thread->tid;
	}
}
