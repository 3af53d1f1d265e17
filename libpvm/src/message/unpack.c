/*
 * unpack.c: values out of a message body. Messages do not describe themselves: what is read as
 * another type than it was packed as comes out as other values, but never reads past the end.
 */
#include <pvm3.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static void decode(void *to, const uint8_t *wire, size_t count, int stride, const struct pvmi_type *type, bool xdr)
{
	if (xdr && type->wire)
		pvmi_xdr_decode(to, wire, count, stride, type);
	else
		pvmi_raw_scatter(to, wire, count, stride, type->size);
}

/* Elements may lie across the end of a piece: such a one goes through a small buffer. */
static void unpack_pieces(struct pvmi_message *message, uint8_t *to, size_t count, int stride,
			  const struct pvmi_type *type, bool xdr)
{
	size_t each = xdr && type->wire ? type->wire : type->size, run, n;
	ptrdiff_t step = (ptrdiff_t)type->size * stride;
	uint8_t element[16];
	const uint8_t *wire;

	while (count) {
		run = pvmi_body_run(message, &wire);
		n = run / each;
		if (n > count)
			n = count;
		if (n) {
			decode(to, wire, n, stride, type, xdr);
			message->cursor.offset += n * each;
		} else {
			n = 1;
			pvmi_body_read(message, element, each);
			decode(to, element, 1, 1, type, xdr);
		}
		to += step * (ptrdiff_t)n;
		count -= n;
	}
}

int pvmi_unpack(struct pvmi_message *message, void *values, int count, int stride, int type)
{
	const struct pvmi_type *t = &pvmi_types[type];
	bool xdr = message->encoding == PVMI_ENC_XDR;
	size_t n = (size_t)count, size, padding = 0;
	const uint8_t *wire;

	if (count < 0)
		return PvmBadParam;
	if (!xdr && message->encoding != PVMI_ENC_RAW && message->encoding != PVMI_ENC_IN_PLACE)
		return PvmBadMsg;
	if (!count)
		return PvmOk;
	size = n * (xdr && t->wire ? t->wire : t->size);
	if (xdr && !t->wire)
		padding = -size & 3;
	wire = pvmi_body_direct(message, size + padding);
	if (wire) {
		decode(values, wire, n, stride, t, xdr);
		return PvmOk;
	}
	if (pvmi_body_left(message) < size + padding) {
		/* What there is comes out, as under PVM, and the message is at its end. */
		n = pvmi_body_left(message) / (size / n);
		if (n > (size_t)count)
			n = (size_t)count;      /* only the padding of the bytes is missing */
		unpack_pieces(message, values, n, stride, t, xdr);
		pvmi_body_read(message, NULL, pvmi_body_left(message));
		return PvmNoData;
	}
	unpack_pieces(message, values, n, stride, t, xdr);
	if (padding)
		pvmi_body_read(message, NULL, padding);
	return PvmOk;
}

int pvmi_unpack_string(struct pvmi_message *message, char *text)
{
	int length, error = pvmi_unpack(message, &length, 1, 1, PVM_INT);

	if (error)
		return error;
	if (length < 0)
		return PvmBadMsg;
	return pvmi_unpack(message, text, length, 1, PVM_BYTE);
}

int pvmi_unpack_string_new(struct pvmi_message *message, char **text)
{
	int length, error = pvmi_unpack(message, &length, 1, 1, PVM_INT);

	if (error)
		return error;
	*text = NULL;
	if (length < 0)
		return PvmBadMsg;
	if ((size_t)length > pvmi_body_left(message))
		return PvmNoData;
	*text = malloc((size_t)length + 1);
	if (!*text)
		return PvmNoMem;
	(*text)[length] = 0;
	error = pvmi_unpack(message, *text, length, 1, PVM_BYTE);
	if (error) {
		free(*text);
		*text = NULL;
	}
	return error;
}
