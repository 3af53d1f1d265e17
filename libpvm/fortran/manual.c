/*
 * manual.c: routines that PVM's manual describes for Fortran and that the library of PVM 3.4.6 lacks.
 */
#include "fortran.h"

void F(pvmfgetminfo)(const int *mid, int *length, int *context, int *tag, int *wait_id, int *encoding, int *crc,
		     int *source, int *destination, int *info)
{
	struct pvmminfo m = { 0 };

	*info = pvm_getminfo(*mid, &m);
	if (*info < 0)
		return;
	*length = m.len;
	*context = m.ctx;
	*tag = m.tag;
	*wait_id = m.wid;
	*encoding = m.enc;
	*crc = m.crc;
	*source = m.src;
	*destination = m.dst;
}

/* Length, encoding and checksum cannot be set. */
void F(pvmfsetminfo)(const int *mid, const int *context, const int *tag, const int *wait_id, const int *source,
		     const int *destination, int *info)
{
	struct pvmminfo m = { 0 };

	*info = pvm_getminfo(*mid, &m);
	if (*info < 0)
		return;
	m.ctx = *context;
	m.tag = *tag;
	m.wid = *wait_id;
	m.src = *source;
	m.dst = *destination;
	*info = pvm_setminfo(*mid, &m);
}

void F(pvmfpkmesg)(const int *mid, int *info)
{
	*info = pvm_pkmesg(*mid);
}

void F(pvmfpkmesgbody)(const int *mid, int *info)
{
	*info = pvm_pkmesgbody(*mid);
}

/* The C function takes the message from the active receive buffer; here the buffer is named. */
void F(pvmfupkmesg)(const int *mid, int *inner)
{
	int old = pvm_setrbuf(*mid);

	if (old < 0) {
		*inner = old;
		return;
	}
	*inner = pvm_upkmesg();
	pvm_setrbuf(old);
}

/* The manual's name for pvmftidtohost. */
void F(pvmftidtoh)(const int *tid, int *host)
{
	*host = pvm_tidtohost(*tid);
}
