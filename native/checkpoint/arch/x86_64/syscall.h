/* Raw system calls: no errno, no TLS, no cancellation; the result is the kernel's (-errno on failure). */
#ifndef CKPT_ARCH_SYSCALL_H
#define CKPT_ARCH_SYSCALL_H

#include <asm/unistd.h>

static inline long ckpt_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define CKPT_SYS_PICK(nr, a, b, c, d, e, f, ...) \
	ckpt_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* SYS(name, arguments...): up to six, the rest are zero. */
#define SYS(name, ...) CKPT_SYS_PICK(__NR_##name __VA_OPT__(,) __VA_ARGS__, 0, 0, 0, 0, 0, 0)

#endif
