/* cache.h: cache lines that another processor has. */
#ifndef PVMI_ARCH_CACHE_H
#define PVMI_ARCH_CACHE_H

/* The line at this address, for writing. The compiler's own builtin fetches it to read, unless it is
 * told of processors that older ones are not: these treat the instruction as none. */
static inline void pvmi_prefetch_to_write(const void *at)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
}

#endif
