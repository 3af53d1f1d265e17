/*
 * settings.c: options, errors, and the mailbox but for its listing.
 */
#include <string.h>

#include "fortran.h"

void F(pvmfsetopt)(const int *what, const int *value, int *old)
{
	*old = pvm_setopt(*what, *value);
}

void F(pvmfgetopt)(const int *what, int *value)
{
	*value = pvm_getopt(*what);
}

/* Here blanks are text as well: they are printed. */
void F(pvmfperror)(const char *text, int *info, int length)
{
	char copy[TEXT_LIMIT];
	size_t used = length < 0 ? 0 : length < TEXT_LIMIT ? (size_t)length : TEXT_LIMIT - 1;

	memcpy(copy, text, used);
	copy[used] = 0;
	*info = pvm_perror(copy);
}

void F(pvmfputinfo)(const char *class, const int *mid, const int *flags, int *index, int length)
{
	WITH_NAME(class, length, index, pvm_putinfo(name, *mid, *flags));
}

void F(pvmfrecvinfo)(const char *class, const int *index, const int *flags, int *mid, int length)
{
	WITH_NAME(class, length, mid, pvm_recvinfo(name, *index, *flags));
}

void F(pvmfdelinfo)(const char *class, const int *index, const int *flags, int *info, int length)
{
	WITH_NAME(class, length, info, pvm_delinfo(name, *index, *flags));
}
