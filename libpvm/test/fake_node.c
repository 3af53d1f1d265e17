/* fake_node.c: see fake_node.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/message/message.h"
#include "../src/plane/plane.h"
#include "fake_node.h"

struct fake_table *fake;
struct fake_traffic fake_told[FAKE_TASKS];
bool fake_deaf;
static char directory[64];
static int link_fd = -1;

static struct pvmi_messages messages = { .news_fd = -1 };
static struct pvmi_context context = { .messages = &messages };
struct pvmi_context *pvmi = &context;

static struct question {
	uint32_t tid, epoch;
	bool broken, asked;
} questions[FAKE_TASKS];

/* ------------------------------------------------------------------ link/ */

int pvmi_link_descriptor(void)
{
	return link_fd;
}

int pvmi_link_resolve(uint32_t tid, uint32_t epoch, bool broken)
{
	uint64_t one = 1;

	questions[tid & 15] = (struct question){ tid, epoch, broken, true };
	assert(write(link_fd, &one, sizeof(one)) == sizeof(one));
	return 0;
}

void pvmi_link_poll(void)
{
	struct pvmi_route_answer answer;
	uint64_t count;
	int i;

	if (read(link_fd, &count, sizeof(count)) < 0)
		return;
	for (i = 1; i < FAKE_TASKS; i++) {
		const struct fake_entry *entry = &fake->entries[i];

		if (!questions[i].asked)
			continue;
		if (entry->state == 0) {        /* like a daemon whose task is moving: later */
			count = 1;
			assert(write(link_fd, &count, sizeof(count)) == sizeof(count));
			continue;
		}
		questions[i].asked = false;
		memset(&answer, 0, sizeof(answer));
		answer.tid = questions[i].tid;
		answer.epoch = entry->epoch;
		answer.state = entry->state == 2 ? PVMI_ROUTE_DEAD :
			       entry->node == (int)pvmi->host ? PVMI_ROUTE_HERE : PVMI_ROUTE_ELSEWHERE;
		strcpy(answer.local_path, entry->local_path);
		strcpy(answer.address, "127.0.0.1");
		answer.port = entry->port;
		pvmi_plane_route_known(&answer);
	}
}

