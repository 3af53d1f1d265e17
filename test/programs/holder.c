/*
 * holder KIND MEBIBYTES [PATH]
 *
 * Holds memory of one kind that need not travel, and a MiB beside it that must; says "holder ready",
 * and on any message checks what it can see of both and ends.
 *
 *   zeros      written to, with zeros
 *   untouched  mapped, never touched
 *   dropped    written to, then given back (MADV_DONTNEED)
 *   freed      written to, then given up (MADV_FREE): reads as it was or as zeros
 *   trimmed    from malloc, freed, and given back by the C library
 *   file       a private mapping of a file of sevens (PATH), read and not written
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define KEPT (1u << 20)

static unsigned char *map(size_t bytes)
{
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void trim(size_t bytes)
{
	size_t count = bytes / 65536, i;
	void **blocks = malloc(count * sizeof(*blocks));

	for (i = 0; i < count; i++)
		memset(blocks[i] = malloc(65536), 7, 65536);
	for (i = 0; i < count; i++)
		free(blocks[i]);
	free(blocks);
	malloc_trim(0);
}

static unsigned char *map_file(const char *path, size_t bytes)
{
	int fd = open(path, O_RDONLY);
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap of %s", path);
	madvise(memory, bytes, MADV_POPULATE_READ);
	close(fd);
	return memory;
}

static unsigned char *hold(const char *kind, size_t bytes, const char *path)
{
	unsigned char *memory;

	if (!strcmp(kind, "trimmed")) {
		trim(bytes);
		return NULL;
	}
	if (!strcmp(kind, "file"))
		return map_file(path, bytes);
	memory = map(bytes);
	if (!strcmp(kind, "zeros"))
		memset(memory, 0, bytes);
	else if (strcmp(kind, "untouched"))
		memset(memory, 7, bytes);
	if (!strcmp(kind, "dropped"))
		madvise(memory, bytes, MADV_DONTNEED);
	if (!strcmp(kind, "freed"))
		madvise(memory, bytes, MADV_FREE);
	return memory;
}

static void check(const char *kind, const unsigned char *memory, size_t bytes)
{
	bool sevens = !strcmp(kind, "file"), zeros = !sevens;
	size_t at;

	if (!strcmp(kind, "freed"))
		sevens = true;
	for (at = 0; memory && at < bytes; at += 512)
		if (!(sevens && memory[at] == 7) && !(zeros && memory[at] == 0))
			die("%s: byte %zu is %d", kind, at, memory[at]);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "zeros";
	size_t bytes = (size_t)atoi(argc > 2 ? argv[2] : "64") << 20;
	unsigned char *kept = map(KEPT), *memory;

	pvm_mytid();
	fill(kept, KEPT, key(3, 0, 0));
	memory = hold(kind, bytes, argc > 3 ? argv[3] : "");
	printf("holder ready\n");
	fflush(stdout);
	pvm_recv(-1, -1);
	if (differs(kept, KEPT, key(3, 0, 0)) >= 0)
		die("what was kept is spoilt");
	check(kind, memory, bytes);
	printf("holder ok %s\n", kind);
	pvm_exit();
	return 0;
}
