/*
 * peer_fuzz.c: a task of the same VM that speaks nonsense: over TCP, or by its ring and heap in
 * shared memory. Whatever it does, the receiver neither crashes nor reads where it may not, keeps no
 * descriptor, and takes in a well-behaved sender's message afterwards.
 *
 * The input is a script: the first byte chooses the route and what goes with the hello, then each
 * step is a byte that says what to do and the bytes it needs.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/message/message.h"
#include "../../src/plane/greeting.h"
#include "../../src/plane/plane.h"
#include "../../src/plane/shm/inbox.h"
#include "../../src/plane/shm/ring.h"
#include "../../src/plane/tcp/frame.h"
#include "../fake_node.h"

enum { ME = 1, STRANGER = 2 };
#define HEAP_SIZE 65536

/* ------------------------------------------------------------------ the script */

struct script {
	const uint8_t *at, *end;
};

static uint8_t byte(struct script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

static uint64_t number(struct script *script, int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | byte(script);
	return value;
}

static size_t some(struct script *script, size_t want, const uint8_t **bytes)
{
	size_t left = (size_t)(script->end - script->at);

	*bytes = script->at;
	script->at += want < left ? want : left;
	return want < left ? want : left;
}

/* Small and likely most of the time, anything now and then. */
static uint64_t likely(struct script *script, uint64_t usual)
{
	uint8_t how = byte(script);

	return how < 160 ? usual : how < 240 ? usual + (uint64_t)(int64_t)(int8_t)byte(script) : number(script, 8);
}

/* ------------------------------------------------------------------ the receiver */

/* At the descriptors too, which a poll leaves alone when it has looked lately. */
static void look(void)
{
	pvmi_enter();
	pvmi_plane_poll();
	pvmi_plane_service(PVMI_PROGRAM);
	pvmi_leave();
}

static void read_messages(void)
{
	struct pvmi_message *message;
	uint8_t bytes[64];
	int error;

	pvmi_enter();
	while ((message = pvmi_queue_take(-1, -1, 0, &error))) {
		while (pvmi_body_read(message, bytes, sizeof(bytes)))
			;
		pvmi_message_unref(message);
	}
	pvmi_leave();
}

/* Of the kinds that peers make us hold; the fuzzer has some of its own. */
static int descriptors_open(bool show)
{
	char path[32], target[128];
	ssize_t length;
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = 0;
		if (!strstr(target, "socket:") && !strstr(target, "memfd:") && !strstr(target, "eventfd"))
			continue;
		count++;
		if (show)
			fprintf(stderr, "descriptor %d: %s\n", fd, target);
	}
	return count;
}

/* ------------------------------------------------------------------ the peer */

struct peer {
	int fd;
	bool local;
	struct pvmi_hello hello;
	struct pvmi_welcome welcome;
	uint64_t sent;                  /* messages */
	int heap, ring_fd, bell;
	struct pvmi_ring_shared *ring;
	uint64_t head;
};

static int connect_to_me(bool local)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(fake->entries[ME].port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(path.sun_path, fake->entries[ME].local_path);
	assert(fd >= 0);
	assert(connect(fd, local ? (struct sockaddr *)&path : (struct sockaddr *)&address,
		       local ? sizeof(path) : sizeof(address)) == 0);
	return fd;
}

static void make_memory(struct peer *peer, struct script *script)
{
	uint8_t how = byte(script);
	size_t ring_size = how & 1 ? sizeof(struct pvmi_ring_shared) : (size_t)(how & 0x70) * 512;

	peer->heap = memfd_create("heap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	peer->ring_fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	peer->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(peer->heap >= 0 && peer->ring_fd >= 0 && peer->bell >= 0);
	assert(ftruncate(peer->heap, how & 2 ? HEAP_SIZE : how & 4 ? 100 : 0) == 0);
	assert(ftruncate(peer->ring_fd, (off_t)ring_size) == 0);
	if (!(how & 8) || how & 1) {
		fcntl(peer->heap, F_ADD_SEALS, F_SEAL_SHRINK);
		fcntl(peer->ring_fd, F_ADD_SEALS, F_SEAL_SHRINK);
	}
	if (ring_size < sizeof(struct pvmi_ring_shared))
		return;
	peer->ring = mmap(NULL, ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, peer->ring_fd, 0);
	assert(peer->ring != MAP_FAILED);
	peer->ring->magic = PVMI_RING_MAGIC;
	peer->ring->data_size = PVMI_RING_DATA;
}

static void say_hello(struct peer *peer, int descriptors)
{
	struct {
		struct cmsghdr header;
		int fds[4];
	} control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN((size_t)descriptors * sizeof(int)) },
		      .fds = { peer->heap, peer->ring_fd, peer->bell, peer->heap } };
	struct iovec piece = { &peer->hello, sizeof(peer->hello) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	if (descriptors) {
		message.msg_control = &control;
		message.msg_controllen = control.header.cmsg_len;
	}
	assert(sendmsg(peer->fd, &message, MSG_NOSIGNAL) == (long)sizeof(peer->hello));
}

/* As far as the welcome, whatever it says. */
static void greet(struct peer *peer, struct script *script, uint64_t incarnation)
{
	struct pvmi_challenge challenge;
	int descriptors = 0;

	peer->fd = connect_to_me(peer->local);
	look();
	assert(recv(peer->fd, &challenge, sizeof(challenge), MSG_WAITALL) == (long)sizeof(challenge));
	peer->hello.sender = FAKE_TID(STRANGER);
	peer->hello.receiver = (uint32_t)likely(script, FAKE_TID(ME));
	peer->hello.incarnation = incarnation;
	pvmi_hello_seal(&peer->hello, pvmi->secret, &challenge);
	if (peer->local)
		descriptors = (int)(likely(script, 3) % 5);
	say_hello(peer, descriptors);
	look();
	memset(&peer->welcome, 0, sizeof(peer->welcome));
	(void)!recv(peer->fd, &peer->welcome, sizeof(peer->welcome), MSG_DONTWAIT);
}

