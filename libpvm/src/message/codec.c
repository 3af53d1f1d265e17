/*
 * codec.c: numbers between memory and the wire.
 *
 * XDR is big endian, four bytes a number and eight a double. Dense data of the same size in both
 * places, which is most of it, goes through swap.h.
 */
#include <string.h>

#include "message.h"
#include "swap.h"

const struct pvmi_type pvmi_types[12] = {
	[1] = { 1, 0, 1, PVMI_BYTES },          /* PVM_BYTE */
	[2] = { 2, 4, 1, PVMI_SHORT },
	[3] = { 4, 4, 1, PVMI_WORD },
	[4] = { 4, 4, 1, PVMI_WORD },           /* PVM_FLOAT: IEEE on both sides */
	[5] = { 8, 8, 2, PVMI_WORD },           /* PVM_CPLX */
	[6] = { 8, 8, 1, PVMI_DOUBLE },
	[7] = { 16, 16, 2, PVMI_DOUBLE },       /* PVM_DCPLX */
	[8] = { 8, 4, 1, PVMI_LONG },           /* PVM_LONG: its low half, as PVM does */
	[9] = { 2, 4, 1, PVMI_USHORT },
	[10] = { 4, 4, 1, PVMI_WORD },
	[11] = { 8, 4, 1, PVMI_ULONG },
};

#define LOAD(type, from) ({ type value_; memcpy(&value_, (from), sizeof(value_)); value_; })
#define STORE(type, to, what) ({ type value_ = (type)(what); memcpy((to), &value_, sizeof(value_)); })

/* step: bytes from one number to the next in memory. */
#define ENCODE(name, memory_type, wire_type, swap)                                              \
static void name(uint8_t *wire, const uint8_t *memory, size_t count, ptrdiff_t step)            \
{                                                                                               \
	size_t i;                                                                               \
	if (step == sizeof(memory_type)) {                                                      \
		for (i = 0; i < count; i++)                                                     \
			STORE(wire_type, wire + i * sizeof(wire_type),                          \
			      swap((wire_type)LOAD(memory_type, memory + i * sizeof(memory_type))));\
		return;                                                                         \
	}                                                                                       \
	for (i = 0; i < count; i++, memory += step)                                             \
		STORE(wire_type, wire + i * sizeof(wire_type),                                  \
		      swap((wire_type)LOAD(memory_type, memory)));                              \
}
#define DECODE(name, memory_type, signed_type, wire_type, swap)                                 \
static void name(uint8_t *memory, const uint8_t *wire, size_t count, ptrdiff_t step)            \
{                                                                                               \
	size_t i;                                                                               \
	if (step == sizeof(memory_type)) {                                                      \
		for (i = 0; i < count; i++)                                                     \
			STORE(memory_type, memory + i * sizeof(memory_type),                    \
			      (signed_type)swap(LOAD(wire_type, wire + i * sizeof(wire_type))));\
		return;                                                                         \
	}                                                                                       \
	for (i = 0; i < count; i++, memory += step)                                             \
		STORE(memory_type, memory,                                                      \
		      (signed_type)swap(LOAD(wire_type, wire + i * sizeof(wire_type))));        \
}

ENCODE(encode_short, int16_t, uint32_t, __builtin_bswap32)
ENCODE(encode_ushort, uint16_t, uint32_t, __builtin_bswap32)
ENCODE(encode_word, uint32_t, uint32_t, __builtin_bswap32)
ENCODE(encode_long, uint64_t, uint32_t, __builtin_bswap32)
ENCODE(encode_double, uint64_t, uint64_t, __builtin_bswap64)
DECODE(decode_short, uint16_t, uint16_t, uint32_t, __builtin_bswap32)
DECODE(decode_word, uint32_t, uint32_t, uint32_t, __builtin_bswap32)
DECODE(decode_long, int64_t, int32_t, uint32_t, __builtin_bswap32)
DECODE(decode_ulong, uint64_t, uint32_t, uint32_t, __builtin_bswap32)
DECODE(decode_double, uint64_t, uint64_t, uint64_t, __builtin_bswap64)

