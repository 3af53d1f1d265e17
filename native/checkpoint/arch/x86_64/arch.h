/* What the engine knows of x86-64: the registers of a parked thread, and restarting system calls. */
#ifndef CKPT_ARCH_H
#define CKPT_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#define CKPT_ARCHITECTURE 1     /* mpvm.image.Header.architecture */
#define CKPT_SAVED 7            /* words of mpvm.image.Thread.saved */

/* A thread parked as in setjmp. park.S knows the layout. */
struct ckpt_registers {
	uint64_t saved[CKPT_SAVED];     /* rbx rbp r12 r13 r14 r15, then mxcsr and x87 control word */
	uint64_t sp;
	uint64_t ip;
};

/* Returns 0; and 1, with the same frame, when ckpt_arch_resume jumps here at the destination. */
int ckpt_arch_save(struct ckpt_registers *registers) __attribute__((returns_twice));
void ckpt_arch_resume(const struct ckpt_registers *registers) __attribute__((noreturn));

/* A system call seen in /proc/self/task/TID/syscall just before the thread was signalled. */
struct ckpt_call {
	long number;            /* -1: not in one */
	uint64_t sp, ip;
	uint64_t asleep_since;  /* CLOCK_MONOTONIC, not before it fell asleep in it; 0: not known */
	uint64_t switches;      /* how often it had fallen asleep by then */
};

/* Does the call wait for a length of time, without telling what is left of it when it is interrupted? */
bool ckpt_arch_hides_rest(long number);

/* In the parking signal's handler: if the signal made a call that the kernel does not restart by
 * itself return EINTR, change the saved context so that it is made again, with the time left where
 * the kernel has told it. True when the thread was waiting in a call, and will make it again. */
bool ckpt_arch_restart_call(void *ucontext, const struct ckpt_call *seen);

/* Does the thread that the signal stopped have such a number in a register or on top of its stack? */
bool ckpt_arch_holds(const void *ucontext, bool (*is_number)(uint32_t));

/* Is there a system call within a few instructions of where it is, as in raise() and getpid()? */
bool ckpt_arch_near_call(const void *ucontext);

/* Does it look at a siginfo_t on its stack of one of glibc's signals from this process: is it at the
 * beginning of such a handler? */
bool ckpt_arch_checks_sender(const void *ucontext, uint32_t pid);

/* The same thread, seen by the restorer: if it waits for a futex, the futex's address, else 0; and
 * change every copy of its number that the functions which wait there have kept. */
uintptr_t ckpt_arch_awaited_futex(const void *ucontext);
uintptr_t ckpt_arch_context_stack(const void *ucontext);        /* its stack pointer */
void ckpt_arch_renumber(void *ucontext, uintptr_t stack_end, uint32_t old, uint32_t new);

/* A thread that runs entry(argument), which does not return; *tid is its number. -errno on failure. */
long ckpt_arch_clone(unsigned long flags, void *stack_top, uint32_t *tid, void (*entry)(void *),
		     void *argument);

static inline uint64_t ckpt_arch_stack_pointer(void)
{
	uint64_t sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return sp;
}
#endif
