/* What the compiler and nanopb's library expect from a C library. */
#include "restorer.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + n)
		return memcpy(to, from, n);
	while (n--)
		d[n] = s[n];
	return to;
}

void *memset(void *to, int value, size_t n)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end)
		end++;
	return end - text;
}

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	(void)room;
	return memcpy(to, from, n);
}

/* nanopb's library refers to these for pointer fields, of which the image has none. */
void free(void *pointer)
{
	(void)pointer;
}

void *malloc(size_t n)
{
	(void)n;
	return NULL;
}

void *realloc(void *pointer, size_t n)
{
	(void)pointer;
	(void)n;
	return NULL;
}

void __stack_chk_fail(void)
{
	give_up("RESTORER_FAILED", "stack smashed");
}
