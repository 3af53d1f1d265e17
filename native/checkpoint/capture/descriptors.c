/*
 * Open files. Regular files and directories travel as path, flags and position; descriptors that
 * share an open file stay shared; memfds, and deleted files up to a limit, travel with their content;
 * some kernel objects travel (kernel_objects.c); anything else is refused by name.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"

#define TYPE_MASK 0170000u
#define TYPE_FIFO 0010000u
#define TYPE_CHAR 0020000u
#define TYPE_DIR 0040000u
#define TYPE_FILE 0100000u

#define MEMORY_DEVICES 1u       /* major number: null zero full random urandom */

/* A deleted file lives on in memory at the destination. */
#define DELETED_MOST (64u << 20)

int ckpt_refuse(struct ckpt_job *job, int fd, const char *path, const char *why)
{
	return ckpt_fail(job, CKPT_E_UNSUPPORTED, "descriptor %d (%s): %s", fd, path, why);
}

static bool is_own(struct ckpt_job *job, int fd)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	return fd == work->pagemap || fd == work->memory || fd == work->uffd || fd == job->stream;
}

static long link_of(int fd, char *path, size_t size)
{
	char name[64];
	long n;

	ckpt_format(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = SYS(readlinkat, AT_FDCWD, name, path, size - 1);
	path[n < 0 ? 0 : n] = 0;
	return n;
}

static bool is_output(uint32_t type, const char *path)
{
	size_t n = ckpt_length(path);

	if (type != TYPE_FIFO || *path != '/')
		return false;
	while (n && path[n - 1] != '/')
		n--;
	return n >= 5 && ckpt_starts(path + n - 5, "/out/");
}

static bool is_memory_device(const struct stat *stat)
{
	uint32_t major = stat->st_rdev >> 8 & 0xfff, minor = stat->st_rdev & 0xff;

	return major == MEMORY_DEVICES && (minor == 3 || minor == 5 || (minor >= 7 && minor <= 9));
}

/* Is the file still where its name says? */
static bool is_at(const char *path, const struct stat *stat)
{
	struct stat there;

	return SYS(newfstatat, AT_FDCWD, path, &there, 0) == 0 && there.st_ino == stat->st_ino &&
	       there.st_dev == stat->st_dev;
}

static int keep_object(struct ckpt_job *job, int fd, const char *path, uint64_t key)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (work->object_count == sizeof(work->objects) / sizeof(work->objects[0]))
		return ckpt_refuse(job, fd, path, "too many memory files");
	work->objects[work->object_count++] = (struct ckpt_object){ key, fd };
	return 0;
}

/* Numbers of objects are those of memfds' inodes; a file's inode is another file system's. */
static uint64_t key_of(const char *path, const struct stat *stat)
{
	if (ckpt_starts(path, "/memfd:"))
		return stat->st_ino;
	return (stat->st_ino ^ stat->st_dev * 0x9e3779b97f4a7c15ull) | 1ull << 63;
}

static int judge_deleted(struct ckpt_job *job, int fd, const char *path, const struct stat *stat, uint8_t *kind)
{
	if ((stat->st_mode & TYPE_MASK) != TYPE_FILE)
		return ckpt_refuse(job, fd, path, "the directory is deleted");
	if ((uint64_t)stat->st_blocks * 512 > DELETED_MOST)
		return ckpt_refuse(job, fd, path, "the file is deleted, and holds more than 64 MiB");
	*kind = mpvm_image_Descriptor_Kind_MEMORY;
	return keep_object(job, fd, path, key_of(path, stat));
}

static int judge_file(struct ckpt_job *job, int fd, const char *path, const struct stat *stat, uint8_t *kind)
{
	int error = ckpt_note_locks(job, fd, path);

	if (error)
		return error;
	if (!stat->st_nlink)
		return judge_deleted(job, fd, path, stat, kind);
	if (ckpt_starts(path, "/dev/shm/"))
		return ckpt_refuse(job, fd, path, "POSIX shared memory stays on its machine");
	if (!is_at(path, stat))
		return ckpt_refuse(job, fd, path, "the file is not at this path any more");
	if ((stat->st_mode & TYPE_MASK) == TYPE_DIR && SYS(lseek, fd, 0, SEEK_CUR) > 0)
		return ckpt_refuse(job, fd, path, "a directory that is being read");
	return 0;
}

