/* Open files: collected while the image comes, opened when it is complete. */
#include "restorer.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_LARGEFILE | \
		    O_DIRECTORY | O_NOATIME | O_PATH)

void add_descriptor(const mpvm_image_Descriptor *message)
{
	struct descriptor *kept = &restorer.descriptors[restorer.descriptor_count];

	if (restorer.descriptor_count == MAX_DESCRIPTORS)
		give_up("IMAGE_TOO_LARGE", "more than %d open files", MAX_DESCRIPTORS);
	*kept = (struct descriptor){
		.number = message->number,
		.kind = message->kind,
		.close_on_exec = message->close_on_exec,
		.flags = message->flags,
		.path = keep_text(message->path),
		.seals = message->seals,
		.of = message->of,
		.position = message->position,
		.size = message->size,
		.inode = message->inode,
		.value = message->value,
		.interval = message->interval,
		.ticks = message->ticks,
		.clock = message->clock,
		.semaphore = message->semaphore,
		.domain = message->domain,
		.type = message->type,
		.protocol = message->protocol,
		.peer = message->peer,
		.alone = message->alone,
		.shut = message->shut,
	};
	memcpy(kept->options, message->options, message->options_count * sizeof(message->options[0]));
	restorer.descriptor_count++;
}

static int highest_number(void)
{
	int highest = 2;
	size_t i;

	for (i = 0; i < restorer.descriptor_count; i++)
		if (restorer.descriptors[i].number > highest)
			highest = restorer.descriptors[i].number;
	return highest;
}

static void raise_limit(int highest)
{
	struct rlimit64 limit;

	if (SYS(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit))
		return;
	if (limit.rlim_cur < (uint64_t)highest + 64 + MAX_OBJECTS) {
		limit.rlim_cur = limit.rlim_max;
		SYS(prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
	}
}

void move_up(int *fd, int above)
{
	long moved;

	if (*fd < 0 || *fd > above)
		return;
	moved = SYS(fcntl, *fd, F_DUPFD_CLOEXEC, above + 1);
	if (moved < 0)
		give_up("RESTORER_FAILED", "no descriptor above %d: %e", above, moved);
	SYS(close, *fd);
	*fd = moved;
}

/* Numbers up to the task's highest become free. */
static void step_aside(int highest)
{
	size_t i;
	int fd;

	raise_limit(highest);
	move_up(&restorer.daemon, highest);
	move_up(&restorer.stream, highest);
	move_up(&restorer.output, highest);
	for (i = 0; i < restorer.object_count; i++)
		move_up(&restorer.objects[i].fd, highest);
	for (fd = 0; fd <= highest; fd++)
		SYS(close, fd);
}

static int number_of_first(int number)
{
	size_t i;

	for (i = 0; i < restorer.descriptor_count; i++)
		if (restorer.descriptors[i].number == number)
			return restorer.descriptors[i].kind == mpvm_image_Descriptor_Kind_SAME_AS ? -1 : number;
	return -1;
}

/* As MEMORY: a descriptor of its own, so that its position is its own, unless it was a duplicate. */
static long open_memory(const struct descriptor *wanted)
{
	int object = object_descriptor(wanted->inode, 0, text_at(wanted->path));
	char path[64];
	long error, fd;

	error = SYS(ftruncate, object, wanted->size);
	if (error)
		return error;
	ckpt_format(path, sizeof(path), "/proc/self/fd/%d", object);
	fd = SYS(openat, AT_FDCWD, path, (wanted->flags & OPEN_FLAGS) | O_CLOEXEC);
	if (fd >= 0)
		SYS(lseek, fd, wanted->position, SEEK_SET);
	return fd;
}

static long open_file(const struct descriptor *wanted)
{
	const char *path = text_at(wanted->path);
	long fd = SYS(openat, AT_FDCWD, path, (wanted->flags & OPEN_FLAGS) | O_CLOEXEC), at;

	if (fd < 0)
		give_up("FILE_UNREACHABLE", "open %s: %e", path, fd);
	if (wanted->position && !(wanted->flags & O_PATH)) {
		at = SYS(lseek, fd, wanted->position, SEEK_SET);
		if (at < 0 && at != -ESPIPE)
			give_up("FILE_UNREACHABLE", "lseek %s: %e", path, at);
	}
	return fd;
}

static long open_descriptor(const struct descriptor *wanted)
{
	switch (wanted->kind) {
	case mpvm_image_Descriptor_Kind_FILE:
		return open_file(wanted);
	case mpvm_image_Descriptor_Kind_MEMORY:
		return open_memory(wanted);
	case mpvm_image_Descriptor_Kind_OUTPUT:
		return SYS(fcntl, restorer.output, F_DUPFD_CLOEXEC, 0);
	case mpvm_image_Descriptor_Kind_SAME_AS:
		if (number_of_first(wanted->of) < 0)
			give_up("IMAGE_INVALID", "descriptor %d duplicates %d, which is none", wanted->number,
				wanted->of);
		return SYS(fcntl, wanted->of, F_DUPFD_CLOEXEC, 0);
	default:
		return open_object(wanted);
	}
}

static void put_at(long fd, const struct descriptor *wanted)
{
	long error;

	if (fd < 0)
		give_up("RESTORER_FAILED", "descriptor %d: %e", wanted->number, fd);
	if (fd == wanted->number) {
		SYS(fcntl, fd, F_SETFD, wanted->close_on_exec ? FD_CLOEXEC : 0);
		return;
	}
	error = SYS(dup3, fd, wanted->number, wanted->close_on_exec ? O_CLOEXEC : 0);
	if (error < 0)
		give_up("RESTORER_FAILED", "descriptor %d: %e", wanted->number, error);
	SYS(close, fd);
}

/* Duplicates come after what they duplicate. The daemon's link follows at the very end. */
void install_descriptors(void)
{
	size_t i;
	int pass;

	restorer.highest = highest_number();
	step_aside(restorer.highest);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < restorer.descriptor_count; i++) {
			const struct descriptor *wanted = &restorer.descriptors[i];
			bool same = wanted->kind == mpvm_image_Descriptor_Kind_SAME_AS;

			if (wanted->kind != mpvm_image_Descriptor_Kind_DAEMON_LINK && same == (pass == 1))
				put_at(open_descriptor(wanted), wanted);
		}
	}
	for (i = 0; i < restorer.descriptor_count; i++)
		if (restorer.descriptors[i].kind == mpvm_image_Descriptor_Kind_MEMORY && restorer.descriptors[i].seals)
			SYS(fcntl, restorer.descriptors[i].number, F_ADD_SEALS, restorer.descriptors[i].seals);
	finish_objects();
	for (i = 0; i < restorer.object_count; i++)
		SYS(close, restorer.objects[i].fd);
}

/* The connection to the daemon takes the old one's number; the rest of ours goes. */
void install_link(void)
{
	size_t i;

	for (i = 0; i < restorer.descriptor_count; i++) {
		const struct descriptor *wanted = &restorer.descriptors[i];

		if (wanted->kind != mpvm_image_Descriptor_Kind_DAEMON_LINK)
			continue;
		SYS(dup3, restorer.daemon, wanted->number, wanted->close_on_exec ? O_CLOEXEC : 0);
		SYS(close, restorer.daemon);
		restorer.daemon = wanted->number;
		SYS(fcntl, restorer.daemon, F_SETFL, wanted->flags & O_NONBLOCK);
		break;
	}
	SYS(close, restorer.stream);
	SYS(close, restorer.output);
}
