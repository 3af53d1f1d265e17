/*
 * message.c: message bodies.
 *
 * A body is a list of pieces in blocks. While it is packed, its last block belongs to it alone and
 * `room` says how much of it is still empty; blocks grow with the message, and the first one is as
 * large as messages of this program lately became, so that most bodies are one piece.
 */
#include <string.h>

#include "message.h"

#define FIRST_BLOCK 512UL
#define OWN_ROOM 128UL          /* that a buffer has without a block */
#define LARGEST_GUESS (64UL << 10)

struct pvmi_message *pvmi_message_new(void)
{
	struct pvmi_message *message = pvmi_alloc(sizeof(*message));

	if (!message)
		return NULL;
	message->references = 1;
	message->encoding = PVMI_ENC_XDR;
	return message;
}

void pvmi_message_ref(struct pvmi_message *message)
{
	message->references++;
}

void pvmi_body_clear(struct pvmi_message *message)
{
	struct pvmi_piece *piece, *next;

	for (piece = message->first; piece; piece = next) {
		next = piece->next;
		pvmi_block_unref(piece->block);
		if (piece != &message->own)
			pvmi_free(piece);
	}
	message->first = message->last = NULL;
	message->length = message->room = 0;
	message->sealed = false;
	pvmi_body_rewind(message);
}

void pvmi_body_rewind(struct pvmi_message *message)
{
	message->cursor.piece = NULL;
	message->cursor.offset = 0;
}

void pvmi_message_unref(struct pvmi_message *message)
{
	if (!message)
		return;
	if (message->references > 1) {
		message->references--;
		return;
	}
	pvmi_body_clear(message);
	message->references = 0;
	/* What other bodies share of it they keep. */
	if (!message->own_block.references)
		pvmi_free(message);
}

void pvmi_message_own_unused(struct pvmi_block *block)
{
	struct pvmi_message *message = (struct pvmi_message *)((char *)block - offsetof(struct pvmi_message, own_block));

	if (!message->references)
		pvmi_free(message);
}

static struct pvmi_piece *add_piece(struct pvmi_message *message, struct pvmi_block *block, uint8_t *bytes,
				    size_t length)
{
	struct pvmi_piece *piece = message->first ? pvmi_alloc(sizeof(*piece)) : &message->own;

	if (!piece)
		return NULL;
	piece->next = NULL;
	piece->block = block;
	piece->bytes = bytes;
	piece->length = length;
	if (message->last)
		message->last->next = piece;
	else
		message->first = piece;
	message->last = piece;
	message->length += length;
	return piece;
}

struct pvmi_message *pvmi_message_small(size_t length, uint8_t **place)
{
	struct pvmi_message *message = pvmi_alloc_dirty(sizeof(*message) + length);

	if (!message)
		return NULL;
	*message = (struct pvmi_message){ .references = 1, .encoding = PVMI_ENC_XDR };
	*place = (uint8_t *)(message + 1);
	if (!length)
		return message;
	message->own_block = (struct pvmi_block){ PVMI_BLOCK_OWN, 1, length, *place };
	pvmi_message_append(message, &message->own_block, *place, length);
	return message;
}

/* For bodies that arrive. Takes over the caller's reference to the block. */
int pvmi_message_append(struct pvmi_message *message, struct pvmi_block *block, uint8_t *bytes, size_t length)
{
	message->room = 0;
	message->sealed = true;
	return add_piece(message, block, bytes, length) ? 0 : -10;
}

struct pvmi_message *pvmi_message_to_pack(void)
{
	struct pvmi_message *message = pvmi_alloc_dirty(sizeof(*message) + OWN_ROOM);

	if (!message)
		return NULL;
	*message = (struct pvmi_message){ .references = 1, .encoding = PVMI_ENC_XDR };
	message->own_block = (struct pvmi_block){ PVMI_BLOCK_OWN, 0, OWN_ROOM, (uint8_t *)(message + 1) };
	return message;
}

/* While messages are small, the room that came with it, unless another body still has its part of it. */
static bool use_own_room(struct pvmi_message *message, size_t size)
{
	struct pvmi_block *own = &message->own_block;

	if (message->first || own->references || size > own->capacity || pvmi->messages->size_hint > own->capacity)
		return false;
	own->references = 1;
	add_piece(message, own, own->bytes, 0);
	message->room = own->capacity;
	return true;
}

