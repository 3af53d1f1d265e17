/* The same in raw encoding, and data in place. */
#include "probe.h"

int main(void)
{
	char c[5] = "abcd";
	short s[3] = { 1, 2, 3 };
	long l[4] = { 1, 2, 3, 4 };
	float f[4] = { 1, 2, 3, 4 };
	double d[4] = { 1, 2, 3, 4 };
	int i[6] = { 1, 2, 3, 4, 5, 6 };
	int m;

	start();
	pvm_setopt(PvmAutoErr, 0);
	m = pvm_initsend(PvmDataRaw);
	pvm_pkbyte(c, 1, 1);
	SHOW(length_of(m));
	pvm_pkbyte(c, 5, 1);
	SHOW(length_of(m));
	pvm_pkshort(s, 3, 1);
	SHOW(length_of(m));
	pvm_pklong(l, 2, 1);
	SHOW(length_of(m));
	pvm_pkfloat(f, 3, 1);
	pvm_pkdouble(d, 3, 1);
	SHOW(length_of(m));
	pvm_pkcplx(f, 1, 1);
	pvm_pkdcplx(d, 1, 1);
	SHOW(length_of(m));
	pvm_pkint(i, 3, 2);
	SHOW(length_of(m));
	pvm_pkstr("hello");
	SHOW(length_of(m));
	m = pvm_initsend(PvmDataInPlace);
	SHOW(pvm_pkstr("hello"));
	SHOW(pvm_pkint(i, 3, 1));
	SHOW(pvm_pkint(i, 2, 2));
	SHOW(pvm_pkdouble(d, 2, 1));
	SHOW(length_of(m));
	SHOW(pvm_initsend(99));
	SHOW(pvm_initsend(3));
	SHOW(pvm_initsend(-1));
	pvm_exit();
	return 0;
}
