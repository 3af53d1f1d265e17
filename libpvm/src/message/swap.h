/*
 * swap.h: numbers in a row, each with its bytes the other way round: XDR to and from memory.
 *
 * The fastest way that this processor has is chosen when the first number is packed, and again
 * after a move: the next processor may not have it.
 */
#ifndef PVMI_SWAP_H
#define PVMI_SWAP_H

#include <stddef.h>
#include <stdint.h>

struct pvmi_swaps {
	const char *name;
	/* count numbers of 4, 8 bytes; addresses are any, and may be the same. */
	void (*four)(uint8_t *to, const uint8_t *from, size_t count);
	void (*eight)(uint8_t *to, const uint8_t *from, size_t count);
};
extern const struct pvmi_swaps *pvmi_swaps;

/* What each processor here could use, worst first; NULL behind the last. For tests, and for choosing. */
const struct pvmi_swaps *pvmi_swaps_possible(unsigned int index);
void pvmi_swaps_choose(void);

#endif
