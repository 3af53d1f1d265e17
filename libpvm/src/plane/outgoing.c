/* outgoing.c: a message on its way. */
#include <string.h>

#include "../message/message.h"
#include "../sys/arch/x86_64/cache.h"
#include "channel.h"

#define CHUNK (4UL << 20)       /* user memory is copied into blocks of at most this size */
#define PAST_CACHE (512UL << 10)        /* copies of at least this size: see pvmi_copy_for_others */

void pvmi_outgoing_free(struct pvmi_outgoing *outgoing)
{
	uint32_t i;

	for (i = 0; i < outgoing->pieces; i++)
		if (outgoing->piece[i].block)   /* a small one has none */
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
		if (part >= PAST_CACHE)
			pvmi_copy_for_others(to->bytes, piece->bytes + from, part);
		else
			memcpy(to->bytes, piece->bytes + from, part);
		outgoing->pieces++;
	}
	return true;
}

static void describe(struct pvmi_outgoing *outgoing, const struct pvmi_message *message)
{
	outgoing->encoding = message->encoding == PVMI_ENC_IN_PLACE ? PVMI_ENC_RAW : message->encoding;
	outgoing->context = message->context;
	outgoing->crc = message->crc;
	outgoing->tag = message->tag;
	outgoing->wait_id = message->wait_id;
}

/* A small message keeps a copy of its bytes to itself: in one piece behind the rest. */
static struct pvmi_outgoing *new_small(size_t length)
{
	struct pvmi_outgoing *outgoing = pvmi_alloc_dirty(sizeof(*outgoing) + sizeof(outgoing->piece[0]) + length);

	if (!outgoing)
		return NULL;
	outgoing->next = NULL;
	outgoing->length = length;
	outgoing->pieces = length ? 1 : 0;
	outgoing->piece[0] = (struct pvmi_outgoing_piece){ NULL, (uint8_t *)&outgoing->piece[1], length };
	return outgoing;
}

static struct pvmi_outgoing *small(const struct pvmi_message *message)
{
	struct pvmi_outgoing *outgoing = new_small(message->length);
	const struct pvmi_piece *piece;
	uint8_t *to;

	if (!outgoing)
		return NULL;
	describe(outgoing, message);
	to = outgoing->piece[0].bytes;
	for (piece = message->first; piece; piece = piece->next) {
		memcpy(to, piece->bytes, piece->length);
		to += piece->length;
	}
	return outgoing;
}

struct pvmi_outgoing *pvmi_outgoing_small(int tag, const void *bytes, size_t length)
{
	struct pvmi_outgoing *outgoing = new_small(length);

	if (!outgoing)
		return NULL;
	outgoing->encoding = PVMI_ENC_RAW;
	outgoing->context = pvmi->current_context;
	outgoing->crc = 0;
	outgoing->tag = tag;
	outgoing->wait_id = 0;
	memcpy(outgoing->piece[0].bytes, bytes, length);
	return outgoing;
}

static bool add_piece(struct pvmi_outgoing *outgoing, const struct pvmi_piece *piece)
{
	if (is_user(piece))
		return copy_user(outgoing, piece);
	pvmi_block_ref(piece->block);
	outgoing->piece[outgoing->pieces++] = (struct pvmi_outgoing_piece){ piece->block, piece->bytes, piece->length };
	return true;
}

struct pvmi_outgoing *pvmi_outgoing_new(const struct pvmi_message *message)
{
	const struct pvmi_piece *piece;
	struct pvmi_outgoing *outgoing;
	uint32_t count = 0;

	if (message->length <= PVMI_SMALL)
		return small(message);
	for (piece = message->first; piece; piece = piece->next)
		count += pieces_for(piece);
	outgoing = pvmi_alloc(sizeof(*outgoing) + count * sizeof(outgoing->piece[0]));
	if (!outgoing)
		return NULL;
	describe(outgoing, message);
	outgoing->length = message->length;
	for (piece = message->first; piece; piece = piece->next) {
		if (piece->length && !add_piece(outgoing, piece)) {
			pvmi_outgoing_free(outgoing);
			return NULL;
		}
	}
	return outgoing;
}
