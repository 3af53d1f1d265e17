/*
 * fortran.h: libfpvm3: PVM for Fortran, one subroutine for each function of the C library.
 *
 * As gfortran calls: names in small letters with one underscore behind, every argument by address,
 * and behind the arguments the length of each character argument, in their order. Those lengths are
 * size_t in gfortran from 8 on and int before; the low half is right in both.
 *
 * The result of the C function is the last argument. Strings lose their trailing blanks on the way
 * in and are filled with blanks on the way out. One that is too long for a name is PvmBadParam.
 */
#ifndef FPVM_FORTRAN_H
#define FPVM_FORTRAN_H

#pragma GCC visibility push(default)
#include <stdio.h>
#include <pvm3.h>

#define F(name) name##_

/* Fortran's text as a C string without its trailing blanks; 1, and an empty string, when it has no room. */
int ftocstr(char *to, int room, const char *from, int length);
/* A C string as Fortran's text, cut or filled with blanks. */
int ctofstr(char *to, int length, const char *from);

/* A name, or the command of a whole daemon. */
#define TEXT_LIMIT 4096

/* The body of a routine whose only text is `text`: `call` may use it as `name`. */
#define WITH_NAME(text, length, result, call) do {                              \
	char name[TEXT_LIMIT];                                                  \
	*(result) = ftocstr(name, sizeof(name), text, length) ? PvmBadParam : (call); \
} while (0)

#endif
