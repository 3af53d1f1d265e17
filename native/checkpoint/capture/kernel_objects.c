/*
 * Kernel objects that have no name but can be made again: eventfd, timerfd, signalfd, epoll, pipes
 * of which both ends are the task's own, and sockets like these (sockets.c). What is in them is read
 * without taking it out.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture.h"

#define KIND(name) mpvm_image_Descriptor_Kind_##name

static const struct {
	const char *path;
	uint8_t kind;
} kinds[] = {
	{ "anon_inode:[eventfd]", KIND(EVENT) }, { "anon_inode:[timerfd]", KIND(TIMER) },
	{ "anon_inode:[signalfd]", KIND(SIGNALS) }, { "anon_inode:[eventpoll]", KIND(EPOLL) },
	{ "pipe:[", KIND(PIPE) }, { "socket:[", KIND(SOCKET) },
};

bool ckpt_judge_object(const char *path, uint8_t *kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!ckpt_starts(path, kinds[i].path))
			continue;
		*kind = kinds[i].kind;
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ pipes */

static bool has_end(uint64_t inode, int mode)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;
	long flags;

	for (i = 0; i < work->descriptor_count; i++) {
		if (work->descriptors[i].kind != KIND(PIPE) || work->descriptors[i].inode != inode)
			continue;
		flags = SYS(fcntl, work->descriptors[i].number, F_GETFL);
		if (flags >= 0 && ((flags & O_ACCMODE) == mode || (flags & O_ACCMODE) == O_RDWR))
			return true;
	}
	return false;
}

static int check_pipe(struct ckpt_job *job, size_t index)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	int fd = work->descriptors[index].number;
	uint64_t inode = work->descriptors[index].inode;

	if (!has_end(inode, O_RDONLY) || !has_end(inode, O_WRONLY))
		return ckpt_refuse(job, fd, "a pipe", "its other end is not the task's");
	if (SYS(fcntl, fd, F_GETFL) & O_DIRECT)
		return ckpt_refuse(job, fd, "a pipe", "of packets (O_DIRECT)");
	return 0;
}

int ckpt_check_objects(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;
	int error = 0;

	for (i = 0; i < work->descriptor_count && !error; i++)
		if (work->descriptors[i].kind == KIND(PIPE))
			error = check_pipe(job, i);
	return error ? error : ckpt_check_sockets(job);
}

static int send_bytes(struct ckpt_job *job, uint64_t inode, int from, size_t left)
{
	mpvm_image_Data *message = &ckpt_engine.work->message.data;
	long n;

	for (; left; left -= n) {
		memset(message, 0, sizeof(*message));
		message->inode = inode;
		n = SYS(read, from, message->content.bytes,
			left < sizeof(message->content.bytes) ? left : sizeof(message->content.bytes));
		if (n <= 0)
			return ckpt_fail(job, CKPT_E_SYSTEM, "reading what lies in a pipe: %e", n);
		message->content.size = n;
		if (ckpt_out_record(&ckpt_engine.work->out, mpvm_image_RecordType_DATA, mpvm_image_Data_fields,
				    message))
			return ckpt_stream_error(job, "sending what lies in a pipe");
	}
	return 0;
}

/* A copy of it goes into a pipe of ours: the program's keeps what it has. */
static int send_content(struct ckpt_job *job, size_t index)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	int fd = work->descriptors[index].number, lying = 0, ends[2], error = 0;
	long capacity, copied;

	SYS(ioctl, fd, FIONREAD, &lying);
	if (!lying)
		return 0;
	if (SYS(pipe2, ends, O_CLOEXEC | O_NONBLOCK))
		return ckpt_fail(job, CKPT_E_SYSTEM, "no pipe to copy into");
	capacity = SYS(fcntl, fd, F_GETPIPE_SZ);
	SYS(fcntl, ends[1], F_SETPIPE_SZ, capacity);
	copied = SYS(tee, fd, ends[1], lying, SPLICE_F_NONBLOCK);
	if (copied != lying)
		error = ckpt_fail(job, CKPT_E_SYSTEM, "descriptor %d: of %d bytes in the pipe %ld could be copied",
				  fd, lying, copied);
	else
		error = send_bytes(job, work->descriptors[index].inode, ends[0], lying);
	SYS(close, ends[0]);
	SYS(close, ends[1]);
	return error;
}

/* ------------------------------------------------------------------ what fdinfo tells */

static int read_info(struct ckpt_job *job, int fd)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	char path[64];
	long n;

	ckpt_format(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = ckpt_read_file(path, work->read_buffer, sizeof(work->read_buffer));
	return n < 0 ? ckpt_fail(job, CKPT_E_SYSTEM, "reading %s: %e", path, n) : 0;
}

static uint64_t info(const char *name, unsigned int base)
{
	const char *at = ckpt_find_line(ckpt_engine.work->read_buffer, name);

	return at ? ckpt_parse(&at, base) : 0;
}

