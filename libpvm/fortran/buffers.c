/*
 * buffers.c: message buffers, packing and unpacking.
 */
#include "fortran.h"

void F(pvmfinitsend)(const int *encoding, int *mid)
{
	*mid = pvm_initsend(*encoding);
}

void F(pvmfmkbuf)(const int *encoding, int *mid)
{
	*mid = pvm_mkbuf(*encoding);
}

void F(pvmffreebuf)(const int *mid, int *info)
{
	*info = pvm_freebuf(*mid);
}

void F(pvmfgetsbuf)(int *mid)
{
	*mid = pvm_getsbuf();
}

void F(pvmfgetrbuf)(int *mid)
{
	*mid = pvm_getrbuf();
}

void F(pvmfsetsbuf)(const int *mid, int *old)
{
	*old = pvm_setsbuf(*mid);
}

void F(pvmfsetrbuf)(const int *mid, int *old)
{
	*old = pvm_setrbuf(*mid);
}

void F(pvmfbufinfo)(const int *mid, int *bytes, int *tag, int *tid, int *info)
{
	*info = pvm_bufinfo(*mid, bytes, tag, tid);
}

/*
 * `what` is one of the types of fpvm3.h, which are those of pvm3.h up to PVM_LONG. STRING is so many
 * characters as they are, without a length or an end: who unpacks has to know how many.
 */
static int pack(int what, void *values, int items, int stride)
{
	switch (what) {
	case PVM_STR:
	case PVM_BYTE: return pvm_pkbyte(values, items, stride);
	case PVM_SHORT: return pvm_pkshort(values, items, stride);
	case PVM_INT: return pvm_pkint(values, items, stride);
	case PVM_FLOAT: return pvm_pkfloat(values, items, stride);
	case PVM_CPLX: return pvm_pkcplx(values, items, stride);
	case PVM_DOUBLE: return pvm_pkdouble(values, items, stride);
	case PVM_DCPLX: return pvm_pkdcplx(values, items, stride);
	case PVM_LONG: return pvm_pklong(values, items, stride);
	default: return PvmBadParam;
	}
}

static int unpack(int what, void *values, int items, int stride)
{
	switch (what) {
	case PVM_STR:
	case PVM_BYTE: return pvm_upkbyte(values, items, stride);
	case PVM_SHORT: return pvm_upkshort(values, items, stride);
	case PVM_INT: return pvm_upkint(values, items, stride);
	case PVM_FLOAT: return pvm_upkfloat(values, items, stride);
	case PVM_CPLX: return pvm_upkcplx(values, items, stride);
	case PVM_DOUBLE: return pvm_upkdouble(values, items, stride);
	case PVM_DCPLX: return pvm_upkdcplx(values, items, stride);
	case PVM_LONG: return pvm_upklong(values, items, stride);
	default: return PvmBadParam;
	}
}

void F(pvmfpack)(const int *what, void *values, const int *items, const int *stride, int *info)
{
	*info = pack(*what, values, *items, *stride);
}

void F(pvmfunpack)(const int *what, void *values, const int *items, const int *stride, int *info)
{
	*info = unpack(*what, values, *items, *stride);
}
