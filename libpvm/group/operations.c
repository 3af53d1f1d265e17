/*
 * operations.c: PvmSum, PvmProduct, PvmMax, PvmMin: x becomes x op y, element by element.
 * The greater of two complex numbers is the one with the greater modulus. Bytes are ordered, but
 * are no numbers to add.
 */
#include "group.h"

struct complex_float { float re, im; };
struct complex_double { double re, im; };

#define EACH(c_type, statement) do {                                            \
	c_type *a = x, *b = y;                                                  \
	int i;                                                                  \
	for (i = 0; i < *items; i++)                                            \
		statement;                                                      \
} while (0)

#define COMPLEX_MODULUS(z) ((double)(z).re * (z).re + (double)(z).im * (z).im)
#define KEEP_BY(compare) if (b[i] compare a[i]) a[i] = b[i]
#define KEEP_COMPLEX_BY(compare) if (COMPLEX_MODULUS(b[i]) compare COMPLEX_MODULUS(a[i])) a[i] = b[i]

#define NUMBERS(number, complex_float_statement, complex_double_statement)      \
	case PVM_SHORT: EACH(short, number); break;                             \
	case PVM_USHORT: EACH(unsigned short, number); break;                   \
	case PVM_INT: EACH(int, number); break;                                 \
	case PVM_UINT: EACH(unsigned int, number); break;                       \
	case PVM_LONG: EACH(long, number); break;                               \
	case PVM_ULONG: EACH(unsigned long, number); break;                     \
	case PVM_FLOAT: EACH(float, number); break;                             \
	case PVM_DOUBLE: EACH(double, number); break;                           \
	case PVM_CPLX: EACH(struct complex_float, complex_float_statement); break; \
	case PVM_DCPLX: EACH(struct complex_double, complex_double_statement); break

#define ORDER(name, compare)                                                    \
void name(int *type, void *x, void *y, int *items, int *info)                   \
{                                                                               \
	*info = PvmOk;                                                          \
	switch (*type) {                                                        \
	case PVM_BYTE: EACH(char, KEEP_BY(compare)); break;                     \
	NUMBERS(KEEP_BY(compare), KEEP_COMPLEX_BY(compare), KEEP_COMPLEX_BY(compare)); \
	default: *info = PvmBadParam;                                           \
	}                                                                       \
}

ORDER(PvmMax, >)
ORDER(PvmMin, <)

#define ADD_COMPLEX { a[i].re += b[i].re; a[i].im += b[i].im; }
#define MULTIPLY_COMPLEX(part) {                                                \
	part re = a[i].re * b[i].re - a[i].im * b[i].im;                        \
	a[i].im = a[i].re * b[i].im + a[i].im * b[i].re;                        \
	a[i].re = re;                                                           \
}

void PvmSum(int *type, void *x, void *y, int *items, int *info)
{
	*info = PvmOk;
	switch (*type) {
	NUMBERS(a[i] += b[i], ADD_COMPLEX, ADD_COMPLEX);
	default: *info = PvmBadParam;
	}
}

void PvmProduct(int *type, void *x, void *y, int *items, int *info)
{
	*info = PvmOk;
	switch (*type) {
	NUMBERS(a[i] *= b[i], MULTIPLY_COMPLEX(float), MULTIPLY_COMPLEX(double));
	default: *info = PvmBadParam;
	}
}