uint8_t *pvmi_body_extend_slow(struct pvmi_message *message, size_t size)
{
	struct pvmi_block *block;
	size_t wanted;

	if (message->sealed)
		pvmi_body_clear(message);
	if (use_own_room(message, size))
		return pvmi_body_extend(message, size);
	wanted = message->first ? message->length : pvmi->messages->size_hint;  /* doubles what there is */
	if (wanted < FIRST_BLOCK)
		wanted = FIRST_BLOCK;
	if (wanted < size)
		wanted = size;
	block = pvmi_block_new(wanted);
	if (!block)
		return NULL;
	if (!add_piece(message, block, block->bytes, 0)) {
		pvmi_block_unref(block);
		return NULL;
	}
	message->room = block->capacity;
	return pvmi_body_extend(message, size);
}

size_t pvmi_body_run(struct pvmi_message *message, const uint8_t **bytes)
{
	struct pvmi_piece *piece = message->cursor.piece;

	if (!piece)
		piece = message->first;
	while (piece && message->cursor.offset == piece->length && piece->next) {
		piece = piece->next;
		message->cursor.offset = 0;
	}
	message->cursor.piece = piece;
	if (!piece)
		return 0;
	*bytes = piece->bytes + message->cursor.offset;
	return piece->length - message->cursor.offset;
}

size_t pvmi_body_left(const struct pvmi_message *message)
{
	const struct pvmi_piece *piece = message->cursor.piece;
	size_t left;

	if (!piece)
		return message->length;
	left = piece->length - message->cursor.offset;
	for (piece = piece->next; piece; piece = piece->next)
		left += piece->length;
	return left;
}

bool pvmi_body_read(struct pvmi_message *message, void *into, size_t size)
{
	const uint8_t *bytes;
	uint8_t *to = into;
	size_t run;

	bytes = pvmi_body_direct(message, size);
	if (bytes && into) {
		memcpy(into, bytes, size);
		return true;
	}
	if (bytes)
		return true;
	if (pvmi_body_left(message) < size)
		return false;
	while (size) {
		run = pvmi_body_run(message, &bytes);
		if (run > size)
			run = size;
		if (to) {
			memcpy(to, bytes, run);
			to += run;
		}
		message->cursor.offset += run;
		size -= run;
	}
	return true;
}

static bool in_place(const struct pvmi_message *message)
{
	const struct pvmi_piece *piece;

	for (piece = message->first; piece; piece = piece->next)
		if (piece->block->kind == PVMI_BLOCK_USER)
			return true;
	return false;
}

static bool copy_body(struct pvmi_message *to, const struct pvmi_message *from)
{
	const struct pvmi_piece *piece;
	struct pvmi_block *block = pvmi_block_new(from->length);
	uint8_t *place;

	if (!block)
		return false;
	place = block->bytes;
	for (piece = from->first; piece; piece = piece->next) {
		memcpy(place, piece->bytes, piece->length);
		place += piece->length;
	}
	if (add_piece(to, block, block->bytes, from->length))
		return true;
	pvmi_block_unref(block);
	return false;
}

static bool share_body(struct pvmi_message *to, const struct pvmi_message *from)
{
	const struct pvmi_piece *piece;

	for (piece = from->first; piece; piece = piece->next) {
		if (!piece->length)
			continue;
		if (!add_piece(to, piece->block, piece->bytes, piece->length))
			return false;
		pvmi_block_ref(piece->block);
	}
	return true;
}

struct pvmi_message *pvmi_message_snapshot(struct pvmi_message *message)
{
	struct pvmi_message *copy = pvmi_message_new();

	if (!copy)
		return NULL;
	copy->encoding = message->encoding == PVMI_ENC_IN_PLACE ? PVMI_ENC_RAW : message->encoding;
	copy->context = message->context;
	copy->tag = message->tag;
	copy->wait_id = message->wait_id;
	copy->source = message->source;
	copy->destination = message->destination;
	copy->sealed = true;
	if (message->length &&
	    !(in_place(message) ? copy_body(copy, message) : share_body(copy, message))) {
		pvmi_message_unref(copy);
		return NULL;
	}
	return copy;
}

void pvmi_message_sent(size_t length)
{
	struct pvmi_messages *m = pvmi->messages;

	/* The next message's first block: as large as this one, falling slowly. */
	if (length > m->size_hint)
		m->size_hint = length > LARGEST_GUESS ? LARGEST_GUESS : length;
	else
		m->size_hint -= (m->size_hint - length) / 16;
}
