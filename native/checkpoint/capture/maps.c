/* /proc/self/maps: which areas there are, and what becomes of each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "capture.h"

const char *ckpt_area_path(const struct ckpt_area *area)
{
	return ckpt_engine.work->paths + area->path;
}

/* The kernel writes newlines in paths as \012. */
static void unescape(char *path)
{
	char *to = path;

	for (; *path; path++, to++) {
		if (path[0] == '\\' && path[1] == '0' && path[2] == '1' && path[3] == '2') {
			*to = '\n';
			path += 3;
		} else {
			*to = *path;
		}
	}
	*to = 0;
}

static int unsupported(struct ckpt_job *job, const struct ckpt_area *area, const char *path,
		       const char *what)
{
	return ckpt_fail(job, CKPT_E_UNSUPPORTED, "mapping %lx-%lx of %s: %s", area->start, area->end,
			 path, what);
}

static bool is_private_name(const char *path)
{
	return !*path || ckpt_starts(path, "[anon:") || ckpt_starts(path, "/dev/zero");
}

static int judge_shared(struct ckpt_job *job, struct ckpt_area *area, const char *path)
{
	if (ckpt_starts(path, "/dev/zero") || ckpt_starts(path, "[anon_shmem:") ||
	    ckpt_starts(path, "/memfd:")) {
		area->kind = mpvm_image_Area_Kind_SHARED_MEMORY;
		return 0;
	}
	if (ckpt_starts(path, "/SYSV"))
		return unsupported(job, area, path, "System V shared memory stays on its machine");
	if (ckpt_starts(path, "/dev/shm/"))
		return unsupported(job, area, path, "POSIX shared memory stays on its machine");
	if (ckpt_starts(path, "/anon_hugepage"))
		return unsupported(job, area, path, "explicit huge pages cannot move");
	if (ckpt_starts(path, "/dev/") || ckpt_starts(path, "anon_inode:") || *path != '/')
		return unsupported(job, area, path, "a device's memory cannot move");
	if (ckpt_ends(path, " (deleted)"))
		return unsupported(job, area, path, "the file is deleted and shared");
	area->kind = mpvm_image_Area_Kind_FILE_SHARED;
	return 0;
}

static int judge_private(struct ckpt_job *job, struct ckpt_area *area, const char *path)
{
	if (is_private_name(path)) {
		area->kind = mpvm_image_Area_Kind_ANONYMOUS;
	} else if (ckpt_equal(path, "[heap]")) {
		area->kind = mpvm_image_Area_Kind_HEAP;
	} else if (ckpt_equal(path, "[stack]")) {
		area->kind = mpvm_image_Area_Kind_STACK;
	} else if (ckpt_equal(path, "[vdso]")) {
		area->kind = mpvm_image_Area_Kind_VDSO;
	} else if (ckpt_starts(path, "[vvar")) {
		area->kind = mpvm_image_Area_Kind_VVAR;
	} else if (ckpt_starts(path, "/anon_hugepage")) {
		return unsupported(job, area, path, "explicit huge pages cannot move");
	} else if (ckpt_ends(path, " (deleted)")) {
		area->kind = mpvm_image_Area_Kind_ANONYMOUS;
		area->whole = true;
	} else if (*path == '/' && !ckpt_starts(path, "/dev/")) {
		area->kind = mpvm_image_Area_Kind_FILE_PRIVATE;
	} else {
		return unsupported(job, area, path, "this kind of mapping cannot move");
	}
	return 0;
}

/* One of our own mappings of an object? Then the area gets the object's number. */
static bool is_window(struct ckpt_area *area)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t i;

	for (i = 0; i < work->window_count; i++) {
		if (area->start < work->windows[i].start || area->end > work->windows[i].end)
			continue;
		area->inode = work->window_objects[i];
		return true;
	}
	return false;
}

