/*
 * Making an interrupted system call again.
 *
 * The parking handler is installed with SA_RESTART, so most calls are restarted by the kernel. The
 * ones below return EINTR whatever the handler's flags are; the program must not see that. The
 * number of the call is gone from the saved context (rax holds -EINTR), its arguments are not: the
 * number comes from what the agent read just before it sent the signal, or, when the thread entered
 * the call after that, from the instruction that loaded it ("mov $nr, %eax" before "syscall", which
 * is what C libraries use).
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <string.h>
#include <ucontext.h>

#include "arch.h"

#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#define TIMER_IS_ABSOLUTE 1

static long number_of(const greg_t *regs, const struct ckpt_call *seen)
{
	const uint8_t *ip = (const uint8_t *)regs[REG_RIP];
	uint32_t loaded;

	if (seen->number >= 0 && seen->number != __NR_restart_syscall &&
	    seen->ip == (uint64_t)regs[REG_RIP] && seen->sp == (uint64_t)regs[REG_RSP])
		return seen->number;
	/* Do not look across a page boundary: what is there need not be mapped. */
	if (((uintptr_t)ip & 4095) < 7 || ip[-7] != 0xb8)
		return -1;
	memcpy(&loaded, ip - 6, sizeof(loaded));
	return loaded;
}

long ckpt_arch_restart_call(void *ucontext, const struct ckpt_call *seen)
{
	greg_t *regs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	const uint8_t *ip = (const uint8_t *)regs[REG_RIP];
	long number;

	if (regs[REG_RAX] != -EINTR || ((uintptr_t)ip & 4095) < 2)
		return -1;
	if (ip[-2] != 0x0f || ip[-1] != 0x05)
		return -1;
	number = number_of(regs, seen);

	switch (number) {
	case __NR_nanosleep:
		if (regs[REG_RSI])
			regs[REG_RDI] = regs[REG_RSI];  /* what was left, as the kernel has just written */
		break;
	case __NR_clock_nanosleep:
		if (!(regs[REG_RSI] & TIMER_IS_ABSOLUTE) && regs[REG_R10])
			regs[REG_RDX] = regs[REG_R10];
		break;
	case __NR_select:               /* these three update their timeout in place */
	case __NR_pselect6:
	case __NR_ppoll:
	case __NR_poll:                 /* the rest wait for their full time again */
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_rt_sigtimedwait:
	case __NR_rt_sigsuspend:
	case __NR_pause:
	case __NR_futex:
	case __NR_futex_waitv:
	case __NR_semop:
	case __NR_semtimedop:
	case __NR_msgrcv:
	case __NR_msgsnd:
		break;
	default:
		return -1;
	}
	regs[REG_RAX] = number;
	regs[REG_RIP] -= 2;
	return number;
}
