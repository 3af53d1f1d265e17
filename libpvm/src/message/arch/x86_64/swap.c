/*
 * swap.c: see swap.h. The loops are the same; what the compiler may use for them differs: of the
 * baseline nothing turns bytes round in a vector, SSSE3 and AVX2 do it with one instruction.
 */
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "../../swap.h"

/* The libgcc way of asking remembers the processor that the process was started on. */
struct processor {
	bool ssse3, avx2;
};

static struct processor ask(void)
{
	struct processor processor = { false, false };
	unsigned int a, b, c, d, low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return processor;
	processor.ssse3 = c & bit_SSSE3;
	if (!(c & bit_OSXSAVE) || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return processor;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	/* The system keeps the upper halves of the registers, too. */
	processor.avx2 = (b & bit_AVX2) && (low & 6) == 6;
	return processor;
}

#define SWAPS(name, target)                                                                     \
target static void four_##name(uint8_t *to, const uint8_t *from, size_t count)                  \
{                                                                                               \
	uint32_t value;                                                                         \
	size_t i;                                                                               \
	for (i = 0; i < count; i++) {                                                           \
		memcpy(&value, from + 4 * i, 4);                                                \
		value = __builtin_bswap32(value);                                               \
		memcpy(to + 4 * i, &value, 4);                                                  \
	}                                                                                       \
}                                                                                               \
target static void eight_##name(uint8_t *to, const uint8_t *from, size_t count)                 \
{                                                                                               \
	uint64_t value;                                                                         \
	size_t i;                                                                               \
	for (i = 0; i < count; i++) {                                                           \
		memcpy(&value, from + 8 * i, 8);                                                \
		value = __builtin_bswap64(value);                                               \
		memcpy(to + 8 * i, &value, 8);                                                  \
	}                                                                                       \
}
#define VECTOR(set) __attribute__((target(set), optimize("O3")))

SWAPS(plain, )
SWAPS(ssse3, VECTOR("ssse3"))
SWAPS(avx2, VECTOR("avx2"))

static const struct pvmi_swaps ways[] = {
	{ "plain", four_plain, eight_plain },
	{ "ssse3", four_ssse3, eight_ssse3 },
	{ "avx2", four_avx2, eight_avx2 },
};

const struct pvmi_swaps *pvmi_swaps_possible(unsigned int index)
{
	struct processor processor = ask();
	bool possible[] = { true, processor.ssse3, processor.avx2 };
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (possible[i] && !index--)
			return &ways[i];
	return NULL;
}

static void four_first(uint8_t *to, const uint8_t *from, size_t count)
{
	pvmi_swaps_choose();
	pvmi_swaps->four(to, from, count);
}

static void eight_first(uint8_t *to, const uint8_t *from, size_t count)
{
	pvmi_swaps_choose();
	pvmi_swaps->eight(to, from, count);
}

static const struct pvmi_swaps not_chosen = { "not chosen", four_first, eight_first };
const struct pvmi_swaps *pvmi_swaps = &not_chosen;

void pvmi_swaps_choose(void)
{
	const struct pvmi_swaps *best = &ways[0], *way;
	unsigned int i;

	for (i = 0; (way = pvmi_swaps_possible(i)); i++)
		best = way;
	pvmi_swaps = best;
}
