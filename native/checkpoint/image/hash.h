/*
 * hash.h: the checksum of the stream (XXH3, 64 bits). Every byte passes through it at both ends, so it
 * is compiled twice, for any processor and for those with AVX2; the result is the same.
 */
#ifndef CKPT_HASH_H
#define CKPT_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct ckpt_hash {
	XXH3_state_t state;
	void (*update)(XXH3_state_t *state, const void *data, size_t length);
};

void ckpt_hash_start(struct ckpt_hash *hash);

static inline void ckpt_hash_update(struct ckpt_hash *hash, const void *data, size_t length)
{
	hash->update(&hash->state, data, length);
}

static inline uint64_t ckpt_hash_value(const struct ckpt_hash *hash)
{
	return XXH3_64bits_digest(&hash->state);
}

/* hash_avx2.c */
void ckpt_hash_update_avx2(XXH3_state_t *state, const void *data, size_t length);

#endif
