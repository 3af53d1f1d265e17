/* processor.h: on which processor does this thread run? Without a system call. */
#ifndef PVMI_ARCH_PROCESSOR_H
#define PVMI_ARCH_PROCESSOR_H

#include <stdint.h>

/* The kernel keeps the number in the limit of a segment of its own, for this purpose. It is true
 * when it is read, and a hint afterwards. */
static inline uint32_t pvmi_processor(void)
{
	uint32_t limit = 0;

	__asm__ volatile("lsl %1, %0" : "+r"(limit) : "r"(0x7bU) : "cc");
	return limit & 0xfff;
}

#endif
