/*
 * format.c: pvm_packf, pvm_unpackf. A format is a list of
 *
 *     % [count] [.stride] [h|l|u]... c|d|f|x|s        or %+ first: pvm_initsend
 *
 * count and stride are numbers or * (taken from the arguments). Packing without a count takes a
 * value; with one, or unpacking, a pointer.
 */
#include <ctype.h>

#include "api.h"

struct directive {
	int type, count, stride;
	bool counted;           /* the argument is a pointer to so many */
};

static int number(const char **at, va_list *arguments, int *value)
{
	*value = 0;
	if (**at == '*') {
		*value = va_arg(*arguments, int);
		++*at;
		return 1;
	}
	if (!isdigit((unsigned char)**at))
		return 0;
	while (isdigit((unsigned char)**at))
		*value = 10 * *value + *(*at)++ - '0';
	return 1;
}

static int type_of(char letter, bool is_short, bool is_long, bool is_unsigned)
{
	switch (letter) {
	case 'c': return PVM_BYTE;
	case 's': return PVM_STR;
	case 'f': return is_long ? PVM_DOUBLE : PVM_FLOAT;
	case 'x': return is_long ? PVM_DCPLX : PVM_CPLX;
	case 'd':
		if (is_short)
			return is_unsigned ? PVM_USHORT : PVM_SHORT;
		if (is_long)
			return is_unsigned ? PVM_ULONG : PVM_LONG;
		return is_unsigned ? PVM_UINT : PVM_INT;
	}
	return PvmBadParam;
}

/* Reads what follows a '%'. PvmOk or PvmBadParam. */
static int parse(const char **at, va_list *arguments, struct directive *directive)
{
	bool is_short = false, is_long = false, is_unsigned = false;

	directive->count = directive->stride = 1;
	directive->counted = number(at, arguments, &directive->count);
	if (!directive->counted)
		directive->count = 1;
	if (**at == '.') {
		++*at;
		directive->counted = true;
		if (!number(at, arguments, &directive->stride))
			return PvmBadParam;
	}
	for (;; ++*at) {
		if (**at == 'h')
			is_short = true;
		else if (**at == 'l')
			is_long = true;
		else if (**at == 'u')
			is_unsigned = true;
		else
			break;
	}
	directive->type = type_of(**at, is_short, is_long, is_unsigned);
	if (directive->type < 0)
		return PvmBadParam;
	++*at;
	return PvmOk;
}

static int pack_value(int type, va_list *arguments)
{
	char c; short s; unsigned short us; int i; unsigned int u; long l; unsigned long ul; float f; double d;

	switch (type) {
	case PVM_BYTE: c = (char)va_arg(*arguments, int); return pvm_pkbyte(&c, 1, 1);
	case PVM_SHORT: s = (short)va_arg(*arguments, int); return pvm_pkshort(&s, 1, 1);
	case PVM_USHORT: us = (unsigned short)va_arg(*arguments, int); return pvm_pkushort(&us, 1, 1);
	case PVM_INT: i = va_arg(*arguments, int); return pvm_pkint(&i, 1, 1);
	case PVM_UINT: u = va_arg(*arguments, unsigned int); return pvm_pkuint(&u, 1, 1);
	case PVM_LONG: l = va_arg(*arguments, long); return pvm_pklong(&l, 1, 1);
	case PVM_ULONG: ul = va_arg(*arguments, unsigned long); return pvm_pkulong(&ul, 1, 1);
	case PVM_FLOAT: f = (float)va_arg(*arguments, double); return pvm_pkfloat(&f, 1, 1);
	case PVM_DOUBLE: d = va_arg(*arguments, double); return pvm_pkdouble(&d, 1, 1);
	case PVM_CPLX: return pvm_pkcplx(va_arg(*arguments, float *), 1, 1);
	case PVM_DCPLX: return pvm_pkdcplx(va_arg(*arguments, double *), 1, 1);
	}
	return PvmBadParam;
}

