/*
 * syscall.h: the system call instruction of x86-64. A failure comes back as a negative errno;
 * the errno variable is never touched, because the agent shares the main thread's TLS.
 */
#ifndef PVMI_ARCH_SYSCALL_H
#define PVMI_ARCH_SYSCALL_H

static inline long pvmi_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long pvmi_syscall3(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/* Cycles since some start that differs from machine to machine: for intervals of microseconds only. */
static inline unsigned long pvmi_ticks(void)
{
	unsigned int low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (unsigned long)high << 32 | low;
}

static inline void pvmi_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* Tells threads apart without a system call (the agent's equals its creator's). */
static inline unsigned long pvmi_thread_pointer(void)
{
	unsigned long pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

#endif
