/*
 * frame.c: frames between a task and its daemon: a 32-bit little-endian length, then one ToDaemon
 * or ToTask message. The envelope is walked by hand (three kinds of field), so that a body is
 * decoded once, where it is used, and nothing of a size that the peer chooses is needed before.
 */
#include <string.h>

#include "link.h"

bool pvmi_frame_parse(const uint8_t *payload, size_t length, struct pvmi_frame *frame)
{
	pb_istream_t stream = pb_istream_from_buffer(payload, length);
	pb_wire_type_t wire_type;
	uint32_t tag, body_length;
	int64_t status;
	bool end;

	memset(frame, 0, sizeof(*frame));
	while (stream.bytes_left) {
		if (!pb_decode_tag(&stream, &wire_type, &tag, &end))
			return false;
		if (tag == mpvm_task_ToTask_request_tag && wire_type == PB_WT_VARINT) {
			if (!pb_decode_varint32(&stream, &frame->request))
				return false;
		} else if (tag == mpvm_task_ToTask_status_tag && wire_type == PB_WT_VARINT) {
			if (!pb_decode_svarint(&stream, &status))
				return false;
			frame->status = (int32_t)status;
		} else if (wire_type == PB_WT_STRING) {
			if (!pb_decode_varint32(&stream, &body_length) || body_length > stream.bytes_left)
				return false;
			frame->tag = tag;
			frame->body = payload + (length - stream.bytes_left);
			frame->length = body_length;
			if (!pb_read(&stream, NULL, body_length))
				return false;
		} else if (!pb_skip_field(&stream, wire_type)) {
			return false;
		}
	}
	return true;
}

static bool encode(pb_ostream_t *stream, uint32_t request, uint32_t tag, const pb_msgdesc_t *fields, const void *body)
{
	if (request && (!pb_encode_tag(stream, PB_WT_VARINT, mpvm_task_ToDaemon_request_tag) ||
			!pb_encode_varint(stream, request)))
		return false;
	return pb_encode_tag(stream, PB_WT_STRING, tag) && pb_encode_submessage(stream, fields, body);
}

size_t pvmi_frame_size(uint32_t request, uint32_t tag, const pb_msgdesc_t *fields, const void *body)
{
	pb_ostream_t sizing = PB_OSTREAM_SIZING;

	if (!encode(&sizing, request, tag, fields, body) || sizing.bytes_written > PVMI_FRAME_LIMIT)
		return 0;
	return sizing.bytes_written + 4;
}

bool pvmi_frame_encode(uint8_t *to, size_t size, uint32_t request, uint32_t tag, const pb_msgdesc_t *fields,
		       const void *body)
{
	pb_ostream_t stream = pb_ostream_from_buffer(to + 4, size - 4);
	uint32_t length = (uint32_t)(size - 4);

	memcpy(to, &length, 4);
	return encode(&stream, request, tag, fields, body) && stream.bytes_written == length;
}

bool pvmi_frame_decode(const struct pvmi_frame *frame, const pb_msgdesc_t *fields, void *body)
{
	pb_istream_t stream = pb_istream_from_buffer(frame->body, frame->length);

	return pb_decode(&stream, fields, body);
}

/* ------------------------------------------------------------------ callbacks */

bool pvmi_encode_string(pb_ostream_t *stream, const pb_field_t *field, void *const *text)
{
	const char *string = *text;

	if (!string || !*string)
		return true;
	return pb_encode_tag_for_field(stream, field) &&
	       pb_encode_string(stream, (const pb_byte_t *)string, strlen(string));
}

bool pvmi_encode_strings(pb_ostream_t *stream, const pb_field_t *field, void *const *argument)
{
	const struct pvmi_strings *list = *argument;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!pb_encode_tag_for_field(stream, field) ||
		    !pb_encode_string(stream, (const pb_byte_t *)list->strings[i], strlen(list->strings[i])))
			return false;
	return true;
}

bool pvmi_encode_bytes(pb_ostream_t *stream, const pb_field_t *field, void *const *argument)
{
	const struct pvmi_bytes *bytes = *argument;

	return pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, bytes->bytes, bytes->length);
}

bool pvmi_encode_signed(pb_ostream_t *stream, const pb_field_t *field, void *const *argument)
{
	const struct pvmi_numbers *list = *argument;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!pb_encode_tag_for_field(stream, field) || !pb_encode_svarint(stream, list->numbers[i]))
			return false;
	return true;
}

bool pvmi_encode_tids(pb_ostream_t *stream, const pb_field_t *field, void *const *argument)
{
	const struct pvmi_numbers *list = *argument;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!pb_encode_tag_for_field(stream, field) ||
		    !pb_encode_varint(stream, (uint32_t)list->numbers[i]))
			return false;
	return true;
}