static int pack_one(const struct directive *d, va_list *arguments)
{
	void *p;

	if (d->type == PVM_STR)
		return pvm_pkstr(va_arg(*arguments, char *));
	if (!d->counted)
		return pack_value(d->type, arguments);
	p = va_arg(*arguments, void *);
	switch (d->type) {
	case PVM_BYTE: return pvm_pkbyte(p, d->count, d->stride);
	case PVM_SHORT: return pvm_pkshort(p, d->count, d->stride);
	case PVM_USHORT: return pvm_pkushort(p, d->count, d->stride);
	case PVM_INT: return pvm_pkint(p, d->count, d->stride);
	case PVM_UINT: return pvm_pkuint(p, d->count, d->stride);
	case PVM_LONG: return pvm_pklong(p, d->count, d->stride);
	case PVM_ULONG: return pvm_pkulong(p, d->count, d->stride);
	case PVM_FLOAT: return pvm_pkfloat(p, d->count, d->stride);
	case PVM_DOUBLE: return pvm_pkdouble(p, d->count, d->stride);
	case PVM_CPLX: return pvm_pkcplx(p, d->count, d->stride);
	default: return pvm_pkdcplx(p, d->count, d->stride);
	}
}

static int unpack_one(const struct directive *d, va_list *arguments)
{
	void *p = va_arg(*arguments, void *);

	switch (d->type) {
	case PVM_STR: return pvm_upkstr(p);
	case PVM_BYTE: return pvm_upkbyte(p, d->count, d->stride);
	case PVM_SHORT: return pvm_upkshort(p, d->count, d->stride);
	case PVM_USHORT: return pvm_upkushort(p, d->count, d->stride);
	case PVM_INT: return pvm_upkint(p, d->count, d->stride);
	case PVM_UINT: return pvm_upkuint(p, d->count, d->stride);
	case PVM_LONG: return pvm_upklong(p, d->count, d->stride);
	case PVM_ULONG: return pvm_upkulong(p, d->count, d->stride);
	case PVM_FLOAT: return pvm_upkfloat(p, d->count, d->stride);
	case PVM_DOUBLE: return pvm_upkdouble(p, d->count, d->stride);
	case PVM_CPLX: return pvm_upkcplx(p, d->count, d->stride);
	default: return pvm_upkdcplx(p, d->count, d->stride);
	}
}

static int walk(const char *at, va_list *arguments, bool packing)
{
	struct directive directive;
	int result;

	if (!at)
		return PvmBadParam;
	if (packing && at[0] == '%' && at[1] == '+') {
		result = pvm_initsend(va_arg(*arguments, int));
		if (result < 0)
			return result;
		at += 2;
	}
	while (*at) {
		if (*at++ != '%')
			continue;
		result = parse(&at, arguments, &directive);
		if (!result)
			result = packing ? pack_one(&directive, arguments) : unpack_one(&directive, arguments);
		if (result < 0)
			return result;
	}
	return PvmOk;
}

/* What fails inside has been reported by the function that failed; a bad format is reported here. */
static int report(const char *function, int result)
{
	return result == PvmBadParam ? pvmi_error(function, result) : result;
}

int pvm_vpackf(const char *format, va_list arguments)
{
	va_list copy;
	int result;

	va_copy(copy, arguments);
	result = walk(format, &copy, true);
	va_end(copy);
	return report("pvm_packf", result);
}

int pvm_vunpackf(const char *format, va_list arguments)
{
	va_list copy;
	int result;

	va_copy(copy, arguments);
	result = walk(format, &copy, false);
	va_end(copy);
	return report("pvm_unpackf", result);
}

int pvm_packf(const char *format, ...)
{
	va_list arguments;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_outer(TEV_PACKF, TEV_EVENT_ENTRY, format);
	va_start(arguments, format);
	result = pvm_vpackf(format, arguments);
	va_end(arguments);
	pvmi_tev_outer(TEV_PACKF, TEV_EVENT_EXIT, result);
	pvmi_leave();
	return result;
}

int pvm_unpackf(const char *format, ...)
{
	va_list arguments;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_outer(TEV_UNPACKF, TEV_EVENT_ENTRY, format);
	va_start(arguments, format);
	result = pvm_vunpackf(format, arguments);
	va_end(arguments);
	pvmi_tev_outer(TEV_UNPACKF, TEV_EVENT_EXIT, result);
	pvmi_leave();
	return result;
}
