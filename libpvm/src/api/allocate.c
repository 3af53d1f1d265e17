/*
 * allocate.c: PVM's allocators. Those called i_ can be compiled to account for every block; here,
 * as in its ordinary build, they are malloc. Those called pvm_ never fail: PVM ends the program.
 */
#include <stdlib.h>

#include "api.h"

void *i_malloc(unsigned int size, char *where)
{
	(void)where;
	return malloc(size);
}

void *i_realloc(void *block, unsigned int size)
{
	return realloc(block, size);
}

void i_free(void *block)
{
	free(block);
}

/* What is allocated: not known. */
void i_dump(int what)
{
	(void)what;
	pvmlogerror("i_dump() 0 bytes total\n");
}

void i_choke(void)
{
	abort();
}

static void *never_null(void *block, unsigned int size, const char *where)
{
	if (block || !size)
		return block;
	pvmi_complain("%s: no memory for %u bytes", where, size);
	exit(PvmNoMem);
}

void *pvm_alloc(unsigned int size, char *where)
{
	return never_null(malloc(size), size, where ? where : "pvm_alloc");
}

void *pvm_realloc(void *block, unsigned int size)
{
	return never_null(realloc(block, size), size, "pvm_realloc");
}

void pvm_free(void *block)
{
	free(block);
}
