/*
 * Making an interrupted system call again.
 *
 * The parking handler is installed with SA_RESTART, so most calls are restarted by the kernel. The
 * ones below return EINTR whatever the handler's flags are; the program must not see that. The
 * number of the call is gone from the saved context (rax holds -EINTR), its arguments are not: the
 * number comes from what the agent read just before it sent the signal, or, when the thread entered
 * the call after that, from the instruction that loaded it ("mov $nr, %eax" before "syscall", which
 * is what C libraries use).
 *
 * Calls that wait for a length of time are made again with what is left of it. Some tell; for the
 * others the agent has found out since when the thread slept (capture/calls.c).
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <signal.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <asm/prctl.h>
#include <time.h>
#include <ucontext.h>

#include "../../image/stream.h"
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

/* ------------------------------------------------------------------ what is left of a length of time */

/* Where such a call has it: a number of milliseconds, or the address of a timespec; -1: nowhere. */
struct place {
	int reg;
	bool milliseconds;
};

static struct place place_of(long number)
{
	switch (number) {
	case __NR_poll: return (struct place){ REG_RDX, true };
	case __NR_epoll_wait:
	case __NR_epoll_pwait: return (struct place){ REG_R10, true };
	case __NR_nanosleep: return (struct place){ REG_RDI, false };
	case __NR_clock_nanosleep:
	case __NR_rt_sigtimedwait: return (struct place){ REG_RDX, false };
	case __NR_epoll_pwait2:
	case __NR_semtimedop:
	case __NR_futex: return (struct place){ REG_R10, false };
	default: return (struct place){ -1, false };
	}
}

bool ckpt_arch_hides_rest(long number)
{
	return place_of(number).reg >= 0;
}

/* Until a point in time; or the kernel has told what is left. */
static bool needs_no_rest(long number, const greg_t *regs)
{
	switch (number) {
	case __NR_nanosleep: return regs[REG_RSI] != 0;
	case __NR_clock_nanosleep: return (regs[REG_RSI] & TIMER_IS_ABSOLUTE) || regs[REG_R10];
	case __NR_futex: return (regs[REG_RSI] & FUTEX_CMD_MASK) != FUTEX_WAIT;
	default: return false;
	}
}

/*
 * The program's own timespec is not ours to change, it may be a constant. A thread has one of these
 * to itself, as long as it lives and wherever it goes: it is known by its FS base, which moves leave
 * as it is. Without one it waits for the full time.
 */
#define RESTS 1024
static struct rest {
	uint64_t owner;
	struct timespec time;
} rests[RESTS];

static struct rest *own_rest(void)
{
	uint64_t self = 0, nobody;
	unsigned int i, first;

	SYS(arch_prctl, ARCH_GET_FS, &self);
	first = (unsigned int)(self * 0x9e3779b97f4a7c15ull >> 54);
	for (i = 0; self && i < RESTS; i++) {
		struct rest *rest = &rests[(first + i) % RESTS];

		nobody = 0;
		if (__atomic_load_n(&rest->owner, __ATOMIC_SEQ_CST) == self ||
		    __atomic_compare_exchange_n(&rest->owner, &nobody, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return rest;
	}
	return NULL;
}

/* How long it has slept; 0 when that is not known, or it has slept in something else since. */
static uint64_t slept_ns(const struct ckpt_call *seen)
{
	struct rusage usage;
	uint64_t now = ckpt_clock_ns(CLOCK_MONOTONIC);

	if (!seen->asleep_since || now <= seen->asleep_since || SYS(getrusage, RUSAGE_THREAD, &usage) < 0)
		return 0;
	return (uint64_t)usage.ru_nvcsw == seen->switches ? now - seen->asleep_since : 0;
}

static void set_milliseconds(greg_t *value, uint64_t slept)
{
	int32_t whole = (int32_t)*value;
	uint64_t gone = slept / 1000000;        /* rounded so that it is rather too long */

	if (whole > 0)
		*value = gone < (uint32_t)whole ? whole - (int32_t)gone : 0;
}

static void set_timespec(greg_t *value, uint64_t slept)
{
	struct timespec whole;
	struct iovec local = { &whole, sizeof(whole) }, remote = { (void *)*value, sizeof(whole) };
	struct rest *rest;
	uint64_t left;

	if (!*value || SYS(process_vm_readv, SYS(getpid), &local, 1, &remote, 1, 0) != sizeof(whole))
		return;
	if (whole.tv_sec < 0 || whole.tv_sec > INT32_MAX || !(rest = own_rest()))
		return;
	left = (uint64_t)whole.tv_sec * 1000000000u + (uint64_t)whole.tv_nsec;
	left = left > slept ? left - slept : 0;
	rest->time = (struct timespec){ (time_t)(left / 1000000000u), (long)(left % 1000000000u) };
	*value = (greg_t)&rest->time;
}

static void shorten(long number, greg_t *regs, const struct ckpt_call *seen)
{
	struct place place = place_of(number);
	uint64_t slept;

	if (place.reg < 0 || needs_no_rest(number, regs) || !(slept = slept_ns(seen)))
		return;
	if (place.milliseconds)
		set_milliseconds(&regs[place.reg], slept);
	else
		set_timespec(&regs[place.reg], slept);
}

/* ------------------------------------------------------------------ making it again */

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
	shorten(number, regs, seen);

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
	case __NR_poll:                 /* these have been shortened, as far as it is known by how much */
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

bool ckpt_arch_near_call(const void *ucontext)
{
	uintptr_t ip = (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
	uintptr_t at = ip - 32, end = ip + 64;

	/* Code may begin and end with this page. */
	if ((at & ~4095ul) != (ip & ~4095ul))
		at = ip & ~4095ul;
	if ((end & ~4095ul) != (ip & ~4095ul))
		end = ip | 4095;
	for (; at < end; at++)
		if (((const uint8_t *)at)[0] == 0x0f && ((const uint8_t *)at)[1] == 0x05)
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