/* Nothing but the order of the bytes differs. */
static bool swap_run(uint8_t *to, const uint8_t *from, size_t count, ptrdiff_t step, uint8_t kind)
{
	if (kind == PVMI_WORD && step == 4)
		pvmi_swaps->four(to, from, count);
	else if (kind == PVMI_DOUBLE && step == 8)
		pvmi_swaps->eight(to, from, count);
	else
		return false;
	return true;
}

static void encode_run(uint8_t *wire, const uint8_t *memory, size_t count, ptrdiff_t step, uint8_t kind)
{
	if (swap_run(wire, memory, count, step, kind))
		return;
	switch (kind) {
	case PVMI_SHORT: encode_short(wire, memory, count, step); break;
	case PVMI_USHORT: encode_ushort(wire, memory, count, step); break;
	case PVMI_WORD: encode_word(wire, memory, count, step); break;
	case PVMI_LONG:
	case PVMI_ULONG: encode_long(wire, memory, count, step); break;
	case PVMI_DOUBLE: encode_double(wire, memory, count, step); break;
	}
}

static void decode_run(uint8_t *memory, const uint8_t *wire, size_t count, ptrdiff_t step, uint8_t kind)
{
	if (swap_run(memory, wire, count, step, kind))
		return;
	switch (kind) {
	case PVMI_SHORT:
	case PVMI_USHORT: decode_short(memory, wire, count, step); break;
	case PVMI_WORD: decode_word(memory, wire, count, step); break;
	case PVMI_LONG: decode_long(memory, wire, count, step); break;
	case PVMI_ULONG: decode_ulong(memory, wire, count, step); break;
	case PVMI_DOUBLE: decode_double(memory, wire, count, step); break;
	}
}

void pvmi_xdr_encode(uint8_t *wire, const void *memory, size_t count, int stride, const struct pvmi_type *type)
{
	const uint8_t *from = memory;
	ptrdiff_t size = type->size / type->parts;
	size_t i;

	if (type->parts == 1 || stride == 1) {
		encode_run(wire, from, count * type->parts, type->parts == 1 ? size * stride : size, type->kind);
		return;
	}
	for (i = 0; i < count; i++, wire += type->wire, from += (ptrdiff_t)type->size * stride)
		encode_run(wire, from, type->parts, size, type->kind);
}

void pvmi_xdr_decode(void *memory, const uint8_t *wire, size_t count, int stride, const struct pvmi_type *type)
{
	uint8_t *to = memory;
	ptrdiff_t size = type->size / type->parts;
	size_t i;

	if (type->parts == 1 || stride == 1) {
		decode_run(to, wire, count * type->parts, type->parts == 1 ? size * stride : size, type->kind);
		return;
	}
	for (i = 0; i < count; i++, wire += type->wire, to += (ptrdiff_t)type->size * stride)
		decode_run(to, wire, type->parts, size, type->kind);
}

void pvmi_raw_gather(uint8_t *wire, const void *memory, size_t count, int stride, size_t size)
{
	const uint8_t *from = memory;
	size_t i;

	if (stride == 1) {
		memcpy(wire, from, count * size);
		return;
	}
	for (i = 0; i < count; i++, wire += size, from += (ptrdiff_t)size * stride)
		memcpy(wire, from, size);
}

void pvmi_raw_scatter(void *memory, const uint8_t *wire, size_t count, int stride, size_t size)
{
	uint8_t *to = memory;
	size_t i;

	if (stride == 1) {
		memcpy(to, wire, count * size);
		return;
	}
	for (i = 0; i < count; i++, wire += size, to += (ptrdiff_t)size * stride)
		memcpy(to, wire, size);
}
