/*
 * blocks.c: memory that carries message bodies, by kind.
 *
 * This state belongs to the process, not to the task: a ULP switch does not exchange it.
 */
#include "../sys/sys.h"
#include "internal.h"

#ifndef F_SEAL_SHRINK
#define F_SEAL_SHRINK 0x0002
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define HEAP_LIMIT (8UL << 30)
#define PRIVATE_LIMIT (32UL << 30)

static struct pvmi_region heap = { .fd = -1 }, private = { .fd = -1 };
static bool started;

/* Sealed against shrinking, so that a peer that maps it never meets a missing page. */
static int heap_file(void)
{
	long fd = sys_memfd_create("mpvm-heap", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd == -EINVAL)
		fd = sys_memfd_create("mpvm-heap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (sys_fcntl((int)fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		sys_close((int)fd);
		return -1;
	}
	return (int)fd;
}

static void start(void)
{
	int fd = heap_file();

	started = true;
	if (!private.base)
		pvmi_region_init(&private, -1, PRIVATE_LIMIT);
	if (fd < 0)
		return;
	pvmi_region_init(&heap, fd, HEAP_LIMIT);
	if (!heap.base) {
		sys_close(fd);
		heap.fd = -1;
	}
}

struct pvmi_block *pvmi_block_private(size_t size)
{
	struct pvmi_free_block *block;

	if (!started)
		start();
	block = pvmi_region_take(&private, size);
	return block ? &block->block : NULL;
}

struct pvmi_block *pvmi_block_new(size_t size)
{
	struct pvmi_free_block *block = NULL;

	if (!started)
		start();
	if (heap.base)
		block = pvmi_region_take(&heap, size);
	return block ? &block->block : pvmi_block_private(size);
}

struct pvmi_block *pvmi_block_over(void *bytes, size_t length)
{
	struct pvmi_block *block = pvmi_alloc(sizeof(*block));

	if (!block)
		return NULL;
	block->kind = PVMI_BLOCK_USER;
	block->references = 1;
	block->bytes = bytes;
	block->capacity = length;
	return block;
}

struct pvmi_foreign_block *pvmi_block_foreign(uint8_t *bytes, size_t length)
{
	struct pvmi_foreign_block *foreign = pvmi_alloc(sizeof(*foreign));

	if (!foreign)
		return NULL;
	foreign->block.kind = PVMI_BLOCK_FOREIGN;
	foreign->block.references = 1;
	foreign->block.bytes = bytes;
	foreign->block.capacity = length;
	return foreign;
}

void pvmi_block_unref(struct pvmi_block *block)
{
	if (!block)
		return;
	if (!block->references)
		__builtin_trap();       /* one reference too many was given back */
	if (--block->references)
		return;
	switch (block->kind) {
	case PVMI_BLOCK_SHARED:
		/* One of a parent's heap stays what it is: the child's heap has other addresses. */
		pvmi_region_give(&heap, (struct pvmi_free_block *)block);
		break;
	case PVMI_BLOCK_PRIVATE:
		pvmi_region_give(&private, (struct pvmi_free_block *)block);
		break;
	case PVMI_BLOCK_FOREIGN:
		((struct pvmi_foreign_block *)block)->release((struct pvmi_foreign_block *)block);
		pvmi_free(block);
		break;
	case PVMI_BLOCK_USER:
		pvmi_free(block);
		break;
	case PVMI_BLOCK_OWN:
		pvmi_message_own_unused(block);
		break;
	}
}

const struct pvmi_heap_view *pvmi_heap(void)
{
	static struct pvmi_heap_view view;

	if (!started)
		start();
	view.fd = heap.fd;
	view.base = heap.base;
	view.size = heap.size;
	view.limit = heap.limit;
	return &view;
}

bool pvmi_heap_offset(const uint8_t *bytes, uint64_t *offset)
{
	if (!heap.base || bytes < heap.base || bytes >= heap.base + heap.size)
		return false;
	*offset = (uint64_t)(bytes - heap.base);
	return true;
}

bool pvmi_heap_covers(uintptr_t start, uintptr_t end)
{
	return heap.base && start >= (uintptr_t)heap.base && end <= (uintptr_t)heap.base + heap.limit;
}

void pvmi_heap_arrived(void)
{
	struct stat file;

	if (heap.fd < 0)
		return;
	if (sys_fstat(heap.fd, &file) < 0 || (size_t)file.st_size < heap.size ||
	    sys_fcntl(heap.fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		heap.fd = -1;   /* it came as plain memory: peers cannot map it, TCP serves */
}

void pvmi_heap_forked(void)
{
	if (!started || heap.fd < 0)
		return;
	sys_mmap(heap.base, heap.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, heap.fd, 0);
	sys_close(heap.fd);
	heap = (struct pvmi_region){ .fd = -1 };
	started = false;
}

struct pvmi_memory_counts pvmi_memory_counts(void)
{
	return (struct pvmi_memory_counts){
		.object_bytes = pvmi_objects_in_use(),
		.heap_bytes = heap.in_use,
		.private_bytes = private.in_use,
		.heap_cached = heap.cached,
		.private_cached = private.cached,
		.blocks_in_use = heap.blocks + private.blocks,
	};
}
