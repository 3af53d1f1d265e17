/*
 * owned.c: which descriptors and mappings are the library's own: for the engine, which asks, and
 * for the daemon, which reads a bitmap of them beside our socket (proto/task.proto, Endpoint). The
 * page has room for more that is for the daemon's eyes: the pulse.
 */
#include <string.h>

#include "plane.h"

#define PUBLISHED PVMI_PULSE_AT  /* bytes of the bitmap: descriptors up to 8191 */

static uint64_t own_fds[PVMI_MAX_FD / 64];
static uint8_t *published;
static struct pvmi_area *published_area, *areas;

/* ------------------------------------------------------------------ descriptors */

static void show(int fd, bool own)
{
	if (!published || fd < 0 || fd >= PUBLISHED * 8)
		return;
	if (own)
		published[fd / 8] |= (uint8_t)(1U << (fd % 8));
	else
		published[fd / 8] &= (uint8_t)~(1U << (fd % 8));
}

void pvmi_own_fd(int fd)
{
	if (fd < 0 || fd >= PVMI_MAX_FD)
		return;
	own_fds[fd / 64] |= 1UL << (fd % 64);
	show(fd, true);
}

void pvmi_disown_fd(int fd)
{
	if (fd < 0 || fd >= PVMI_MAX_FD)
		return;
	own_fds[fd / 64] &= ~(1UL << (fd % 64));
	show(fd, false);
}

bool pvmi_owns_fd(int fd)
{
	return fd >= 0 && fd < PVMI_MAX_FD && own_fds[fd / 64] >> (fd % 64) & 1;
}

void pvmi_show_fd(int fd, bool own)
{
	show(fd, own);
}

static void show_pulse(void *at)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!plane)
		return;
	plane->pulse = at ? (struct pvmi_pulse *)((uint8_t *)at + PVMI_PULSE_AT) : &plane->unseen;
	plane->pulse->version = 1;
	plane->pulse->ticks_per_us = plane->ticks_per_us;
}

void pvmi_forget_fds(void)
{
	memset(own_fds, 0, sizeof(own_fds));
	show_pulse(NULL);
	pvmi_area_remove(published_area);
	published_area = NULL;
	published = NULL;
}

void pvmi_publish_fds(const char *path)
{
	long fd = sys_open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *at;
	int i;

	if (fd < 0)
		return;
	at = sys_ftruncate((int)fd, PVMI_PAGE) < 0 ? NULL :
	     sys_mmap(NULL, PVMI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	sys_close((int)fd);
	if (!at || sys_mmap_failed(at))
		return;
	published = at;
	show_pulse(at);
	published_area = pvmi_area_add(PVMI_AREA_SCRATCH, at, PVMI_PAGE, NULL);
	for (i = 0; i < PUBLISHED * 8; i++)
		if (pvmi_owns_fd(i))
			show(i, true);
	show(pvmi_heap()->fd, true);
	show(pvmi_link_descriptor(), true);
}

void pvmi_unpublish_fds(void)
{
	show_pulse(NULL);
	if (published)
		sys_munmap(published, PVMI_PAGE);
	pvmi_area_remove(published_area);
	published_area = NULL;
	published = NULL;
}

/* ------------------------------------------------------------------ mappings */

struct pvmi_area *pvmi_area_add(enum pvmi_area_kind kind, void *start, size_t length, void *owner)
{
	struct pvmi_area *area = pvmi_alloc(sizeof(*area));

	if (!area)
		return NULL;
	area->kind = kind;
	area->start = (uintptr_t)start;
	area->end = area->start + length;
	area->owner = owner;
	area->next = areas;
	areas = area;
	return area;
}

void pvmi_area_remove(struct pvmi_area *area)
{
	struct pvmi_area **link;

	for (link = &areas; *link; link = &(*link)->next) {
		if (*link == area) {
			*link = area->next;
			pvmi_free(area);
			return;
		}
	}
}

struct pvmi_area *pvmi_area_find(uintptr_t start, uintptr_t end)
{
	struct pvmi_area *area;

	for (area = areas; area; area = area->next)
		if (start >= area->start && end <= area->end)
			return area;
	return NULL;
}

void pvmi_areas_each(enum pvmi_area_kind kind, void (*visit)(struct pvmi_area *area))
{
	struct pvmi_area *area = areas;

	/* A visit may remove the area and others: mark what has been visited, begin again after each. */
	while (area) {
		if (area->kind != kind || area->visited) {
			area = area->next;
			continue;
		}
		area->visited = true;
		visit(area);
		area = areas;
	}
	for (area = areas; area; area = area->next)
		area->visited = false;
}
