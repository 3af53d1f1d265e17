/*
 * nested.c: messages inside messages (pvm_pkmesg, pvm_upkmesg). The header's fields come first,
 * in the outer message's encoding, then the length of the body, then its bytes as they are.
 */
#include <pvm3.h>
#include <string.h>

#include "message.h"

enum { LENGTH, CONTEXT, TAG, WAIT_ID, ENCODING, CHECKSUM, SOURCE, DESTINATION, BYTES, FIELDS };

static int append_bytes(struct pvmi_message *into, const struct pvmi_message *message, size_t padded)
{
	const struct pvmi_piece *piece;
	size_t length = message->length;
	uint8_t *to = pvmi_body_extend(into, padded);

	if (!to)
		return PvmNoMem;
	for (piece = message->first; piece; piece = piece->next) {
		memcpy(to, piece->bytes, piece->length);
		to += piece->length;
	}
	memset(to, 0, padded - length);
	return PvmOk;
}

int pvmi_pack_nested(struct pvmi_message *into, struct pvmi_message *message)
{
	int fields[FIELDS] = {
		(int)message->length, (int)message->context, message->tag, message->wait_id,
		(int)(message->encoding == PVMI_ENC_IN_PLACE ? PVMI_ENC_RAW : message->encoding),
		(int)message->crc, (int)message->source, (int)message->destination, (int)message->length,
	};
	size_t padded = message->length;
	int error;

	if (into->encoding == PVMI_ENC_IN_PLACE)
		return PvmNotImpl;
	if (into->encoding == PVMI_ENC_XDR)
		padded = (padded + 3) & ~3UL;
	error = pvmi_pack(into, fields, FIELDS, 1, PVM_INT);
	return error ? error : append_bytes(into, message, padded);
}

int pvmi_pack_body(struct pvmi_message *into, struct pvmi_message *message)
{
	if (into->encoding != message->encoding)
		return PvmMismatch;
	if (into->encoding == PVMI_ENC_IN_PLACE)
		return PvmNotImpl;
	return append_bytes(into, message, message->length);
}

int pvmi_unpack_nested(struct pvmi_message *from, struct pvmi_message **result)
{
	struct pvmi_message *message;
	int fields[FIELDS], error;
	uint8_t *body;

	error = pvmi_unpack(from, fields, FIELDS, 1, PVM_INT);
	if (error)
		return error;
	if (fields[BYTES] < 0 || fields[LENGTH] != fields[BYTES])
		return PvmBadMsg;
	if ((size_t)fields[BYTES] > pvmi_body_left(from))
		return PvmNoData;
	message = pvmi_message_new();
	if (!message)
		return PvmNoMem;
	body = fields[BYTES] ? pvmi_body_extend(message, (size_t)fields[BYTES]) : NULL;
	if (fields[BYTES] && (!body || pvmi_unpack(from, body, fields[BYTES], 1, PVM_BYTE))) {
		pvmi_message_unref(message);
		return body ? PvmNoData : PvmNoMem;
	}
	message->sealed = true;
	message->room = 0;
	message->context = (uint32_t)fields[CONTEXT];
	message->tag = fields[TAG];
	message->wait_id = fields[WAIT_ID];
	message->encoding = (uint32_t)fields[ENCODING];
	message->crc = (uint32_t)fields[CHECKSUM];
	message->source = (uint32_t)fields[SOURCE];
	message->destination = (uint32_t)fields[DESTINATION];
	*result = message;
	return PvmOk;
}
