/*
 * frame.h: what flows over a TCP connection between two tasks once it is open.
 *
 *   sender -> receiver   a header of 64 bytes, then length - offset bytes of the body; offset is
 *                        not 0 only in the first frame of a connection that goes on in the middle
 *                        of a message
 *   receiver -> sender   acknowledgements of 16 bytes: the number of the last message that is here whole
 */
#ifndef PVMI_TCP_FRAME_H
#define PVMI_TCP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVMI_TCP_FRAME_MAGIC 0x656d6172U
#define PVMI_ACK_MAGIC 0x6b636121U
#define PVMI_TCP_FRAME_LONGEST (1UL << 40)

enum pvmi_tcp_frame_type {
	PVMI_TCP_FRAME_MESSAGE = 1,
	PVMI_TCP_FRAME_BYE = 2,     /* the sender leaves: its position can be forgotten */
};

struct pvmi_tcp_frame {
	uint32_t magic;
	uint16_t type, reserved;
	uint64_t number, length, offset;
	int32_t tag;
	uint32_t context, encoding;
	int32_t wait_id;
	uint32_t crc;
	uint32_t reserved2[3];
};

struct pvmi_ack {
	uint32_t magic, reserved;
	uint64_t number;
};

/* Is this a header that can be? */
bool pvmi_tcp_frame_good(const struct pvmi_tcp_frame *frame);

/* Acknowledgements out of a stream of bytes: takes whole ones from bytes, keeps the rest in
 * *partial. The highest number so far is left in *number. False: nonsense. */
struct pvmi_ack_parser {
	uint8_t partial[sizeof(struct pvmi_ack)];
	uint32_t have;
};
bool pvmi_acks_parse(struct pvmi_ack_parser *parser, const uint8_t *bytes, size_t length, uint64_t *number);

#endif
