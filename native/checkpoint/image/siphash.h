/* SipHash-2-4 with 128 bits of output (Aumasson, Bernstein): proves knowledge of the one-time secret. */
#ifndef CKPT_SIPHASH_H
#define CKPT_SIPHASH_H
#include <stddef.h>
#include <stdint.h>

void ckpt_siphash128(const uint8_t key[16], const void *data, size_t length, uint8_t out[16]);
#endif
