/* lender.c: see lender.h. */
#include <string.h>

#include "lender.h"

#define RESERVE (8UL << 30)

/* Files of known seals only: a page that vanished under us would be our crash. */
static bool is_sealed(int fd)
{
	return sys_fcntl(fd, F_GET_SEALS, 0) & F_SEAL_SHRINK;
}

struct pvmi_lender *pvmi_lender_new(int fd)
{
	struct pvmi_lender *lender = pvmi_alloc(sizeof(*lender));
	void *base = NULL;
	size_t limit;

	for (limit = RESERVE; lender && limit >= 1UL << 20; limit /= 2) {
		base = sys_mmap(NULL, limit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (!sys_mmap_failed(base))
			break;
	}
	if (!lender || sys_mmap_failed(base) || sys_fcntl(fd, F_GET_SEALS, 0) < 0 || !is_sealed(fd)) {
		if (lender && !sys_mmap_failed(base))
			sys_munmap(base, limit);
		sys_close(fd);
		pvmi_free(lender);
		return NULL;
	}
	lender->fd = fd;
	lender->base = base;
	lender->limit = limit;
	lender->connected = true;
	lender->area = pvmi_area_add(PVMI_AREA_LENT, base, limit, lender);
	pvmi_own_fd(fd);
	return lender;
}

static void free_unused(struct pvmi_lender *lender)
{
	if (lender->connected || lender->count)
		return;
	if (lender->flags_area) {
		sys_munmap(lender->flags, sizeof(*lender->flags));
		pvmi_area_remove(lender->flags_area);
	}
	sys_munmap(lender->base, lender->limit);
	pvmi_area_remove(lender->area);
	pvmi_free(lender);
}

/* The peer's heap has grown: map what is new. */
static void refresh(struct pvmi_lender *lender)
{
	struct stat now;
	size_t size;
	void *at;

	if (lender->fd < 0 || sys_fstat(lender->fd, &now) < 0)
		return;
	size = (size_t)now.st_size & ~(PVMI_PAGE - 1);
	if (size > lender->limit)
		size = lender->limit;
	if (size <= lender->size)
		return;
	at = sys_mmap(lender->base + lender->size, size - lender->size, PROT_READ, MAP_SHARED | MAP_FIXED,
		      lender->fd, lender->size);
	if (!sys_mmap_failed(at))
		lender->size = size;
}

const uint8_t *pvmi_lender_bytes(struct pvmi_lender *lender, uint64_t offset, uint64_t length)
{
	if (length > lender->size || offset > lender->size - length)
		refresh(lender);
	if (length > lender->size || offset > lender->size - length)
		return NULL;
	return lender->base + offset;
}

void pvmi_lender_release(struct pvmi_lender *lender, uint32_t lend)
{
	if (!lender->flags)
		return;
	__atomic_store_n(&lender->flags->released[lend], 1, __ATOMIC_RELEASE);
	__atomic_store_n(&lender->flags->releases, lender->flags->releases + 1, __ATOMIC_RELEASE);
}

static void give_back(struct pvmi_foreign_block *foreign)
{
	struct pvmi_lender *lender = foreign->owner;

	pvmi_lender_release(lender, foreign->index);
	if (foreign->previous)
		foreign->previous->next = foreign->next;
	else
		lender->blocks = foreign->next;
	if (foreign->next)
		foreign->next->previous = foreign->previous;
	lender->count--;
	lender->bytes -= foreign->block.capacity;
	free_unused(lender);
}

struct pvmi_block *pvmi_lender_block(struct pvmi_lender *lender, const uint8_t *bytes, size_t length, uint32_t lend)
{
	struct pvmi_foreign_block *foreign = pvmi_block_foreign((uint8_t *)(uintptr_t)bytes, length);

	if (!foreign)
		return NULL;
	foreign->release = give_back;
	foreign->owner = lender;
	foreign->index = lend;
	foreign->next = lender->blocks;
	if (foreign->next)
		foreign->next->previous = foreign;
	lender->blocks = foreign;
	lender->count++;
	lender->bytes += length;
	return &foreign->block;
}

void pvmi_lender_disconnect(struct pvmi_lender *lender, struct pvmi_area *area)
{
	pvmi_disown_fd(lender->fd);
	if (lender->fd >= 0)
		sys_close(lender->fd);
	lender->fd = -1;
	lender->connected = false;
	lender->flags_area = area;
	free_unused(lender);
}

static bool out_of_memory;

static void copy_used(struct pvmi_area *area)
{
	struct pvmi_lender *lender = area->owner;
	const struct pvmi_foreign_block *block;
	void *at;

	if (!lender->count || out_of_memory)
		return;
	at = sys_mmap(NULL, lender->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_mmap_failed(at)) {
		out_of_memory = true;
		return;
	}
	lender->kept = at;
	for (block = lender->blocks; block; block = block->next)
		memcpy(lender->kept + (block->block.bytes - lender->base), block->block.bytes, block->block.capacity);
}

static void put_in_place(struct pvmi_area *area)
{
	struct pvmi_lender *lender = area->owner;

	if (lender->kept && out_of_memory)
		sys_munmap(lender->kept, lender->size);
	else if (lender->kept)
		pvmi_syscall6(SYS_mremap, (long)lender->kept, (long)lender->size, (long)lender->size,
			      MREMAP_MAYMOVE | MREMAP_FIXED, (long)lender->base, 0);
	lender->kept = NULL;
}

bool pvmi_lenders_keep_what_is_used(void)
{
	out_of_memory = false;
	pvmi_areas_each(PVMI_AREA_LENT, copy_used);
	pvmi_areas_each(PVMI_AREA_LENT, put_in_place);
	return !out_of_memory;
}

static void forget_files(struct pvmi_area *area)
{
	struct pvmi_lender *lender = area->owner;

	pvmi_area_remove(lender->flags_area);
	lender->flags_area = NULL;
	lender->flags = NULL;
	lender->fd = -1;
	lender->connected = false;
	pvmi_trace(PRIVATISED, lender->count, lender->bytes);
	free_unused(lender);
}

void pvmi_lenders_moved(void)
{
	pvmi_areas_each(PVMI_AREA_LENT, forget_files);
}
