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
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>

#include "arch.h"
#include "syscall.h"

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

static long restart_call(void *ucontext, const struct ckpt_call *seen)
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

/* Does it stand before a system call that it was waiting in, and will make again? */
static bool is_waiting(const greg_t *regs, const struct ckpt_call *seen)
{
	const uint8_t *ip = (const uint8_t *)regs[REG_RIP];

	if (((uintptr_t)ip & 4095) > 4094 || ip[0] != 0x0f || ip[1] != 0x05)
		return false;
	return regs[REG_RAX] == __NR_futex ||
	       (seen->number >= 0 && seen->sp == (uint64_t)regs[REG_RSP] && seen->ip == (uint64_t)ip + 2);
}

bool ckpt_arch_restart_call(void *ucontext, const struct ckpt_call *seen)
{
	greg_t *regs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;

	return restart_call(ucontext, seen) >= 0 || is_waiting(regs, seen);
}

/* In a register, or just above the stack pointer, where compilers spill what they are about to use.
 * What is dead there makes no difference but a little time. */
bool ckpt_arch_holds(const void *ucontext, bool (*is_number)(uint32_t))
{
	const greg_t *regs = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t sp = (uintptr_t)regs[REG_RSP] & ~3ul, at, end = sp + 64;
	int i;

	for (i = REG_R8; i <= REG_RCX; i++)
		if (!((uint64_t)regs[i] >> 32) && is_number(regs[i]))
			return true;
	if ((end & ~4095ul) != (sp & ~4095ul))
		end = (sp | 4095) + 1;  /* the stack may end here */
	for (at = sp; at < end; at += 4)
		if (is_number(*(const uint32_t *)at))
			return true;
	return false;
}

bool ckpt_arch_checks_sender(const void *ucontext, uint32_t pid)
{
	const greg_t *regs = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
	struct { int signo, error, code, pad; uint32_t pid; } info;
	struct iovec local = { &info, sizeof(info) }, remote = { NULL, sizeof(info) };
	int i;

	for (i = REG_R8; i <= REG_RCX; i++) {
		if ((uint64_t)regs[i] - (uint64_t)regs[REG_RSP] >= 4096 || regs[i] & 7)
			continue;
		remote.iov_base = (void *)regs[i];
		if (SYS(process_vm_readv, SYS(getpid), &local, 1, &remote, 1, 0) == sizeof(info) &&
		    (info.signo == 32 || info.signo == 33) && info.code == SI_TKILL && info.pid == pid)
			return true;
	}
	return false;
}