static void send_frame(struct peer *peer, struct script *script)
{
	struct pvmi_tcp_frame frame = { .magic = PVMI_TCP_FRAME_MAGIC };
	const uint8_t *body;
	size_t length = number(script, 2) % 5000;

	frame.type = (uint16_t)likely(script, PVMI_TCP_FRAME_MESSAGE);
	frame.number = likely(script, peer->sent + 1);
	frame.length = likely(script, length);
	frame.offset = likely(script, 0);
	frame.tag = (int32_t)likely(script, 7);
	frame.encoding = (uint32_t)likely(script, 0x10000000);
	length = some(script, length, &body);
	if (send(peer->fd, &frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 && length)
		(void)!send(peer->fd, body, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	peer->sent++;
}

/* A likely record where the receiver looks next, with anything else in it now and then. */
static void push_record(struct peer *peer, struct script *script)
{
	static const uint8_t kinds[] = { PVMI_RECORD_WHOLE, PVMI_RECORD_INLINE, PVMI_RECORD_LENT, PVMI_RECORD_BYE };
	struct pvmi_ring ring = { .shared = peer->ring, .head = peer->head, .tail = peer->head };
	enum pvmi_record_kind kind = kinds[byte(script) % (byte(script) % 8 ? 3 : 4)];
	struct pvmi_record *record;
	const uint8_t *body;
	size_t length = number(script, 2) % 1200;
	bool fault;

	length = some(script, length, &body);
	record = pvmi_ring_begin(&ring, kind, body, kind == PVMI_RECORD_LENT ? 0 : length, &fault);
	record->kind = (uint8_t)likely(script, kind);
	record->flags = (uint8_t)likely(script, PVMI_RECORD_FIRST | PVMI_RECORD_LAST);
	record->number = likely(script, peer->sent + 1);
	record->length = (uint32_t)likely(script, length);
	record->message_length = likely(script, length);
	record->offset = likely(script, 64);
	record->lend = (uint32_t)likely(script, 3);
	record->tag = (int32_t)likely(script, 7);
	record->stamp = (uint32_t)likely(script, pvmi_ring_stamp(peer->head));
	peer->head += pvmi_ring_units(kind, kind == PVMI_RECORD_LENT ? 0 : length) * PVMI_RING_UNIT;
	if (pvmi->plane->inbox && peer->welcome.place < PVMI_LOCAL_SENDERS)
		pvmi_inbox_tell(pvmi->plane->inbox, peer->welcome.place);
	peer->sent++;
}

static void spoil_ring(struct peer *peer, struct script *script)
{
	size_t at = number(script, 3) % sizeof(*peer->ring), length = byte(script);
	const uint8_t *bytes;

	length = some(script, length < sizeof(*peer->ring) - at ? length : sizeof(*peer->ring) - at, &bytes);
	memcpy((uint8_t *)peer->ring + at, bytes, length);
}

static void step(struct peer *peer, struct script *script)
{
	const uint8_t *bytes;
	size_t length;

	switch (byte(script) % 8) {
	case 0: case 1: case 2:
		if (!peer->local)
			send_frame(peer, script);
		else if (peer->ring)
			push_record(peer, script);
		break;
	case 3:
		length = some(script, byte(script), &bytes);
		if (length)
			(void)!send(peer->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 4:
		if (peer->ring)
			spoil_ring(peer, script);
		break;
	case 5:
		shutdown(peer->fd, SHUT_WR);
		break;
	case 6:
		read_messages();
		break;
	default:
		look();
	}
}

static void part(struct peer *peer)
{
	close(peer->fd);
	if (peer->ring)
		munmap(peer->ring, sizeof(*peer->ring));
	if (peer->local) {
		close(peer->heap);
		close(peer->ring_fd);
		close(peer->bell);
	}
	look();
	read_messages();
	look();
}

/* The receiver is as good as ever: an honest peer gets its message through. */
static void check_receiver(uint64_t incarnation)
{
	struct pvmi_tcp_frame frame = { .magic = PVMI_TCP_FRAME_MAGIC, .type = PVMI_TCP_FRAME_MESSAGE, .number = 1, .tag = 4711,
					.encoding = 0x10000000 };
	struct script nothing = { 0 };
	struct pvmi_message *message;
	struct peer honest = { 0 };
	int error;

	greet(&honest, &nothing, incarnation);
	assert(honest.welcome.magic == PVMI_GREETING_MAGIC && honest.welcome.status == PVMI_WELCOME_OPEN);
	assert(send(honest.fd, &frame, sizeof(frame), MSG_NOSIGNAL) == (long)sizeof(frame));
	look();
	pvmi_enter();
	message = pvmi_queue_take(-1, 4711, 0, &error);
	assert(message);
	pvmi_message_unref(message);
	pvmi_leave();
	part(&honest);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fake_open();
	fake_enrol(ME, 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t incarnation = 1;
	static int descriptors;
	struct script script = { data, data + size };
	struct peer peer = { .local = byte(&script) & 1 };

	incarnation += 2;
	if (peer.local)
		make_memory(&peer, &script);
	greet(&peer, &script, incarnation);
	while (script.at < script.end)
		step(&peer, &script);
	look();
	part(&peer);
	check_receiver(incarnation + 1);
	if (!descriptors)
		descriptors = descriptors_open(false);
	if (descriptors_open(false) != descriptors) {
		fprintf(stderr, "there were %d descriptors, now %d:\n", descriptors, descriptors_open(true));
		abort();
	}
	return 0;
}
