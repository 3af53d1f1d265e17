/* Making the address space empty but for the zone, and putting the kernel's pages where the task had them. */
#include "restorer.h"

static char maps[65536];

static void remember_kernel_area(uintptr_t start, uintptr_t end, const char *name)
{
	struct kernel_area *area = &restorer.kernel[restorer.kernel_count];

	if (restorer.kernel_count == sizeof(restorer.kernel) / sizeof(restorer.kernel[0]))
		give_up("RESTORER_FAILED", "too many areas of the kernel");
	area->start = start;
	area->end = end;
	ckpt_copy_text(area->name, sizeof(area->name), name);
	restorer.kernel_count++;
}

static void remember_segment(uintptr_t start, uintptr_t end, const char *rights)
{
	if (restorer.segment_count == sizeof(restorer.segments) / sizeof(restorer.segments[0]))
		return;
	restorer.segments[restorer.segment_count].start = start;
	restorer.segments[restorer.segment_count].end = end;
	restorer.segments[restorer.segment_count].protection =
		(rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
		(rights[2] == 'x' ? PROT_EXEC : 0);
	restorer.segment_count++;
}

static void sort_line(char *line)
{
	const char *at = line, *name = line + ckpt_length(line);
	uintptr_t start = ckpt_parse(&at, 16), end;

	at++;
	end = ckpt_parse(&at, 16);
	while (name > line && name[-1] != ' ')
		name--;
	if (*name == '/' && start >= ZONE_START && end <= ZONE_START + ZONE_LENGTH)
		remember_segment(start, end, at + 1);
	else if (ckpt_starts(name, "[vvar") || ckpt_equal(name, "[vdso]"))
		remember_kernel_area(start, end, name);
	else if (!ckpt_equal(name, "[vsyscall]") && (end <= ZONE_START || start >= ZONE_START + ZONE_LENGTH))
		SYS(munmap, start, end - start);
}

static void move(struct kernel_area *area, uintptr_t to)
{
	long result = SYS(mremap, area->start, area->end - area->start, area->end - area->start,
			  MREMAP_MAYMOVE | MREMAP_FIXED, to);

	if (result != (long)to)
		give_up("VDSO_UNMOVABLE", "mremap of %s to %lx: %e", area->name, to, result);
	area->end = to + (area->end - area->start);
	area->start = to;
}

void make_room(void)
{
	long fd = SYS(openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC), n, i;
	size_t used = 0, line = 0;
	uintptr_t first = ~0ul;

	if (fd < 0)
		give_up("RESTORER_FAILED", "open /proc/self/maps: %e", fd);
	/* A process as small as this one: all of it fits. */
	while ((n = SYS(read, fd, maps + used, sizeof(maps) - 1 - used)) > 0)
		used += n;
	SYS(close, fd);
	for (i = 0; i < (long)used; i++) {
		if (maps[i] != '\n')
			continue;
		maps[i] = 0;
		sort_line(maps + line);
		line = i + 1;
	}
	for (i = 0; i < (long)restorer.kernel_count; i++)
		if (restorer.kernel[i].start < first)
			first = restorer.kernel[i].start;
	for (i = 0; i < (long)restorer.kernel_count; i++)
		move(&restorer.kernel[i], ZONE_KERNEL + (restorer.kernel[i].start - first));
}

/* The task's area of this name is to be ours; the code in the task's memory that points into the
 * vDSO is right only if ours is the same, byte for byte (compare_vdso). */
void want_kernel_area(const mpvm_image_Area *wanted)
{
	size_t i;

	for (i = 0; i < restorer.kernel_count; i++) {
		struct kernel_area *area = &restorer.kernel[i];

		if (!ckpt_equal(area->name, wanted->path))
			continue;
		if (area->end - area->start != wanted->end - wanted->start)
			give_up("VDSO_DIFFERS", "%s has %lu bytes here, %lu at the source", area->name,
				area->end - area->start, (unsigned long)(wanted->end - wanted->start));
		area->target = wanted->start;
		return;
	}
	give_up("VDSO_DIFFERS", "this kernel has no %s", wanted->path);
}

bool is_kernel_area(uintptr_t start)
{
	size_t i;

	for (i = 0; i < restorer.kernel_count; i++)
		if (restorer.kernel[i].target && start >= restorer.kernel[i].target &&
		    start < restorer.kernel[i].target + (restorer.kernel[i].end - restorer.kernel[i].start))
			return true;
	return false;
}

void compare_vdso(uintptr_t start, uint32_t count)
{
	const uint8_t *page;
	size_t i, got;

	for (; count; count--, start += CKPT_PAGE) {
		page = ckpt_in_piece(&restorer.in, CKPT_PAGE, &got);
		if (!page)
			give_up("STREAM_BROKEN", "receiving the vDSO: %e", (long)restorer.in.error);
		for (i = 0; i < restorer.kernel_count; i++) {
			struct kernel_area *area = &restorer.kernel[i];

			if (start < area->target || start >= area->target + (area->end - area->start))
				continue;
			if (memcmp(page, (void *)(area->start + (start - area->target)), CKPT_PAGE))
				give_up("VDSO_DIFFERS", "the vDSO of this kernel is another one");
		}
	}
}

void place_kernel_areas(void)
{
	size_t i;

	for (i = 0; i < restorer.kernel_count; i++)
		if (restorer.kernel[i].target)
			move(&restorer.kernel[i], restorer.kernel[i].target);
		else
			SYS(munmap, restorer.kernel[i].start,
			    restorer.kernel[i].end - restorer.kernel[i].start);
}
