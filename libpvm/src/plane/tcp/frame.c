/* frame.c: see frame.h. Pure. */
#include <string.h>

#include "frame.h"

_Static_assert(sizeof(struct pvmi_tcp_frame) == 64, "fixed by the protocol");
_Static_assert(sizeof(struct pvmi_ack) == 16, "fixed by the protocol");

bool pvmi_tcp_frame_good(const struct pvmi_tcp_frame *frame)
{
	if (frame->magic != PVMI_TCP_FRAME_MAGIC)
		return false;
	if (frame->type == PVMI_TCP_FRAME_BYE)
		return true;
	return frame->type == PVMI_TCP_FRAME_MESSAGE && frame->number && frame->length <= PVMI_TCP_FRAME_LONGEST &&
	       frame->offset <= frame->length;
}

bool pvmi_acks_parse(struct pvmi_ack_parser *parser, const uint8_t *bytes, size_t length, uint64_t *number)
{
	struct pvmi_ack ack;
	size_t part;

	while (length) {
		part = sizeof(ack) - parser->have;
		if (part > length)
			part = length;
		memcpy(parser->partial + parser->have, bytes, part);
		parser->have += (uint32_t)part;
		bytes += part;
		length -= part;
		if (parser->have < sizeof(ack))
			return true;
		memcpy(&ack, parser->partial, sizeof(ack));
		parser->have = 0;
		if (ack.magic != PVMI_ACK_MAGIC || ack.number < *number)
			return false;
		*number = ack.number;
	}
	return true;
}
