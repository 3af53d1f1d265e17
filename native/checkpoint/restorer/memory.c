/*
 * Areas and pages. While pages come, private areas are writable; finish_memory gives every area
 * the protection it had. The last round names every area there is, so its list is the final one.
 */
#include "restorer.h"

#include "../image/advice.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void begin_round(void)
{
	restorer.area_count = 0;
}

static void check_range(uintptr_t start, uintptr_t end)
{
	if (start >= end || (start | end) & (CKPT_PAGE - 1) || end > 0x7ffffffff000ul ||
	    (start < ZONE_START + ZONE_LENGTH && end > ZONE_START))
		give_up("IMAGE_INVALID", "an area at %lx-%lx", start, end);
}

/* Shared memory becomes a memfd: an object for each inode, as large as anyone needs it. */
int object_descriptor(uint64_t inode, uint64_t size, const char *path)
{
	static const char deleted[] = " (deleted)";
	char name[256];
	struct object *object;
	size_t i;
	long fd;

	for (i = 0; i < restorer.object_count && restorer.objects[i].inode != inode; i++)
		;
	object = &restorer.objects[i];
	if (i == restorer.object_count) {
		if (i == MAX_OBJECTS)
			give_up("IMAGE_TOO_LARGE", "more than %d shared memory objects", MAX_OBJECTS);
		if (ckpt_starts(path, "/memfd:"))
			path += 7;
		ckpt_copy_text(name, sizeof(name), path);
		if (ckpt_ends(name, deleted))
			name[ckpt_length(name) - sizeof(deleted) + 1] = 0;
		fd = SYS(memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (fd < 0)
			give_up("RESTORER_FAILED", "memfd_create: %e", fd);
		*object = (struct object){ inode, 0, SYS(fcntl, fd, F_DUPFD_CLOEXEC, 64) };
		if (object->fd < 0)
			object->fd = fd;
		else
			SYS(close, fd);
		restorer.object_count++;
	}
	if (size > object->size) {
		long error = SYS(ftruncate, object->fd, size);

		if (error)
			give_up("NO_MEMORY", "shared memory of %lu bytes: %e", size, error);
		object->size = size;
	}
	return object->fd;
}

static int open_file(const mpvm_image_Area *area)
{
	bool write = area->kind == mpvm_image_Area_Kind_FILE_SHARED && area->protection & PROT_WRITE;
	long fd = SYS(openat, AT_FDCWD, area->path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct stat stat;

	if (fd < 0)
		give_up("FILE_UNREACHABLE", "open %s: %e", area->path, fd);
	if (SYS(fstat, fd, &stat) == 0 && area->file_size && (uint64_t)stat.st_size != area->file_size)
		give_up("FILE_DIFFERS", "%s has %lu bytes here, %lu at the source", area->path,
			(unsigned long)stat.st_size, (unsigned long)area->file_size);
	return fd;
}

static struct area *remember(const mpvm_image_Area *area)
{
	struct area *kept = &restorer.areas[restorer.area_count];

	if (restorer.area_count == MAX_AREAS)
		give_up("IMAGE_TOO_LARGE", "more than %d areas", MAX_AREAS);
	if (restorer.area_count && area->start < kept[-1].end)
		give_up("IMAGE_INVALID", "areas overlap at %lx", (unsigned long)area->start);
	*kept = (struct area){ .start = area->start, .end = area->end, .protection = area->protection,
			       .kind = area->kind, .transient = area->transient, .advice = area->advice };
	restorer.area_count++;
	return kept;
}

static void map(const mpvm_image_Area *area, uint32_t protection)
{
	uint32_t flags = MAP_FIXED;
	uint64_t offset = 0;
	int fd = -1;
	long at;

	switch (area->kind) {
	case mpvm_image_Area_Kind_ANONYMOUS:
	case mpvm_image_Area_Kind_HEAP:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | (area->advice & CKPT_ADVICE_GROWS ? MAP_GROWSDOWN : 0);
		break;
	case mpvm_image_Area_Kind_STACK:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN;
		break;
	case mpvm_image_Area_Kind_FILE_PRIVATE:
	case mpvm_image_Area_Kind_FILE_SHARED:
		flags |= area->kind == mpvm_image_Area_Kind_FILE_SHARED ? MAP_SHARED : MAP_PRIVATE;
		fd = open_file(area);
		offset = area->offset;
		break;
	case mpvm_image_Area_Kind_SHARED_MEMORY:
		flags |= MAP_SHARED;
		offset = area->offset;
		fd = object_descriptor(area->inode, area->offset + (area->end - area->start), area->path);
		break;
	default:
		give_up("IMAGE_INVALID", "an area of kind %d", (int)area->kind);
	}
	/* All alike, so that neighbours which the program makes equal can become one mapping again;
	 * only what is too large for that must have been reserved so at the source too. */
	at = SYS(mmap, area->start, area->end - area->start, protection, flags, fd, offset);
	if (at == -ENOMEM)
		at = SYS(mmap, area->start, area->end - area->start, protection, flags | MAP_NORESERVE,
			 fd, offset);
	if (fd >= 0 && area->kind != mpvm_image_Area_Kind_SHARED_MEMORY)
		SYS(close, fd);
	if (at != (long)area->start)
		give_up(at == -ENOMEM ? "NO_MEMORY" : "RESTORER_FAILED", "mapping %lx-%lx %s: %e",
			(unsigned long)area->start, (unsigned long)area->end, area->path, at);
}

void add_area(const mpvm_image_Area *area)
{
	struct area *kept;

	check_range(area->start, area->end);
	if (area->kind == mpvm_image_Area_Kind_VDSO || area->kind == mpvm_image_Area_Kind_VVAR) {
		want_kernel_area(area);
		return;
	}
	kept = remember(area);
	kept->now = area->protection;
	if (area->kind == mpvm_image_Area_Kind_SHARED_MEMORY ||
	    (area->kind != mpvm_image_Area_Kind_FILE_SHARED && area->protection != PROT_NONE))
		kept->now |= PROT_READ | PROT_WRITE;
	if (area->fresh) {
		map(area, kept->now);
		return;
	}
	/* It is here since an earlier round, perhaps as part of a larger one, perhaps with another
	 * protection: only the protection has to follow. */
	SYS(mprotect, kept->start, kept->end - kept->start, kept->now);
}

void drop_range(uintptr_t start, uintptr_t end)
{
	check_range(start, end);
	SYS(munmap, start, end - start);
}

void zero_range(uintptr_t start, uintptr_t end)
{
	check_range(start, end);
	SYS(madvise, start, end - start, MADV_DONTNEED);
}

void prefault_range(uintptr_t start, uintptr_t end)
{
	check_range(start, end);
	SYS(madvise, start, end - start, MADV_POPULATE_WRITE);
}

struct area *area_at(uintptr_t address)
{
	size_t low = 0, high = restorer.area_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (restorer.areas[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < restorer.area_count && restorer.areas[low].start <= address ? &restorer.areas[low] : NULL;
}

/* By the kernel: it writes to the pages themselves. Were they written to at their addresses, each
 * would first have to be made known to the processor (under some hypervisors that costs more than all
 * the rest), and most of them the task will not touch for long. */
static void put(uintptr_t to, const uint8_t *from, size_t length)
{
	struct iovec local = { (void *)from, length }, remote = { (void *)to, length };
	long n = SYS(process_vm_writev, SYS(getpid), &local, 1, &remote, 1, 0);

	if (n < 0)
		n = 0;
	memcpy((void *)(to + n), from + n, length - n);
}

void take_pages(uintptr_t start, uint32_t count)
{
	uintptr_t end = start + count * CKPT_PAGE;
	struct area *area;
	const uint8_t *piece;
	size_t got;
	long error;

	if (!count || count > 65536)
		give_up("IMAGE_INVALID", "%u pages in a row", count);
	if (is_kernel_area(start)) {
		compare_vdso(start, count);
		restorer.pages += count;
		return;
	}
	check_range(start, end);
	area = area_at(start);
	if (!area || end > area->end)
		give_up("IMAGE_INVALID", "pages at %lx, where no area is", start);
	if (!(area->now & PROT_WRITE)) {
		error = SYS(mprotect, area->start, area->end - area->start, PROT_READ | PROT_WRITE);
		if (error)
			give_up("RESTORER_FAILED", "mprotect %lx-%lx: %e", area->start, area->end, error);
		area->now = PROT_READ | PROT_WRITE;
	}
	if (count > 4)          /* in one go, rather than page by page */
		SYS(madvise, start, end - start, MADV_POPULATE_WRITE);
	for (; start < end; start += got) {
		piece = ckpt_in_piece(&restorer.in, end - start, &got);
		if (!piece)
			give_up("STREAM_BROKEN", "receiving pages: %e", (long)restorer.in.error);
		put(start, piece, got);
		note_locks(area, start, start + got, piece);
	}
	restorer.pages += count;
}

/* As far as this user may, and this kernel knows it. */
static void advise(const struct area *area)
{
	size_t i, length = area->end - area->start;

	for (i = 0; i < CKPT_ADVICES; i++)
		if (area->advice >> i & 1 && ckpt_advices[i].advice >= 0)
			SYS(madvise, area->start, length, ckpt_advices[i].advice);
	if (area->advice & CKPT_ADVICE_LOCKED)
		SYS(mlock2, area->start, length, area->advice & CKPT_ADVICE_ON_FAULT ? MLOCK_ONFAULT : 0);
}

void finish_memory(void)
{
	size_t i;
	long error;

	for (i = 0; i < restorer.area_count; i++) {
		struct area *area = &restorer.areas[i];

		if (area->transient) {
			SYS(munmap, area->start, area->end - area->start);
			continue;
		}
		error = area->now == area->protection ? 0 :
			SYS(mprotect, area->start, area->end - area->start, area->protection);
		if (error)
			give_up("RESTORER_FAILED", "mprotect %lx-%lx: %e", area->start, area->end, error);
		advise(area);
	}
	place_kernel_areas();
}
