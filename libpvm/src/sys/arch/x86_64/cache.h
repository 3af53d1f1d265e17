/* cache.h: cache lines that another processor has, or will want. */
#ifndef PVMI_ARCH_CACHE_H
#define PVMI_ARCH_CACHE_H

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The line at this address, for writing. The compiler's own builtin fetches it to read, unless it is
 * told of processors that older ones are not: these treat the instruction as none. */
static inline void pvmi_prefetch_to_write(const void *at)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
}

/*
 * A copy that somebody else will read, past the cache: where another processor has read these lines
 * before, an ordinary copy takes back each line first, and the reader fetches each from our cache.
 * Seen by all when it returns. `to` is aligned to 16.
 */
static inline void pvmi_copy_for_others(void *to, const void *from, size_t length)
{
	const uint8_t *in = from;
	uint8_t *out = to;

	for (; length >= 64; in += 64, out += 64, length -= 64) {
		__m128i a = _mm_loadu_si128((const __m128i *)in), b = _mm_loadu_si128((const __m128i *)(in + 16));
		__m128i c = _mm_loadu_si128((const __m128i *)(in + 32)), d = _mm_loadu_si128((const __m128i *)(in + 48));

		_mm_stream_si128((__m128i *)out, a);
		_mm_stream_si128((__m128i *)(out + 16), b);
		_mm_stream_si128((__m128i *)(out + 32), c);
		_mm_stream_si128((__m128i *)(out + 48), d);
	}
	memcpy(out, in, length);
	_mm_sfence();
}

#endif
