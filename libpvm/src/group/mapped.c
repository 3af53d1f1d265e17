/* mapped.c: the pages that are mapped here. */
#include <string.h>

#include "../plane/plane.h"
#include "groups.h"

struct pvmi_group *pvmi_group_named(const char *name)
{
	struct pvmi_group *group;

	for (group = pvmi->groups.all; group; group = group->next)
		if (!strcmp(group->name, name))
			return group;
	return NULL;
}

static void unmap(struct pvmi_group *group)
{
	if (group->page)
		sys_munmap(group->page, pvmi_page_size(group->members));
	pvmi_area_remove(group->area);
	group->page = NULL;
	group->area = NULL;
}

struct pvmi_group *pvmi_group_find(const char *name)
{
	struct pvmi_group *group = pvmi_group_named(name);

	if (!group || !group->page)
		return NULL;
	if (!pvmi_page_withdrawn(group->page))
		return group;
	unmap(group);
	return NULL;
}

/* socket_dir/g1f2e3d */
static bool path_of(uint64_t id, char *path, size_t size)
{
	size_t length = strlen(pvmi->socket_dir);
	int shift;

	if (!length || length + 20 > size)
		return false;
	memcpy(path, pvmi->socket_dir, length);
	path += length;
	*path++ = '/';
	*path++ = 'g';
	for (shift = 60; shift && !(id >> shift); shift -= 4)
		;
	for (; shift >= 0; shift -= 4)
		*path++ = "0123456789abcdef"[id >> shift & 15];
	*path = 0;
	return true;
}

/* Is it whole, and what was asked for? Its numbers are read once: others can write to it. */
static bool check(struct pvmi_group *group, struct pvmi_group_page *page, size_t size, uint64_t id)
{
	uint32_t members = __atomic_load_n(&page->members, __ATOMIC_RELAXED), i, tid;

	if (page->magic != PVMI_PAGE_MAGIC || page->id != id || members > PVMI_PAGE_MOST ||
	    pvmi_page_size(members) != size)
		return false;
	group->members = group->own = members;
	group->present = 0;
	for (i = 0; i < members; i++) {
		tid = page->member[i].tid;
		group->present += tid != 0;
		if (tid == pvmi->tid)
			group->own = i;
	}
	return true;
}

static size_t whole_pages(size_t size)
{
	return (size + PVMI_PAGE - 1) & ~(PVMI_PAGE - 1);
}

static bool map(struct pvmi_group *group, uint64_t id)
{
	char path[sizeof(pvmi->socket_dir) + 24];
	struct stat file;
	void *at = NULL;
	long fd;

	if (!path_of(id, path, sizeof(path)))
		return false;
	fd = sys_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	if (sys_fstat((int)fd, &file) >= 0 && file.st_size >= (off_t)sizeof(struct pvmi_group_page) &&
	    file.st_size <= (off_t)pvmi_page_size(PVMI_PAGE_MOST))
		at = sys_mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	sys_close((int)fd);
	if (!at || sys_mmap_failed(at))
		return false;
	if (!check(group, at, (size_t)file.st_size, id)) {
		sys_munmap(at, (size_t)file.st_size);
		return false;
	}
	group->area = pvmi_area_add(PVMI_AREA_SCRATCH, at, whole_pages((size_t)file.st_size), NULL);
	if (!group->area) {
		sys_munmap(at, (size_t)file.st_size);
		return false;
	}
	group->page = at;
	group->id = id;
	return true;
}

static struct pvmi_group *make(const char *name)
{
	struct pvmi_group *group = pvmi_alloc(sizeof(*group));

	if (!group)
		return NULL;
	group->name = pvmi_strdup(name);
	if (!group->name) {
		pvmi_free(group);
		return NULL;
	}
	group->score = 1;
	group->next = pvmi->groups.all;
	pvmi->groups.all = group;
	return group;
}

bool pvmi_group_adopt(const char *name, uint64_t id)
{
	struct pvmi_group *group = pvmi_group_named(name);

	if (!group)
		group = make(name);
	if (!group)
		return false;
	if (group->page && group->id == id)
		return true;
	unmap(group);
	return map(group, id);
}

void pvmi_groups_drop(void)
{
	struct pvmi_group *group;

	while ((group = pvmi->groups.all)) {
		pvmi->groups.all = group->next;
		unmap(group);
		pvmi_free(group->name);
		pvmi_free(group);
	}
}

void pvmi_groups_moved(void)
{
	struct pvmi_group *group;

	for (group = pvmi->groups.all; group; group = group->next) {
		pvmi_area_remove(group->area);
		group->area = NULL;
		group->page = NULL;
	}
}