/* 1: keep it, 0: leave it out, negative: the move is refused. */
static int judge(struct ckpt_job *job, struct ckpt_area *area, const char *path)
{
	const struct ckpt_client *client = ckpt_engine.client;
	uintptr_t work = (uintptr_t)ckpt_engine.work, threads = (uintptr_t)ckpt_engine.threads;
	int error;

	if (area->start >= work && area->end <= work + CKPT_WORKSPACE_SIZE)
		return 0;
	if (ckpt_is_table(area->start, area->end))
		return 0;
	if (area->start >= threads && area->end <= threads + CKPT_THREADS_SIZE)
		return 0;
	if (ckpt_equal(path, "[vsyscall]") || ckpt_equal(path, "[uprobes]"))
		return 0;
	if (area->start < CKPT_ZONE_START + CKPT_ZONE_LENGTH && area->end > CKPT_ZONE_START)
		return unsupported(job, area, path, "it lies where the restorer has to be");
	if (is_window(area)) {
		area->transient = true;
		area->kind = mpvm_image_Area_Kind_SHARED_MEMORY;
		return 1;
	}
	switch (client->area ? client->area(client->self, area->start, area->end) : CKPT_AREA_CARRY) {
	case CKPT_AREA_DROP:
		return 0;
	case CKPT_AREA_COPY_PRIVATE:
		area->borrowed = true;
		area->kind = mpvm_image_Area_Kind_ANONYMOUS;
		return 1;
	default:
		error = area->shared ? judge_shared(job, area, path) : judge_private(job, area, path);
		return error ? error : 1;
	}
}

static uint32_t keep_path(const char *path)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t length = ckpt_length(path) + 1;
	uint32_t at = work->path_used;

	if (length == 1 || at + length > CKPT_PATH_ROOM)
		return 0;
	memcpy(work->paths + at, path, length);
	work->path_used += length;
	return at;
}

/* "start-end rwxp offset major:minor inode    path" */
static int take_line(struct ckpt_job *job, char *line)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	size_t *count = &work->area_count[work->current];
	struct ckpt_area *area = &work->areas[work->current][*count];
	const char *at = line, *last;
	uint32_t major;
	int verdict;

	if (*count == CKPT_MAX_AREAS)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "more than %d mappings", CKPT_MAX_AREAS);
	memset(area, 0, sizeof(*area));
	area->start = ckpt_parse(&at, 16);
	at++;
	area->end = ckpt_parse(&at, 16);
	at++;
	area->protection = (at[0] == 'r' ? PROT_READ : 0) | (at[1] == 'w' ? PROT_WRITE : 0) |
			   (at[2] == 'x' ? PROT_EXEC : 0);
	area->shared = at[3] == 's';
	at += 5;
	area->offset = ckpt_parse(&at, 16);
	at++;
	major = ckpt_parse(&at, 16);
	at++;
	area->device = major << 20 | ckpt_parse(&at, 16);
	at++;
	area->inode = ckpt_parse(&at, 10);
	while (*at == ' ')
		at++;
	unescape((char *)at);
	verdict = judge(job, area, at);
	if (verdict <= 0)
		return verdict;
	/* Neighbours mostly come from the same file. */
	last = *count ? ckpt_area_path(area - 1) : "";
	area->path = *at && ckpt_equal(last, at) ? area[-1].path : keep_path(at);
	(*count)++;
	return 0;
}

int ckpt_read_areas(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	long fd = SYS(openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC), n, i;
	size_t used = 0;
	int error = 0;

	if (fd < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/maps: %e", fd);
	work->current ^= 1;
	work->area_count[work->current] = 0;
	if (work->path_used > CKPT_PATH_ROOM / 2)
		work->path_used = 1;    /* the earlier round's paths are not looked at any more */
	while (!error && (n = SYS(read, fd, work->read_buffer, sizeof(work->read_buffer))) > 0) {
		for (i = 0; i < n && !error; i++) {
			if (work->read_buffer[i] == '\n') {
				work->line[used] = 0;
				used = 0;
				error = take_line(job, work->line);
			} else if (used + 1 < sizeof(work->line)) {
				work->line[used++] = work->read_buffer[i];
			}
		}
	}
	SYS(close, fd);
	return error;
}
