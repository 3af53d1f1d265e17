/* processor.h: on which processor does this thread run? Without a system call. */
#ifndef PVMI_ARCH_PROCESSOR_H
#define PVMI_ARCH_PROCESSOR_H

#include <linux/rseq.h>
#include <stddef.h>
#include <stdint.h>

#include "syscall.h"

/* Where libc lets the kernel write the number (restartable sequences), from glibc 2.35 on. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* True when it is read, and a hint afterwards. UINT32_MAX where nobody keeps the number. */
static inline uint32_t pvmi_processor(void)
{
	const struct rseq *area;

	if (!&__rseq_size || !__rseq_size)
		return UINT32_MAX;
	area = (const struct rseq *)(pvmi_thread_pointer() + (unsigned long)__rseq_offset);
	return __atomic_load_n(&area->cpu_id, __ATOMIC_RELAXED);
}

#endif
