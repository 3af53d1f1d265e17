/*
 * memory.h: memory for whatever the agent may reach. No malloc anywhere below it: the agent may
 * run while the program's thread holds malloc's locks.
 *
 * Two layers:
 *   objects   small private structures: pvmi_alloc, pvmi_free
 *   blocks    memory that carries message bodies (struct pvmi_block in pvmi.h): pvmi_block_new from
 *             the shared heap, which peers on the node map; pvmi_block_private from private memory
 * A block's size class keeps freed blocks for the next one of the same size, so that memory is
 * warm; large ones beyond a limit give their pages back to the system.
 *
 * All of it belongs to whoever owns the context (guard.h); nothing here locks.
 */
#ifndef PVMI_MEMORY_H
#define PVMI_MEMORY_H

#include "../pvmi.h"

/* Zeroed, aligned to 16. NULL when the system has no more. */
void *pvmi_alloc(size_t size);
/* The same, not zeroed. */
void *pvmi_alloc_dirty(size_t size);
/* The grown part is not zeroed. NULL: the old one stays as it is. */
void *pvmi_realloc(void *object, size_t size);
void pvmi_free(void *object);           /* NULL is fine */
char *pvmi_strdup(const char *text);

/* ------------------------------------------------------------------ blocks */

/* One more reference (pvmi_block_unref is in pvmi.h). */
static inline void pvmi_block_ref(struct pvmi_block *block)
{
	block->references++;
}

/* A block that lies over memory of somebody else: PVMI_BLOCK_USER. Freed with its last reference, its bytes are not. */
struct pvmi_block *pvmi_block_over(void *bytes, size_t length);

/* A block lent by a peer; release runs when its last reference goes. owner, index: for release. */
struct pvmi_foreign_block {
	struct pvmi_block block;
	void (*release)(struct pvmi_foreign_block *foreign);
	void *owner;
	uint32_t index;
	struct pvmi_foreign_block *next, *previous;     /* owner's list of what it has lent */
};
struct pvmi_foreign_block *pvmi_block_foreign(uint8_t *bytes, size_t length);

/* The shared heap as peers map it. */
struct pvmi_heap_view {
	int fd;                 /* -1: none could be made; every block is private then */
	uint8_t *base;
	size_t size;            /* of the file now; it only grows */
	size_t limit;           /* it never grows past this */
};
const struct pvmi_heap_view *pvmi_heap(void);

/* Where in the heap file this byte is; false when it is not there (a private or foreign block). */
bool pvmi_heap_offset(const uint8_t *bytes, uint64_t *offset);

/* For the engine: does the mapping [start, end) belong to the shared heap? */
bool pvmi_heap_covers(uintptr_t start, uintptr_t end);

/* At the new node: the file has come along under its number; seal it as before. */
void pvmi_heap_arrived(void);
/* In a forked child: what it holds becomes its own copy, and new blocks come from a heap of its own. */
void pvmi_heap_forked(void);

struct pvmi_memory_counts {
	size_t object_bytes, heap_bytes, private_bytes; /* in use */
	size_t heap_cached, private_cached;             /* free, kept warm */
	uint64_t blocks_in_use;
};
struct pvmi_memory_counts pvmi_memory_counts(void);

#endif