/* "(seconds, nanoseconds)" */
static uint64_t info_time(const char *name)
{
	const char *at = ckpt_find_line(ckpt_engine.work->read_buffer, name);
	uint64_t seconds;

	if (!at || *at != '(')
		return 0;
	at++;
	seconds = ckpt_parse(&at, 10);
	while (*at == ',' || *at == ' ')
		at++;
	return seconds * 1000000000u + ckpt_parse(&at, 10);
}

int ckpt_describe_object(struct ckpt_job *job, mpvm_image_Descriptor *message)
{
	int error;

	if (message->kind == KIND(PIPE)) {
		message->value = SYS(fcntl, message->number, F_GETPIPE_SZ);
		return 0;
	}
	if (message->kind == KIND(SOCKET))
		return ckpt_describe_socket(job, message);
	if (message->kind != KIND(EVENT) && message->kind != KIND(TIMER) && message->kind != KIND(SIGNALS))
		return 0;
	error = read_info(job, message->number);
	if (error)
		return error;
	switch (message->kind) {
	case KIND(EVENT):
		message->value = info("eventfd-count:", 16);
		message->semaphore = info("eventfd-semaphore:", 10);
		break;
	case KIND(TIMER):
		message->clock = info("clockid:", 10);
		message->ticks = info("ticks:", 10);
		message->value = info_time("it_value:");
		message->interval = info_time("it_interval:");
		break;
	default:
		message->value = info("sigmask:", 16);
	}
	return 0;
}

/* ------------------------------------------------------------------ epoll */

/* The entry names the descriptor by which it was made. It must still be the same file, and ours. */
static bool is_watched_file(uint32_t number, uint64_t inode)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->descriptor_count; i++)
		if (work->descriptors[i].number == (int)number)
			return work->descriptors[i].file == inode &&
			       work->descriptors[i].kind != KIND(DAEMON_LINK);
	return false;
}

/* "tfd:  number events:  mask data:  value  pos:0 ino:hex sdev:hex" */
static int send_watch(struct ckpt_job *job, int epoll, const char *at)
{
	mpvm_image_Watch message = { .epoll = epoll };
	uint64_t values[3] = { 0 }, inode = 0;
	int field;

	for (field = 0; field < 3; field++) {
		while (*at && *at != ':' && *at != '\n')
			at++;
		while (*at == ':' || *at == ' ')
			at++;
		values[field] = ckpt_parse(&at, field ? 16 : 10);
	}
	while (*at && *at != '\n' && !ckpt_starts(at, "ino:"))
		at++;
	if (ckpt_starts(at, "ino:")) {
		at += 4;
		inode = ckpt_parse(&at, 16);
	}
	message.number = values[0];
	message.events = values[1];
	message.data = values[2];
	if (!is_watched_file(message.number, inode))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "descriptor %d (epoll): it watches %u, which is closed, "
				 "another file by now, or the library's", epoll, message.number);
	if (ckpt_out_record(&ckpt_engine.work->out, mpvm_image_RecordType_WATCH, mpvm_image_Watch_fields, &message))
		return ckpt_stream_error(job, "sending what epoll watches");
	return 0;
}

static int send_watches(struct ckpt_job *job, int epoll)
{
	const char *at = ckpt_engine.work->read_buffer;
	int error = read_info(job, epoll);

	if (!error && ckpt_length(at) + 1 == sizeof(ckpt_engine.work->read_buffer))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "descriptor %d (epoll) watches too many files", epoll);
	while (!error && *at) {
		if (ckpt_starts(at, "tfd:"))
			error = send_watch(job, epoll, at);
		while (*at && *at++ != '\n')
			;
	}
	return error;
}

/* ------------------------------------------------------------------ behind the descriptors */

static bool is_first_of_pipe(size_t index)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	if (work->descriptors[index].kind != KIND(PIPE) ||
	    (SYS(fcntl, work->descriptors[index].number, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return false;
	for (i = 0; i < index; i++)
		if (work->descriptors[i].kind == KIND(PIPE) &&
		    work->descriptors[i].inode == work->descriptors[index].inode &&
		    (SYS(fcntl, work->descriptors[i].number, F_GETFL) & O_ACCMODE) != O_WRONLY)
			return false;
	return true;
}

int ckpt_send_objects(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;
	int error = 0;

	for (i = 0; i < work->descriptor_count && !error; i++) {
		if (is_first_of_pipe(i))
			error = send_content(job, i);
		else if (work->descriptors[i].kind == KIND(SOCKET) && !work->descriptors[i].duplicate)
			error = ckpt_send_socket(job, i);
		else if (work->descriptors[i].kind == KIND(EPOLL) && !work->descriptors[i].duplicate)
			error = send_watches(job, work->descriptors[i].number);
	}
	return error;
}
