/* siphash.h: SipHash-2-4 with 128 bits of output: proves knowledge of a 16-byte key. */
#ifndef PVMI_SIPHASH_H
#define PVMI_SIPHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pvmi_siphash(const uint8_t key[16], const void *data, size_t length, uint8_t out[16]);
/* Equal, in a time that does not tell where they differ. */
bool pvmi_same_tag(const uint8_t a[16], const uint8_t b[16]);

#endif
