/* internal.h: between the files of memory/. */
#ifndef PVMI_MEMORY_INTERNAL_H
#define PVMI_MEMORY_INTERNAL_H

#include "memory.h"

size_t pvmi_objects_in_use(void);

#define PVMI_BLOCK_CLASSES 88   /* 256 bytes to 896 MiB, four to a doubling */

/* A span of address space that grows at its end and is cut into blocks by size class. */
struct pvmi_region {
	int fd;                 /* the heap's file, or -1: private memory */
	uint8_t *base;
	size_t used, size, limit;
	/* Free blocks of each class: warm ones are resident, cold ones have given their pages back. */
	struct pvmi_free_block *warm[PVMI_BLOCK_CLASSES], *cold[PVMI_BLOCK_CLASSES];
	struct { uint8_t *at, *end; } slab[PVMI_BLOCK_CLASSES];
	size_t cached, in_use;
	uint64_t blocks;
};

/* A block of a region, as long as it exists, in use or free. */
struct pvmi_free_block {
	struct pvmi_block block;
	uint32_t class;
	bool mapped;            /* larger than any class: a mapping of its own */
	struct pvmi_free_block *next;
};

void pvmi_region_init(struct pvmi_region *region, int fd, size_t limit);
struct pvmi_free_block *pvmi_region_take(struct pvmi_region *region, size_t size);
void pvmi_region_give(struct pvmi_region *region, struct pvmi_free_block *block);

#endif
