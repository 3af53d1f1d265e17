/* lists.c: lists and texts out of answers. Their size is the answer's, so malloc and growth will do. */
#include <stdlib.h>

#include "api.h"

static bool append(struct pvmi_tid_list *list, int value)
{
	int *grown, limit;

	if (list->count == list->limit) {
		limit = list->limit ? 2 * list->limit : 16;
		grown = realloc(list->tids, (size_t)limit * sizeof(int));
		if (!grown)
			return false;
		list->tids = grown;
		list->limit = limit;
	}
	list->tids[list->count++] = value;
	return true;
}

bool pvmi_read_signed(pb_istream_t *stream, const pb_field_t *field, void **list)
{
	int64_t value;

	(void)field;
	while (stream->bytes_left)
		if (!pb_decode_svarint(stream, &value) || !append(*list, (int)value))
			return false;
	return true;
}

bool pvmi_read_unsigned(pb_istream_t *stream, const pb_field_t *field, void **list)
{
	uint32_t value;

	(void)field;
	while (stream->bytes_left)
		if (!pb_decode_varint32(stream, &value) || !append(*list, (int)value))
			return false;
	return true;
}

bool pvmi_read_text(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	char **text = *argument;
	size_t length = stream->bytes_left;

	(void)field;
	free(*text);
	*text = malloc(length + 1);
	if (!*text)
		return false;
	(*text)[length] = 0;
	return pb_read(stream, (pb_byte_t *)*text, length);
}
