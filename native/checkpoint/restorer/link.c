/*
 * The daemon's socket. Only three messages come and three go, so their protobuf is read and written
 * here, field by field, with nanopb's primitives: RestorerGo.place must be passed on as it is.
 */
#include "restorer.h"

#include <pb_decode.h>
#include <pb_encode.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RECONNECT_NS 60000000000ull

/* Field numbers of proto/task.proto. */
enum { HELLO = 60, ARRIVED = 62, FAILED = 63 };
enum { RECEIVE = 60, GO = 61, ABORT = 62 };

/* ------------------------------------------------------------------ out */

static void put_text(pb_ostream_t *out, uint32_t field, const char *text)
{
	pb_encode_tag(out, PB_WT_STRING, field);
	pb_encode_string(out, (const pb_byte_t *)text, ckpt_length(text));
}

static void put_number(pb_ostream_t *out, uint32_t field, uint64_t value)
{
	pb_encode_tag(out, PB_WT_VARINT, field);
	pb_encode_varint(out, value);
}

static void send_body(uint32_t field, const uint8_t *body, size_t length)
{
	uint8_t frame[1024];
	pb_ostream_t out = pb_ostream_from_buffer(frame + 4, sizeof(frame) - 4);
	uint32_t size;
	size_t done = 0;
	long n;

	pb_encode_tag(&out, PB_WT_STRING, field);
	if (!pb_encode_string(&out, body, length) || restorer.daemon < 0)
		return;
	size = out.bytes_written;
	memcpy(frame, &size, 4);
	while (done < size + 4) {
		n = SYS(sendto, restorer.daemon, frame + done, size + 4 - done, MSG_NOSIGNAL);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;         /* the next read says that the link is lost */
		done += n;
	}
}

void link_say_hello(bool arrived)
{
	uint8_t body[256];
	pb_ostream_t out = pb_ostream_from_buffer(body, sizeof(body));

	put_text(&out, 1, restorer.cookie);
	put_number(&out, 2, SYS(getpid));
	if (arrived)
		put_number(&out, 3, 1);
	send_body(HELLO, body, out.bytes_written);
}

void link_say_arrived(void)
{
	uint8_t body[64];
	pb_ostream_t out = pb_ostream_from_buffer(body, sizeof(body));

	put_number(&out, 1, restorer.bytes);
	put_number(&out, 2, restorer.pages);
	put_number(&out, 3, ckpt_clock_ns(CLOCK_REALTIME) / 1000);
	send_body(ARRIVED, body, out.bytes_written);
}

void link_say_failed(const char *code, const char *text)
{
	uint8_t body[512];
	pb_ostream_t out = pb_ostream_from_buffer(body, sizeof(body));

	put_text(&out, 1, code);
	put_text(&out, 2, text);
	send_body(FAILED, body, out.bytes_written);
}

/* ------------------------------------------------------------------ in */

struct field {
	uint32_t number;
	uint64_t value;                 /* varint */
	const uint8_t *bytes;           /* length-delimited */
	size_t length;
};

/* Fields of any other wire type have no bytes and no value. */
static bool next_field(pb_istream_t *in, const uint8_t *end, struct field *field)
{
	pb_wire_type_t type;
	uint32_t length;
	bool eof;

	memset(field, 0, sizeof(*field));
	if (!pb_decode_tag(in, &type, &field->number, &eof))
		return false;
	if (type == PB_WT_VARINT)
		return pb_decode_varint(in, &field->value);
	if (type != PB_WT_STRING)
		return pb_skip_field(in, type);
	if (!pb_decode_varint32(in, &length) || length > in->bytes_left)
		return false;
	field->bytes = end - in->bytes_left;
	field->length = length;
	return pb_read(in, NULL, length);
}

static void take_text(const struct field *field, char *out, size_t size)
{
	size_t n = field->length < size - 1 ? field->length : size - 1;

	memcpy(out, field->bytes, n);
	out[n] = 0;
}

#define EACH_FIELD(container, field, in) \
	for (pb_istream_t in = pb_istream_from_buffer((container)->bytes, (container)->length); \
	     next_field(&in, (container)->bytes + (container)->length, &(field));)

static enum verdict take_receive(const struct field *body)
{
	struct field field, part;