/* Sets *kind; negative when it cannot move. */
static int judge(struct ckpt_job *job, int fd, const char *path, const struct stat *stat, uint8_t *kind)
{
	uint32_t type = stat->st_mode & TYPE_MASK;
	int error;

	*kind = mpvm_image_Descriptor_Kind_FILE;
	if (is_output(type, path)) {
		*kind = mpvm_image_Descriptor_Kind_OUTPUT;
		return 0;
	}
	if (type == TYPE_FILE && ckpt_starts(path, "/memfd:")) {
		*kind = mpvm_image_Descriptor_Kind_MEMORY;
		error = ckpt_note_locks(job, fd, path);
		return error ? error : keep_object(job, fd, path, stat->st_ino);
	}
	if (type == TYPE_FILE || type == TYPE_DIR)
		return judge_file(job, fd, path, stat, kind);
	if (type == TYPE_CHAR && is_memory_device(stat))
		return 0;
	if (ckpt_judge_object(path, kind))
		return 0;
	if (type == TYPE_FIFO)
		return ckpt_refuse(job, fd, path, "a pipe with a name");
	if (type == TYPE_CHAR)
		return ckpt_refuse(job, fd, path, ckpt_starts(path, "/dev/pts/") || ckpt_starts(path, "/dev/tty") ?
			      "a terminal" : "a device");
	return ckpt_refuse(job, fd, path, "this kind of file cannot move");
}

static int take_descriptor(struct ckpt_job *job, int fd)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	enum ckpt_fd_class class = CKPT_FD_CARRY;
	char *path = work->message.descriptor.path;
	struct stat stat;
	uint8_t kind;
	int error;

	if (ckpt_engine.client->descriptor)
		class = ckpt_engine.client->descriptor(ckpt_engine.client->self, fd);
	if (class == CKPT_FD_DROP)
		return 0;
	if (link_of(fd, path, sizeof(work->message.descriptor.path)) < 0)
		return 0;       /* closed meanwhile (the program may be running) */
	if (SYS(fstat, fd, &stat))
		return 0;
	if (class == CKPT_FD_DAEMON) {
		kind = mpvm_image_Descriptor_Kind_DAEMON_LINK;
	} else if (class == CKPT_FD_OUTPUT) {
		kind = mpvm_image_Descriptor_Kind_OUTPUT;
	} else {
		error = judge(job, fd, path, &stat, &kind);
		if (error)
			return error;
	}
	if (work->descriptor_count == CKPT_MAX_DESCRIPTORS)
		return ckpt_refuse(job, fd, path, "too many open files");
	work->descriptors[work->descriptor_count].number = fd;
	work->descriptors[work->descriptor_count].kind = kind;
	work->descriptors[work->descriptor_count].device = stat.st_dev;
	work->descriptors[work->descriptor_count].file = stat.st_ino;
	work->descriptors[work->descriptor_count].duplicate = false;
	work->descriptors[work->descriptor_count].inode =
		kind == mpvm_image_Descriptor_Kind_MEMORY ? key_of(path, &stat) : stat.st_ino;
	work->descriptor_count++;
	return 0;
}