int pvmi_link_endpoint(const char *local_path, uint16_t port)
{
	struct fake_entry *entry = &fake->entries[pvmi->tid & 15];

	strcpy(entry->local_path, local_path);
	entry->port = port;
	entry->node = (int)pvmi->host;
	__atomic_store_n(&entry->state, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int pvmi_link_traffic(const struct pvmi_traffic *peers, size_t count)
{
	size_t i;

	memset(fake_told, 0, sizeof(fake_told));
	for (i = 0; i < count; i++) {
		fake_told[peers[i].tid & 15].messages = peers[i].messages;
		fake_told[peers[i].tid & 15].bytes = peers[i].bytes;
	}
	return fake_deaf ? -1 : 0;
}

bool pvmi_link_flush(void)
{
	return true;
}

int pvmi_link_migration_progress(const struct pvmi_migration_report *report)
{
	(void)report;
	return 0;
}

int pvmi_link_freeze_request(const char *id)
{
	(void)id;
	return 0;
}

void pvmi_link_thawed(void)
{
}

int pvmi_link_migration_failed(const char *id, const char *code, const char *text)
{
	(void)id;
	(void)code;
	(void)text;
	return 0;
}

int pvmi_link_image_sent(const struct pvmi_migration_report *report)
{
	(void)report;
	return 0;
}

int pvmi_link_let_go(const char *id, uint64_t at, uint64_t inode)
{
	(void)id;
	(void)at;
	(void)inode;
	return 0;
}

int pvmi_link_restorer_arrived(uint64_t at)
{
	(void)at;
	return 0;
}

void pvmi_link_is_copy(const char *socket, const char *cookie)
{
	(void)socket;
	(void)cookie;
}

int pvmi_link_resumed(const char *id, uint64_t at)
{
	(void)id;
	(void)at;
	return 0;
}

int pvmi_link_renew(int fd, const uint8_t *place, size_t length)
{
	(void)fd;
	(void)place;
	(void)length;
	return 0;
}

/* ------------------------------------------------------------------ tasks */

void fake_open(void)
{
	strcpy(directory, "/tmp/pvmi-test-XXXXXX");
	assert(mkdtemp(directory));
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(fake != MAP_FAILED);
}

void fake_enrol(int number, int node)
{
	link_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	context.tid = FAKE_TID(number);
	context.host = (uint32_t)node;
	context.incarnation = (uint64_t)getpid() << 16 | (unsigned int)number;
	strcpy(context.address, "127.0.0.1");
	strcpy(context.socket_dir, directory);
	memcpy(context.secret, "0123456789abcdef", 16);
	pvmi_enter();
	assert(pvmi_plane_start() == 0);
	pvmi_leave();
}

void fake_leave(void)
{
	pvmi_enter();
	pvmi_plane_stop(true);
	pvmi_leave();
	fake->entries[context.tid & 15].state = 2;
}

static uint8_t byte_of(uint64_t seed, unsigned long at)
{
	uint64_t word = (seed + at / 8) * 0x9e3779b97f4a7c15ULL;

	return (uint8_t)(word >> 8 * (at % 8));
}

int fake_send(int to, int tag, uint64_t seed, unsigned long length)
{
	struct pvmi_message *message;
	struct pvmi_block *block;
	unsigned long i;
	int result;

	pvmi_enter();
	message = pvmi_message_new();
	block = pvmi_block_new(length + 16);
	assert(message && block);
	memcpy(block->bytes, &seed, 8);
	for (i = 0; i < length; i++)
		block->bytes[8 + i] = byte_of(seed, i);
	assert(pvmi_message_append(message, block, block->bytes, length + 8) == 0);
	message->tag = tag;
	result = pvmi_plane_send(FAKE_TID(to), message);
	pvmi_message_unref(message);
	pvmi_leave();
	return result;
}

int fake_receive(int *tag, uint64_t *seed, unsigned long *length)
{
	struct pvmi_message *message;
	const struct pvmi_piece *piece;
	unsigned long at = 0, i;
	int error, source;

	pvmi_enter();
	pvmi_plane_poll();
	while (!(message = pvmi_queue_take(-1, -1, 0, &error)))
		pvmi_plane_wait(INT64_MAX);
	*tag = message->tag;
	*length = message->length < 8 ? 0 : message->length - 8;
	*seed = 0;
	for (piece = message->first; piece; piece = piece->next) {
		for (i = 0; i < piece->length; i++, at++) {
			if (at < 8)
				memcpy((uint8_t *)seed + at, piece->bytes + i, 1);
			else if (piece->bytes[i] != byte_of(*seed, at - 8)) {
				fprintf(stderr, "byte %lu of a message of %zu from %x is wrong\n", at,
					message->length, message->source);
				abort();
			}
		}
	}
	assert(at == message->length);
	source = (int)(message->source & 15);
	pvmi_message_unref(message);
	pvmi_leave();
	return source;
}

void fake_notice(int about, int tag)
{
	fake_will(about, 0, 0, tag);
}

void fake_will(int of, uint64_t incarnation, uint64_t number, int tag)
{
	struct pvmi_message *message;

	pvmi_enter();
	message = pvmi_message_new();
	message->tag = tag;
	message->source = message->about = FAKE_TID(of);
	message->willed.incarnation = incarnation;
	message->willed.number = number;
	pvmi_plane_notice(message);
	pvmi_leave();
}

void fake_cut(void)
{
	struct stat file;
	int fd, type;
	socklen_t length;

	for (fd = 3; fd < 1024; fd++) {
		length = sizeof(type);
		if (fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) &&
		    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &type, &length) == 0 && !type)
			shutdown(fd, SHUT_RDWR);
	}
}
