/*
 * guard.h: who owns the library's state, the program's thread or the agent.
 *
 * An asymmetric Dekker lock. The program is the frequent side: it stores `inside` and looks at
 * `agent_at_work`, with no fence between. The agent is the rare side: it stores `agent_at_work`,
 * makes every running thread of the process pass a barrier (membarrier), and looks at `inside`.
 * Whoever comes second sees the other. The agent then steps back at once; the program waits, for
 * the agent either owns the state for some microseconds or is about to step back.
 *
 * This belongs to the process (its two threads), not to the task.
 */
#ifndef PVMI_GUARD_H
#define PVMI_GUARD_H

#include "../pvmi.h"

struct pvmi_guard {
	/* Written by the program's thread only. */
	uint32_t inside;
	uint32_t depth;                 /* calls within calls */
	unsigned long owner;            /* thread pointer of the thread inside */
	uint32_t calls;                 /* how often the library was entered: tells if calls have stopped */
	uint32_t collisions;
	uint32_t sleeping;              /* it waits for agent_at_work to become 0 */
	/* Written by the agent only. */
	uint32_t agent_at_work __attribute__((aligned(64)));
	uint32_t turns;                 /* how often it became the owner */
	/* Written before there is an agent. */
	uint32_t no_membarrier;         /* the program must fence for itself */
	/* Written by the agent when it begins, or where there is none, by the program. */
	uint32_t hears_barriers;        /* other processes can make this one pass a barrier */
};

extern struct pvmi_guard pvmi_guard;

/* Before the first agent, and again after a move: the kernel registers address spaces. */
void pvmi_guard_start(void);

/*
 * Between processes: one that is rarely in need of a full barrier on both sides pays for both. All
 * that have registered and run just now pass a barrier when another asks for it; who does not run
 * has passed one.
 */
void pvmi_guard_hear_barriers(void);    /* register; may take milliseconds in a process with several threads */
static inline bool pvmi_guard_hears_barriers(void)
{
	return __atomic_load_n(&pvmi_guard.hears_barriers, __ATOMIC_RELAXED);
}
/* A full barrier here, and on all that have registered. False: it cannot be asked for any more. */
bool pvmi_guard_barrier_for_all(void);

/* Agent: become the owner. False: the program is inside; try again when there is reason to. */
bool pvmi_guard_try(void);
/* Agent: become the owner as soon as the program leaves the library or sleeps in it. While the
 * agent waits, the program does not enter again. Not for a time when the program may be parked inside.
 * False: given_up became true meanwhile. */
bool pvmi_guard_take(bool (*given_up)(void));
void pvmi_guard_release(void);

/* Program, about to sleep in the library, and back: the agent may own the state meanwhile. */
void pvmi_guard_pause(void);
void pvmi_guard_resume(void);

/* In a signal handler: is this thread outside the library, so that it may stop where it is? */
bool pvmi_guard_outside(void);

/* The agent that may have held the guard does not exist here: after a move, in a forked child. */
void pvmi_guard_reset(void);

#endif
