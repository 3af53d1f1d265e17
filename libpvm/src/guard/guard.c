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

/* Keep the compiler, and where there is no membarrier the processor, from looking before the store. */
static inline void after_store(void)
{
	if (__builtin_expect(pvmi_guard.no_membarrier, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void park_at_entry(void)
{
	set(&pvmi_guard.inside, 0);
	pvmi_guard.depth = 0;
	ckpt_park();
	pvmi_guard.depth = 1;
	pvmi_guard.owner = pvmi_thread_pointer();
	set(&pvmi_guard.inside, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static __attribute__((noinline)) void wait_for_agent(void)
{
	int spins = COLLISION_SPINS;

	pvmi_guard.collisions++;
	while (get(&pvmi_guard.agent_at_work)) {
		if (ckpt_freezing()) {
			park_at_entry();
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
	pvmi_trace(COLLISION, pvmi_guard.collisions, 0);
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
	set(&pvmi_guard.inside, 1);
	after_store();
	if (__builtin_expect(get(&pvmi_guard.agent_at_work), 0))
		wait_for_agent();
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

bool pvmi_guard_try(void)
{
	if (get(&pvmi_guard.inside))
		return false;
	__atomic_store_n(&pvmi_guard.agent_at_work, 1, __ATOMIC_SEQ_CST);
	if (pvmi_guard.no_membarrier)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	if (!get(&pvmi_guard.inside))
		return true;
	pvmi_guard_release();
	return false;
}

void pvmi_guard_reset(void)
{
	set(&pvmi_guard.agent_at_work, 0);
	pvmi_guard_start();
}
