/* Called only where the processor can (hash.c). */
#pragma GCC target("avx2")
#pragma GCC optimize("O3")
#include "hash.h"

void ckpt_hash_update_avx2(XXH3_state_t *state, const void *data, size_t length)
{
	XXH3_64bits_update(state, data, length);
}
