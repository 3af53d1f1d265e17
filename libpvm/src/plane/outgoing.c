/* outgoing.c: a message on its way. */
#include <string.h>

#include "channel.h"

#define CHUNK (4UL << 20)       /* user memory is copied into blocks of at most this size */

void pvmi_outgoing_free(struct pvmi_outgoing *outgoing)
{
	uint32_t i;

	for (i = 0; i < outgoing->pieces; i++)
		pvmi_block_unref(outgoing->piece[i].block);
	pvmi_free(outgoing);
}

static bool is_user(const struct pvmi_piece *piece)
{
	return piece->block->kind == PVMI_BLOCK_USER;
}

static uint32_t pieces_for(const struct pvmi_piece *piece)
{
	return is_user(piece) ? (uint32_t)((piece->length + CHUNK - 1) / CHUNK) : 1;
}

/* The bytes [from, from + length) of what the piece describes, one after the other. */
static void gather(const struct pvmi_piece *piece, size_t from, uint8_t *to, size_t length)
{
	size_t index, within, part;

	if (!piece->element || piece->stride <= piece->element) {
		memcpy(to, piece->bytes + from, length);
		return;
	}
	index = from / piece->element;
	within = from % piece->element;
	while (length) {
		part = piece->element - within;
		if (part > length)
			part = length;
		memcpy(to, piece->bytes + index * piece->stride + within, part);
		to += part;
		length -= part;
		within = 0;
		index++;
	}
}

/* The program may change its memory as soon as the send returns, and it may have to be sent again. */
static bool copy_user(struct pvmi_outgoing *outgoing, const struct pvmi_piece *piece)
{
	struct pvmi_outgoing_piece *to;
	size_t from, part;

	for (from = 0; from < piece->length; from += part) {
		part = piece->length - from < CHUNK ? piece->length - from : CHUNK;
		to = &outgoing->piece[outgoing->pieces];
		to->block = pvmi_block_new(part);
		if (!to->block)
			return false;
		to->bytes = to->block->bytes;
		to->length = part;
		gather(piece, from, to->bytes, part);
		outgoing->pieces++;
	}
	return true;
}

struct pvmi_outgoing *pvmi_outgoing_new(const struct pvmi_message *message)
{
	const struct pvmi_piece *piece;
	struct pvmi_outgoing *outgoing;
	uint32_t count = 0;

	for (piece = message->first; piece; piece = piece->next)
		count += pieces_for(piece);
	outgoing = pvmi_alloc(sizeof(*outgoing) + count * sizeof(outgoing->piece[0]));
	if (!outgoing)
		return NULL;
	outgoing->encoding = message->encoding;
	outgoing->context = message->context;
	outgoing->crc = message->crc;
	outgoing->tag = message->tag;
	outgoing->wait_id = message->wait_id;
	for (piece = message->first; piece; piece = piece->next) {
		if (!piece->length)
			continue;
		outgoing->length += piece->length;
		if (is_user(piece)) {
			if (!copy_user(outgoing, piece)) {
				pvmi_outgoing_free(outgoing);
				return NULL;
			}
			continue;
		}
		pvmi_block_ref(piece->block);
		outgoing->piece[outgoing->pieces].block = piece->block;
		outgoing->piece[outgoing->pieces].bytes = piece->bytes;
		outgoing->piece[outgoing->pieces].length = piece->length;
		outgoing->pieces++;
	}
	return outgoing;
}
