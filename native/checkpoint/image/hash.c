#include "hash.h"

#include <cpuid.h>

static void update(XXH3_state_t *state, const void *data, size_t length)
{
	XXH3_64bits_update(state, data, length);
}

/* The processor has it, and the kernel keeps its registers. */
static int has_avx2(void)
{
	const uint32_t os_and_avx = 1u << 27 | 1u << 28;
	uint32_t a, b, c, d, low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & os_and_avx) != os_and_avx)
		return 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & 1u << 5;
}

void ckpt_hash_start(struct ckpt_hash *hash)
{
	XXH3_64bits_reset(&hash->state);
	hash->update = has_avx2() ? ckpt_hash_update_avx2 : update;
}
