/*
 * The number of a thread that waits in a lock function, as the restorer sees it.
 *
 * Such a function reads the thread's number once, waits, and writes it into the lock when it is its
 * turn (glibc: robust mutexes, and pthread_mutex_timedlock). The number lies in a register that
 * calls preserve, or in the function's own part of the stack.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <ucontext.h>

#include "arch.h"

#define OWN_STACK 384           /* of the lock function and those it has called, in bytes */

uintptr_t ckpt_arch_awaited_futex(const void *ucontext)
{
	const greg_t *regs = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

	return regs[REG_RAX] == __NR_futex ? regs[REG_RDI] : 0;
}

uintptr_t ckpt_arch_context_stack(const void *ucontext)
{
	return ((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP];
}

void ckpt_arch_renumber(void *ucontext, uintptr_t stack_end, uint32_t old, uint32_t new)
{
	static const int preserved[] = { REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15 };
	greg_t *regs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t at, end = (regs[REG_RSP] & ~3ul) + OWN_STACK;
	unsigned int i;

	for (i = 0; i < sizeof(preserved) / sizeof(preserved[0]); i++)
		if ((uint64_t)regs[preserved[i]] == old)
			regs[preserved[i]] = new;
	for (at = regs[REG_RSP] & ~3ul; at < end && at + 4 <= stack_end; at += 4)
		if (*(uint32_t *)at == old)
			*(uint32_t *)at = new;
}
