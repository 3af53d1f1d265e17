/*
 * strings.c: text between Fortran and C. Both functions are part of the library's interface: C code
 * of Fortran programs calls them.
 */
#include <string.h>

#include "fortran.h"

int ftocstr(char *to, int room, const char *from, int length)
{
	while (length > 0 && from[length - 1] == ' ')
		length--;
	to[0] = 0;
	if (length < 0 || length >= room)
		return 1;
	/* What is behind a NUL is no text for C, and programs do end their strings with one. */
	strncat(to, from, (size_t)length);
	return 0;
}

int ctofstr(char *to, int length, const char *from)
{
	size_t room = length > 0 ? (size_t)length : 0, used = strlen(from);

	if (used > room)
		used = room;
	memmove(to, from, used);
	memset(to + used, ' ', room - used);
	return 0;
}
