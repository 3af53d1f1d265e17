/*
 * objects.c: small private structures, by size class, from chunks mapped for the purpose.
 *
 * This state belongs to the process, not to the task: a ULP switch does not exchange it.
 */
#include <string.h>

#include "../sys/sys.h"
#include "internal.h"

#define CHUNK (256UL << 10)
#define LARGE 0xffffU
#define ALIVE 0x6d70766dU
#define FREED 0x64656164U

/* In front of each object, so that a double free is found where it happens. */
struct header {
	uint32_t class;
	uint32_t magic;
	size_t size;            /* LARGE: bytes mapped; else what was asked for */
};

#define CLASSES 44              /* 32 bytes to 56 KiB, four to a doubling */
#define QUICK 1024UL            /* bytes, header included: the class of so few is looked up */

static struct {
	struct header *free[CLASSES];
	uint8_t *chunk, *chunk_end;
	size_t in_use;
	uint8_t quick[QUICK / 16 + 1];          /* classes by size in units of 16; 0 is a class too */
	bool started;
} objects;

static size_t class_size(unsigned int class)
{
	return (size_t)(4 + class % 4) << (class / 4 + 3);
}

/* The smallest class of at least size bytes; CLASSES when there is none. */
static unsigned int class_of(size_t size)
{
	unsigned int class;

	if (size <= 32)
		return 0;
	if (size > class_size(CLASSES - 1))
		return CLASSES;
	class = 4 * (unsigned int)(63 - __builtin_clzl(size - 1)) - 20;
	while (class_size(class) < size)
		class++;
	return class;
}

static void start(void)
{
	unsigned int units;

	for (units = 0; units <= QUICK / 16; units++)
		objects.quick[units] = (uint8_t)class_of(units * 16);
	objects.started = true;
}

static struct header **link_of(struct header *header)
{
	return (struct header **)(header + 1);
}

static struct header *map_large(size_t total)
{
	struct header *header;

	total = (total + PVMI_PAGE - 1) & ~(PVMI_PAGE - 1);
	header = sys_mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sys_mmap_failed(header))
		return NULL;
	header->class = LARGE;
	header->size = total;
	return header;
}

static struct header *carve(unsigned int class)
{
	size_t size = (class_size(class) + 15) & ~15UL;
	uint8_t *place;

	if ((size_t)(objects.chunk_end - objects.chunk) < size) {
		place = sys_mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (sys_mmap_failed(place))
			return NULL;
		objects.chunk = place;
		objects.chunk_end = place + CHUNK;
	}
	place = objects.chunk;
	objects.chunk += size;
	((struct header *)place)->class = class;
	return (struct header *)place;
}

void *pvmi_alloc(size_t size)
{
	void *object = pvmi_alloc_dirty(size);

	/* What is mapped for one object is zero already. */
	if (object && ((struct header *)object - 1)->class != LARGE)
		memset(object, 0, size);
	return object;
}

static void *alloc_large(size_t total)
{
	struct header *header = map_large(total);

	if (!header)
		return NULL;
	objects.in_use += header->size;
	header->magic = ALIVE;
	return header + 1;
}

void *pvmi_alloc_dirty(size_t size)
{
	size_t total = size + sizeof(struct header);
	struct header *header;
	unsigned int class;

	if (total < size)
		return NULL;
	if (__builtin_expect(!objects.started, 0))
		start();
	class = total <= QUICK ? objects.quick[(total + 15) / 16] : class_of(total);
	if (class == CLASSES)
		return alloc_large(total);
	header = objects.free[class];
	if (header)
		objects.free[class] = *link_of(header);
	else
		header = carve(class);
	if (!header)
		return NULL;
	header->size = size;
	header->magic = ALIVE;
	objects.in_use += class_size(class);
	return header + 1;
}

void pvmi_free(void *object)
{
	struct header *header = (struct header *)object - 1;

	if (!object)
		return;
	if (header->magic != ALIVE)
		__builtin_trap();       /* freed twice, or never ours */
	header->magic = FREED;
	if (header->class == LARGE) {
		objects.in_use -= header->size;
		sys_munmap(header, header->size);
		return;
	}
	objects.in_use -= class_size(header->class);
	*link_of(header) = objects.free[header->class];
	objects.free[header->class] = header;
}

void *pvmi_realloc(void *object, size_t size)
{
	struct header *header;
	size_t room;
	void *grown;

	if (!object)
		return pvmi_alloc(size);
	header = (struct header *)object - 1;
	room = (header->class == LARGE ? header->size : class_size(header->class)) - sizeof(*header);
	if (size <= room) {
		if (header->class != LARGE)
			header->size = size;
		return object;
	}
	grown = pvmi_alloc(size);
	if (!grown)
		return NULL;
	memcpy(grown, object, room);
	pvmi_free(object);
	return grown;
}

char *pvmi_strdup(const char *text)
{
	size_t length = strlen(text) + 1;
	char *copy = pvmi_alloc(length);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

size_t pvmi_objects_in_use(void)
{
	return objects.in_use;
}
