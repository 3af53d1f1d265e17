#include "siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t load(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	while (n--)
		x = x << 8 | p[n];
	return x;
}

static void rounds(struct state *s, int n)
{
	while (n--) {
		s->v0 += s->v1; s->v1 = rotate(s->v1, 13); s->v1 ^= s->v0; s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3; s->v3 = rotate(s->v3, 16); s->v3 ^= s->v2;
		s->v0 += s->v3; s->v3 = rotate(s->v3, 21); s->v3 ^= s->v0;
		s->v2 += s->v1; s->v1 = rotate(s->v1, 17); s->v1 ^= s->v2; s->v2 = rotate(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static void emit(const struct state *s, uint8_t *out)
{
	uint64_t x = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	int i;

	for (i = 0; i < 8; i++)
		out[i] = x >> (8 * i);
}

void ckpt_siphash128(const uint8_t key[16], const void *data, size_t length, uint8_t out[16])
{
	const uint8_t *p = data;
	uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	struct state s = {
		k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
	};
	size_t left = length;

	for (; left >= 8; left -= 8, p += 8)
		absorb(&s, load(p, 8));
	absorb(&s, load(p, left) | (uint64_t)length << 56);
	s.v2 ^= 0xee;
	rounds(&s, 4);
	emit(&s, out);
	s.v1 ^= 0xdd;
	rounds(&s, 4);
	emit(&s, out + 8);
}
