/* processor.h: on which processor does this thread run? Without a system call. */
#ifndef PVMI_ARCH_PROCESSOR_H
#define PVMI_ARCH_PROCESSOR_H

#include <stdint.h>

/* The kernel keeps the number beside the time stamp counter, for this purpose. It is true when it
 * is read, and a hint afterwards. (The limit of the kernel's segment for it, lsl, is a little
 * quicker to read, and unknown to valgrind.) */
static inline uint32_t pvmi_processor(void)
{
	uint32_t low, high, number;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(number));
	return number & 0xfff;
}

#endif
