/*
 * pack.c: values of the program into a message body, by the message's encoding.
 */
#include <pvm3.h>
#include <string.h>

#include "message.h"

static int pack_xdr(struct pvmi_message *message, const void *values, size_t count, int stride,
		    const struct pvmi_type *type)
{
	size_t size = type->wire ? count * type->wire : (count + 3) & ~3UL;
	uint8_t *wire = pvmi_body_extend(message, size);

	if (!wire)
		return PvmNoMem;
	if (type->wire) {
		pvmi_xdr_encode(wire, values, count, stride, type);
		return PvmOk;
	}
	pvmi_raw_gather(wire, values, count, stride, 1);
	memset(wire + count, 0, size - count);
	return PvmOk;
}

static int pack_raw(struct pvmi_message *message, const void *values, size_t count, int stride,
		    const struct pvmi_type *type)
{
	uint8_t *wire = pvmi_body_extend(message, count * type->size);

	if (!wire)
		return PvmNoMem;
	pvmi_raw_gather(wire, values, count, stride, type->size);
	return PvmOk;
}

/* The program's memory becomes a piece of the body; it is read when the message is sent. */
static int pack_in_place(struct pvmi_message *message, const void *values, size_t count, const struct pvmi_type *type)
{
	struct pvmi_block *block;
	size_t size = count * type->size;

	if (message->sealed)
		pvmi_body_clear(message);
	block = pvmi_block_over((void *)values, size);
	if (!block)
		return PvmNoMem;
	if (pvmi_message_append(message, block, block->bytes, size)) {
		pvmi_block_unref(block);
		return PvmNoMem;
	}
	message->sealed = false;
	return PvmOk;
}

int pvmi_pack(struct pvmi_message *message, const void *values, int count, int stride, int type)
{
	const struct pvmi_type *t = &pvmi_types[type];

	if (count < 0)
		return PvmBadParam;
	if (message->encoding == PVMI_ENC_IN_PLACE && stride != 1)
		return PvmNotImpl;
	if (!count)
		return PvmOk;
	switch (message->encoding) {
	case PVMI_ENC_XDR: return pack_xdr(message, values, (size_t)count, stride, t);
	case PVMI_ENC_RAW: return pack_raw(message, values, (size_t)count, stride, t);
	case PVMI_ENC_IN_PLACE: return pack_in_place(message, values, (size_t)count, t);
	default: return PvmBadMsg;
	}
}

int pvmi_pack_string(struct pvmi_message *message, const char *text)
{
	int length, error;

	if (!text)
		return PvmBadParam;
	if (message->encoding == PVMI_ENC_IN_PLACE)
		return PvmNotImpl;
	length = (int)strlen(text) + 1;
	error = pvmi_pack(message, &length, 1, 1, PVM_INT);
	return error ? error : pvmi_pack(message, text, length, 1, PVM_BYTE);
}
