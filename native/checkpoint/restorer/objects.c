/* Kernel objects that are made anew: eventfd, timerfd, signalfd, epoll, pipes (kernel_objects.c). */
#include "restorer.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ------------------------------------------------------------------ as records come */

void add_data(const mpvm_image_Data *message)
{
	struct data *kept = &restorer.data[restorer.data_count];

	if (restorer.data_count == MAX_DATA || restorer.data_used + message->content.size > DATA_ROOM)
		give_up("IMAGE_TOO_LARGE", "more than %u bytes lie in pipes and sockets", DATA_ROOM);
	*kept = (struct data){ message->inode, restorer.data_used, message->content.size, message->more };
	memcpy(restorer.data_bytes + restorer.data_used, message->content.bytes, message->content.size);
	restorer.data_used += message->content.size;
	restorer.data_count++;
}

void add_watch(const mpvm_image_Watch *message)
{
	if (restorer.watch_count == MAX_WATCHES)
		give_up("IMAGE_TOO_LARGE", "epoll watches more than %d files", MAX_WATCHES);
	restorer.watches[restorer.watch_count++] = *message;
}

/* ------------------------------------------------------------------ when all are known */

static long open_event(const struct descriptor *wanted)
{
	uint64_t count = wanted->value;
	long fd = SYS(eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK | (wanted->semaphore ? EFD_SEMAPHORE : 0));

	if (fd >= 0 && count)
		SYS(write, fd, &count, sizeof(count));
	return fd;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ ns / 1000000000u, ns % 1000000000u };
}

/* Expiries that have not been read yet come from a first one in the past. */
static long open_timer(const struct descriptor *wanted)
{
	struct itimerspec value = { to_timespec(wanted->interval), to_timespec(wanted->value) };
	uint64_t now = ckpt_clock_ns(wanted->clock), past = wanted->ticks * wanted->interval, left = wanted->value;
	long fd = SYS(timerfd_create, wanted->clock, TFD_CLOEXEC);
	int flags = 0;

	if (fd < 0)
		return fd;
	if (wanted->ticks && !wanted->interval) {
		value.it_value = to_timespec(1);
	} else if (wanted->ticks) {
		flags = TFD_TIMER_ABSTIME;
		value.it_value = to_timespec(now + left > past ? now + left - past : 1);
	}
	SYS(timerfd_settime, fd, flags, &value, NULL);
	return fd;
}

static long open_signals(const struct descriptor *wanted)
{
	uint64_t mask = wanted->value;

	return SYS(signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC);
}

static struct pipe *make_pipe(const struct descriptor *wanted)
{
	struct pipe *pipe = &restorer.pipes[restorer.pipe_count];
	size_t i;
	long error;

	if (restorer.pipe_count == MAX_PIPES)
		give_up("IMAGE_TOO_LARGE", "more than %d pipes", MAX_PIPES);
	error = SYS(pipe2, pipe->ends, O_CLOEXEC | O_NONBLOCK);
	if (error)
		give_up("RESTORER_FAILED", "pipe: %e", error);
	pipe->inode = wanted->inode;
	restorer.pipe_count++;
	for (i = 0; i < 2; i++)
		move_up(&pipe->ends[i], restorer.highest);
	SYS(fcntl, pipe->ends[1], F_SETPIPE_SZ, wanted->value);
	for (i = 0; i < restorer.data_count; i++) {
		const struct data *data = &restorer.data[i];

		if (data->inode == pipe->inode &&
		    SYS(write, pipe->ends[1], restorer.data_bytes + data->at, data->size) != (long)data->size)
			give_up("PIPE_TOO_SMALL", "a pipe of %lu bytes cannot be made here",
				(unsigned long)wanted->value);
	}
	return pipe;
}

/* Each end that was not a duplicate is an open file of its own. */
static long open_pipe(const struct descriptor *wanted)
{
	struct pipe *pipe = NULL;
	char path[64];
	size_t i;

	for (i = 0; i < restorer.pipe_count; i++)
		if (restorer.pipes[i].inode == wanted->inode)
			pipe = &restorer.pipes[i];
	if (!pipe)
		pipe = make_pipe(wanted);
	ckpt_format(path, sizeof(path), "/proc/self/fd/%d", pipe->ends[(wanted->flags & O_ACCMODE) == O_WRONLY]);
	return SYS(openat, AT_FDCWD, path, (wanted->flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC);
}

long open_object(const struct descriptor *wanted)
{
	long fd;

	switch (wanted->kind) {
	case mpvm_image_Descriptor_Kind_EVENT:
		fd = open_event(wanted);
		break;
	case mpvm_image_Descriptor_Kind_TIMER:
		fd = open_timer(wanted);
		break;
	case mpvm_image_Descriptor_Kind_SIGNALS:
		fd = open_signals(wanted);
		break;
	case mpvm_image_Descriptor_Kind_EPOLL:
		return SYS(epoll_create1, EPOLL_CLOEXEC);
	case mpvm_image_Descriptor_Kind_PIPE:
		return open_pipe(wanted);
	case mpvm_image_Descriptor_Kind_SOCKET:
		fd = open_socket(wanted);
		break;
	default:
		give_up("IMAGE_INVALID", "a descriptor of kind %d", (int)wanted->kind);
	}
	if (fd >= 0)
		SYS(fcntl, fd, F_SETFL, wanted->flags & O_NONBLOCK);
	return fd;
}

/* All descriptors are in their places. */
void finish_objects(void)
{
	struct epoll_event event;
	size_t i;
	long error;

	for (i = 0; i < restorer.watch_count; i++) {
		const mpvm_image_Watch *watch = &restorer.watches[i];

		event = (struct epoll_event){ .events = watch->events, .data.u64 = watch->data };
		error = SYS(epoll_ctl, watch->epoll, EPOLL_CTL_ADD, watch->number, &event);
		if (error)
			give_up("RESTORER_FAILED", "epoll %u, descriptor %u: %e", watch->epoll, watch->number,
				error);
	}
	for (i = 0; i < restorer.pipe_count; i++) {
		SYS(close, restorer.pipes[i].ends[0]);
		SYS(close, restorer.pipes[i].ends[1]);
	}
}
