/*
 * region.c: blocks by size class from one span of address space.
 *
 * The span is reserved whole, so that a block never moves and one subtraction turns an address
 * into an offset of the heap file; what is in use of it grows by doubling. Freed blocks are kept
 * by class and never merged: message sizes repeat, and four classes to a doubling waste at most a
 * fifth.
 */
#include <string.h>

#include "../sys/sys.h"
#include "internal.h"

#define SMALL_LIMIT (16UL << 10)        /* smaller classes are cut from slabs */
#define SLAB (64UL << 10)
#define FIRST_GROWTH (1UL << 20)
#define COOLING_SIZE (64UL << 10)       /* smaller blocks always stay warm */
#define WARM_LIMIT (128UL << 20)        /* beyond this, freed large blocks give their pages back */

static size_t class_size(unsigned int class)
{
	return (size_t)(4 + class % 4) << (class / 4 + 6);
}

static unsigned int class_of(size_t size)
{
	unsigned int class;

	if (size <= 256)
		return 0;
	if (size > class_size(PVMI_BLOCK_CLASSES - 1))
		return PVMI_BLOCK_CLASSES;
	class = 4 * (unsigned int)(63 - __builtin_clzl(size - 1)) - 32;
	while (class_size(class) < size)
		class++;
	return class;
}

void pvmi_region_init(struct pvmi_region *region, int fd, size_t limit)
{
	void *base;

	memset(region, 0, sizeof(*region));
	region->fd = fd;
	/* Under a small ulimit -v less must do. */
	for (; limit >= FIRST_GROWTH; limit /= 2) {
		base = sys_mmap(NULL, limit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (!sys_mmap_failed(base)) {
			region->base = base;
			region->limit = limit;
			return;
		}
	}
}

static bool grow(struct pvmi_region *region, size_t need)
{
	size_t size = region->size ? region->size : FIRST_GROWTH;
	uint8_t *end = region->base + region->size;
	void *result;

	if (need > region->limit)
		return false;
	while (size < need)
		size *= 2;
	if (size > region->limit)
		size = region->limit;
	if (region->fd >= 0) {
		if (sys_ftruncate(region->fd, size) < 0)
			return false;
		result = sys_mmap(end, size - region->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				  region->fd, region->size);
	} else {
		result = sys_mmap(end, size - region->size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	if (sys_mmap_failed(result))
		return false;
	region->size = size;
	return true;
}

/* Memory that no block has had yet. */
static uint8_t *cut(struct pvmi_region *region, size_t size)
{
	size_t at = size >= SMALL_LIMIT ? (region->used + PVMI_PAGE - 1) & ~(PVMI_PAGE - 1) : region->used;

	if (at + size > region->size && !grow(region, at + size))
		return NULL;
	region->used = at + size;
	return region->base + at;
}

static uint8_t *fresh(struct pvmi_region *region, unsigned int class)
{
	size_t size = class_size(class);
	uint8_t *at;

	if (size >= SMALL_LIMIT)
		return cut(region, size);
	if ((size_t)(region->slab[class].end - region->slab[class].at) < size) {
		at = cut(region, SLAB);
		if (!at)
			return NULL;
		region->slab[class].at = at;
		region->slab[class].end = at + SLAB;
	}
	at = region->slab[class].at;
	region->slab[class].at += size;
	return at;
}

static struct pvmi_free_block *pop(struct pvmi_region *region, unsigned int class)
{
	struct pvmi_free_block *block = region->warm[class];

	if (block) {
		region->warm[class] = block->next;
		region->cached -= block->block.capacity;
		return block;
	}
	block = region->cold[class];
	if (block)
		region->cold[class] = block->next;
	return block;
}

/* Larger than any class: private memory of its own. The heap has no such blocks. */
static struct pvmi_free_block *map_one(struct pvmi_region *region, size_t size)
{
	struct pvmi_free_block *block;
	uint8_t *bytes;

	if (region->fd >= 0 || size > SIZE_MAX - PVMI_PAGE)
		return NULL;
	block = pvmi_alloc(sizeof(*block));
	if (!block)
		return NULL;
	size = (size + PVMI_PAGE - 1) & ~(PVMI_PAGE - 1);
	bytes = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sys_mmap_failed(bytes)) {
		pvmi_free(block);
		return NULL;
	}
	block->mapped = true;
	block->block.bytes = bytes;
	block->block.capacity = size;
	return block;
}

/* The region cannot grow: a free block of a larger class will do. */
static struct pvmi_free_block *borrow(struct pvmi_region *region, unsigned int class)
{
	struct pvmi_free_block *block = NULL;

	while (!block && ++class < PVMI_BLOCK_CLASSES)
		block = pop(region, class);
	return block;
}

struct pvmi_free_block *pvmi_region_take(struct pvmi_region *region, size_t size)
{
	unsigned int class = class_of(size);
	struct pvmi_free_block *block;
	uint8_t *bytes;

	if (class == PVMI_BLOCK_CLASSES || !region->base) {
		block = map_one(region, size);
	} else {
		block = pop(region, class);
		if (!block) {
			bytes = fresh(region, class);
			block = bytes ? pvmi_alloc(sizeof(*block)) : borrow(region, class);
			if (block && bytes) {
				block->class = class;
				block->block.bytes = bytes;
				block->block.capacity = class_size(class);
			}
		}
	}
	if (!block)
		return NULL;
	block->next = NULL;
	block->block.references = 1;
	block->block.kind = region->fd >= 0 ? PVMI_BLOCK_SHARED : PVMI_BLOCK_PRIVATE;
	region->in_use += block->block.capacity;
	region->blocks++;
	return block;
}

void pvmi_region_give(struct pvmi_region *region, struct pvmi_free_block *block)
{
	size_t size = block->block.capacity;

	region->in_use -= size;
	region->blocks--;
	if (block->mapped) {
		sys_munmap(block->block.bytes, size);
		pvmi_free(block);
		return;
	}
	if (size >= COOLING_SIZE && region->cached + size > WARM_LIMIT) {
		sys_madvise(block->block.bytes, size, region->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED);
		block->next = region->cold[block->class];
		region->cold[block->class] = block;
		return;
	}
	block->next = region->warm[block->class];
	region->warm[block->class] = block;
	region->cached += size;
}
