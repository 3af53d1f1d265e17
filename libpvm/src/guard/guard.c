/* guard.c: see guard.h. */
#include <linux/membarrier.h>

#include "../../../native/checkpoint/include/ckpt.h"
#include "../sys/sys.h"
#include "guard.h"
#include "trace.h"

#define COLLISION_SPINS 200     /* the agent's turns are short */

struct pvmi_guard pvmi_guard;

static inline void set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

void pvmi_guard_start(void)
{
	pvmi_guard.no_membarrier =
		sys_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) < 0;
}

void pvmi_guard_hear_barriers(void)
{
	bool hears = sys_membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) >= 0 && pvmi_guard_barrier_for_all();

	__atomic_store_n(&pvmi_guard.hears_barriers, hears, __ATOMIC_RELEASE);
}

bool pvmi_guard_barrier_for_all(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (sys_membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) >= 0)
		return true;
	__atomic_store_n(&pvmi_guard.hears_barriers, 0, __ATOMIC_RELAXED);
	return false;
}

/* Keep the compiler, and where there is no membarrier the processor, from looking before the store. */
static inline void after_store(void)
{
	if (__builtin_expect(pvmi_guard.no_membarrier, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Nothing of ours is half done here: a freeze may happen now. `inside` is 0. */
static void wait_while_at_work(void)
{
	int spins = COLLISION_SPINS;

	while (get(&pvmi_guard.agent_at_work)) {
		if (ckpt_freezing()) {
			ckpt_park();
			continue;
		}
		if (spins-- > 0) {
			pvmi_pause();
			continue;
		}
		set(&pvmi_guard.sleeping, 1);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		sys_futex_wait(&pvmi_guard.agent_at_work, 1, NULL);
		set(&pvmi_guard.sleeping, 0);
	}
}

/* The agent may be waiting for us to step back: we do, until it is done. */
static __attribute__((noinline)) void give_way(void)
{
	pvmi_guard.collisions++;
	do {
		set(&pvmi_guard.inside, 0);
		wait_while_at_work();
		set(&pvmi_guard.inside, 1);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (get(&pvmi_guard.agent_at_work));
	pvmi_trace(COLLISION, pvmi_guard.collisions, 0);
}

void pvmi_guard_resume(void)
{
	set(&pvmi_guard.inside, 1);
	after_store();
	if (__builtin_expect(get(&pvmi_guard.agent_at_work), 0))
		give_way();
}

void pvmi_guard_pause(void)
{
	set(&pvmi_guard.inside, 0);
}

void pvmi_enter(void)
{
	if (pvmi_guard.depth) {
		pvmi_guard.depth++;
		return;
	}
	/* The owner first: a signal handler that sees the depth must know whose it is. */
	pvmi_guard.owner = pvmi_thread_pointer();
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pvmi_guard.depth = 1;
	pvmi_guard_resume();
	pvmi_guard.calls++;
}

void pvmi_leave(void)
{
	pvmi_assert(pvmi_guard.depth > 0);
	if (pvmi_guard.depth > 1) {
		pvmi_guard.depth--;
		return;
	}
	set(&pvmi_guard.inside, 0);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pvmi_guard.depth = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* Asked for while the signal found us inside: this is the safe point it was put off to. */
	if (__builtin_expect(ckpt_freezing(), 0))
		ckpt_park();
}

bool pvmi_guard_outside(void)
{
	return !pvmi_guard.depth || pvmi_guard.owner != pvmi_thread_pointer();
}

void pvmi_guard_release(void)
{
	__atomic_store_n(&pvmi_guard.agent_at_work, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (get(&pvmi_guard.sleeping))
		sys_futex_wake(&pvmi_guard.agent_at_work, 1);
}

static void announce(void)
{
	__atomic_store_n(&pvmi_guard.agent_at_work, 1, __ATOMIC_SEQ_CST);
	if (pvmi_guard.no_membarrier)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

bool pvmi_guard_try(void)
{
	if (get(&pvmi_guard.inside))
		return false;
	announce();
	if (!get(&pvmi_guard.inside)) {
		set(&pvmi_guard.turns, pvmi_guard.turns + 1);
		return true;
	}
	pvmi_guard_release();
	return false;
}

bool pvmi_guard_take(bool (*given_up)(void))
{
	static const struct timespec tick = { 0, 50000 };
	uint32_t nobody = 0;
	int spins = COLLISION_SPINS;

	announce();
	while (get(&pvmi_guard.inside)) {
		if (given_up()) {
			pvmi_guard_release();
			return false;
		}
		if (spins-- > 0)
			pvmi_pause();
		else
			sys_futex_wait(&nobody, 0, &tick);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	set(&pvmi_guard.turns, pvmi_guard.turns + 1);
	return true;
}

void pvmi_guard_reset(void)
{
	set(&pvmi_guard.agent_at_work, 0);
	set(&pvmi_guard.hears_barriers, 0);
	pvmi_guard.turns++;             /* whatever the program thought of before is of another place */
	pvmi_guard_start();
}