int ckpt_check_descriptors(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long list = SYS(openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, at;
	int error = 0;

	if (list < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/fd: %e", list);
	work->descriptor_count = 0;
	work->object_count = 0;
	ckpt_engine.locks.count = 0;
	while (!error && (n = SYS(getdents64, list, work->read_buffer, sizeof(work->read_buffer))) > 0) {
		for (at = 0; at < n && !error;) {
			struct dirent64 *entry = (struct dirent64 *)(work->read_buffer + at);
			const char *name = entry->d_name;
			int fd;

			at += entry->d_reclen;
			if (*name < '0' || *name > '9')
				continue;
			fd = ckpt_parse(&name, 10);
			if (fd != list && !is_own(job, fd))
				error = take_descriptor(job, fd);
		}
	}
	SYS(close, list);
	return error ? error : ckpt_check_objects(job);
}

/* Memory files are read through a mapping of their own, in the last round: what the program has
 * mapped of them need not be all there is. */
int ckpt_open_windows(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	struct stat stat;
	size_t i;
	long at;

	work->window_count = 0;
	for (i = 0; i < work->object_count; i++) {
		size_t k, length;

		for (k = 0; k < i && work->objects[k].inode != work->objects[i].inode; k++)
			;
		if (k < i || SYS(fstat, work->objects[i].fd, &stat) || !stat.st_size)
			continue;
		length = (stat.st_size + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1);
		at = SYS(mmap, 0, length, PROT_READ, MAP_SHARED, work->objects[i].fd, 0);
		if (at < 0 && at > -4096)
			return ckpt_fail(job, CKPT_E_SYSTEM, "mapping memory file of descriptor %d: %e",
					 work->objects[i].fd, at);
		work->window_objects[work->window_count] = work->objects[i].inode;
		work->windows[work->window_count++] = (struct ckpt_range){ at, at + length };
	}
	return 0;
}

void ckpt_close_windows(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->window_count; i++)
		SYS(munmap, work->windows[i].start, work->windows[i].end - work->windows[i].start);
	work->window_count = 0;
}

/* Do two descriptors share one open file? Without kcmp: moving one's position moves the other's.
 * The program is stopped, so nobody sees that. Negative: it cannot be told. */
static int share_file(int a, int b)
{
	long pid = SYS(getpid), order = SYS(kcmp, pid, pid, KCMP_FILE, a, b), was, now;

	if (order >= 0)
		return order == 0;
	was = SYS(lseek, a, 0, SEEK_CUR);
	if (was < 0)
		return -1;
	if (SYS(lseek, b, 0, SEEK_CUR) != was)
		return 0;
	SYS(lseek, a, was + 1, SEEK_SET);
	now = SYS(lseek, b, 0, SEEK_CUR);
	SYS(lseek, a, was, SEEK_SET);
	return now == was + 1;
}

/* The first descriptor that shares this one's open file; itself if none does. */
static int find_first(struct ckpt_job *job, size_t index, size_t *first)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	int shared;

	for (*first = 0; *first < index; (*first)++) {
		if (work->descriptors[*first].inode != work->descriptors[index].inode ||
		    work->descriptors[*first].device != work->descriptors[index].device ||
		    work->descriptors[*first].kind != work->descriptors[index].kind)
			continue;
		/* A socket has one open file, always. */
		shared = work->descriptors[index].kind == mpvm_image_Descriptor_Kind_SOCKET ? 1 :
			 share_file(work->descriptors[*first].number, work->descriptors[index].number);
		if (shared < 0 && work->descriptors[index].kind != mpvm_image_Descriptor_Kind_FILE)
			return ckpt_fail(job, CKPT_E_UNSUPPORTED, "descriptors %d and %d may be one: this kernel "
					 "does not tell (kcmp)", work->descriptors[*first].number,
					 work->descriptors[index].number);
		if (shared > 0)
			return 0;
	}
	return 0;
}

static int send_descriptor(struct ckpt_job *job, size_t index)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	mpvm_image_Descriptor *message = &work->message.descriptor;
	int fd = work->descriptors[index].number;
	struct stat stat;
	size_t first;
	long value;
	int error = find_first(job, index, &first);

	if (error)
		return error;
	memset(message, 0, sizeof(*message));
	message->number = fd;
	message->kind = work->descriptors[index].kind;
	message->flags = SYS(fcntl, fd, F_GETFL);
	message->close_on_exec = SYS(fcntl, fd, F_GETFD) & FD_CLOEXEC;
	work->descriptors[index].duplicate = first < index;
	if (first < index) {
		message->kind = mpvm_image_Descriptor_Kind_SAME_AS;
		message->of = work->descriptors[first].number;
	}
	if (message->kind == mpvm_image_Descriptor_Kind_FILE ||
	    message->kind == mpvm_image_Descriptor_Kind_MEMORY) {
		link_of(fd, message->path, sizeof(message->path));
		value = SYS(lseek, fd, 0, SEEK_CUR);
		message->position = value < 0 ? 0 : value;
		if (SYS(fstat, fd, &stat) == 0)
			message->size = stat.st_size;
	}
	if (message->kind == mpvm_image_Descriptor_Kind_MEMORY) {
		value = SYS(fcntl, fd, F_GET_SEALS);
		message->seals = value < 0 ? 0 : value;
		/* Memory does not know the first everywhere; the others say how it was made. */
		message->flags &= ~(O_DIRECT | O_TMPFILE | O_DIRECTORY);
	}
	message->inode = work->descriptors[index].inode;
	error = ckpt_describe_object(job, message);
	if (error)
		return error;
	if (ckpt_out_record(&work->out, mpvm_image_RecordType_DESCRIPTOR, mpvm_image_Descriptor_fields,
			    message))
		return ckpt_stream_error(job, "sending descriptors");
	return 0;
}

int ckpt_send_descriptors(struct ckpt_job *job)
{
	size_t i;
	int error = 0;

	for (i = 0; i < ckpt_engine.work->descriptor_count && !error; i++)
		error = send_descriptor(job, i);
	return error ? error : ckpt_send_objects(job);
}