	EACH_FIELD(body, field, fields) {
		if (field.number == 1 && field.bytes)
			take_text(&field, restorer.id, sizeof(restorer.id));
		else if (field.number == 3 && field.length == 16)
			memcpy(restorer.secret, field.bytes, 16);
		else if (field.number == 4)
			restorer.timeout_ms = field.value;
		else if (field.number == 5 && field.bytes)
			EACH_FIELD(&field, part, inner) {
				if (part.number == 1 && part.bytes)
					take_text(&part, restorer.fault_point, sizeof(restorer.fault_point));
				else if (part.number == 2)
					restorer.fault_action = part.value;
			}
		else if (field.number == 6 && field.bytes)
			take_text(&field, restorer.seal, sizeof(restorer.seal));
	}
	if (!restorer.timeout_ms)
		restorer.timeout_ms = 60000;
	return VERDICT_RECEIVE;
}

static enum verdict take_go(const struct field *body)
{
	struct field field;

	EACH_FIELD(body, field, fields) {
		if (field.number == 1)
			restorer.epoch = field.value;
		else if (field.number == 2 && field.bytes) {
			if (field.length > sizeof(restorer.place))
				return VERDICT_ABORT;   /* nobody could reach the task: rather handed back */
			memcpy(restorer.place, field.bytes, field.length);
			restorer.place_length = field.length;
		}
	}
	return VERDICT_GO;
}

static enum verdict take_frame(const uint8_t *bytes, size_t length)
{
	struct field frame = { .bytes = bytes, .length = length }, field;

	EACH_FIELD(&frame, field, fields) {
		if (field.number == RECEIVE && field.bytes)
			return take_receive(&field);
		if (field.number == GO && field.bytes)
			return take_go(&field);
		if (field.number == ABORT)
			return VERDICT_ABORT;
	}
	return VERDICT_NONE;
}

/* Reads exactly one frame: bytes behind it belong to the task that the connection will serve. */
static enum verdict read_frame(void)
{
	uint32_t size = 0;
	size_t want;
	long n;

	for (;;) {
		if (restorer.frame_used >= 4)
			memcpy(&size, restorer.frame, 4);
		if (size > sizeof(restorer.frame) - 4)
			return VERDICT_LOST;
		want = restorer.frame_used < 4 ? 4 : 4 + size;
		if (restorer.frame_used == want && want > 4) {
			restorer.frame_used = 0;
			return take_frame(restorer.frame + 4, size);
		}
		if (restorer.frame_used == 4 && size == 0) {
			restorer.frame_used = 0;
			return VERDICT_NONE;
		}
		n = SYS(recvfrom, restorer.daemon, restorer.frame + restorer.frame_used,
			want - restorer.frame_used, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return VERDICT_NONE;
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return VERDICT_LOST;
		restorer.frame_used += n;
	}
}

enum verdict link_look(void)
{
	return restorer.daemon < 0 ? VERDICT_LOST : read_frame();
}

enum verdict link_wait(int timeout_ms)
{
	struct pollfd poll = { .fd = restorer.daemon, .events = POLLIN };

	if (restorer.daemon < 0)
		return VERDICT_LOST;
	SYS(poll, &poll, 1, timeout_ms);
	return read_frame();
}

/* ------------------------------------------------------------------ connecting */

static bool connect_once(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	long fd = SYS(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	ckpt_copy_text(to.sun_path, sizeof(to.sun_path), restorer.socket);
	if (SYS(connect, fd, &to, sizeof(to))) {
		SYS(close, fd);
		return false;
	}
	restorer.frame_used = 0;
	/* An arrived restorer has its files in place already: stay out of their numbers. */
	restorer.daemon = SYS(fcntl, fd, F_DUPFD_CLOEXEC, 64);
	if (restorer.daemon < 0)
		restorer.daemon = fd;
	else
		SYS(close, fd);
	return true;
}

void link_open(void)
{
	if (!connect_once())
		give_up("RESTORER_FAILED", "cannot connect to %s", restorer.socket);
}

void link_reconnect(void)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + RECONNECT_NS;
	struct timespec pause = { 0, 100000000 };

	SYS(close, restorer.daemon);
	restorer.daemon = -1;
	while (!connect_once()) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			give_up("RESTORER_FAILED", "the daemon did not come back");
		SYS(nanosleep, &pause, NULL);
	}
	link_say_hello(true);
}
