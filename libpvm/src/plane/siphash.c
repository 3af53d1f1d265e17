/* siphash.c: see siphash.h. After the definition by Aumasson and Bernstein. */
#include <string.h>

#include "siphash.h"

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t word, int by)
{
	return word << by | word >> (64 - by);
}

static void rounds(struct state *s, int count)
{
	while (count--) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	rounds(s, 2);
	s->a ^= word;
}

static void squeeze(struct state *s, uint8_t *out)
{
	uint64_t word;

	rounds(s, 4);
	word = s->a ^ s->b ^ s->c ^ s->d;
	memcpy(out, &word, 8);
}

void pvmi_siphash(const uint8_t key[16], const void *data, size_t length, uint8_t out[16])
{
	const uint8_t *at = data;
	uint64_t k0, k1, word, last = (uint64_t)length << 56;
	struct state s;
	size_t left;

	memcpy(&k0, key, 8);
	memcpy(&k1, key + 8, 8);
	s.a = k0 ^ 0x736f6d6570736575ULL;
	s.b = k1 ^ 0x646f72616e646f6dULL ^ 0xee;
	s.c = k0 ^ 0x6c7967656e657261ULL;
	s.d = k1 ^ 0x7465646279746573ULL;
	for (left = length; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		absorb(&s, word);
	}
	while (left--)
		last |= (uint64_t)at[left] << (8 * left);
	absorb(&s, last);
	s.c ^= 0xee;
	squeeze(&s, out);
	s.b ^= 0xdd;
	squeeze(&s, out + 8);
}

bool pvmi_same_tag(const uint8_t a[16], const uint8_t b[16])
{
	uint8_t difference = 0;
	int i;

	for (i = 0; i < 16; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}
