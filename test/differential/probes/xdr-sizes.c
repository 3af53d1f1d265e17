/* How many bytes each type takes in the default encoding, alone and after others. */
#include "probe.h"

int main(void)
{
	char c[9] = "abcdefgh";
	short s[5] = { 1, -2, 3, -4, 5 };
	int i[5] = { 1, -2, 3, -4, 5 };
	long l[3] = { 1, -2, 3 };
	float f[6] = { 1, 2, 3, 4, 5, 6 };
	double d[6] = { 1, 2, 3, 4, 5, 6 };
	unsigned short us[3] = { 1, 2, 3 };
	unsigned int ui[3] = { 1, 2, 3 };
	unsigned long ul[3] = { 1, 2, 3 };
	int m, n;

	start();
	m = pvm_initsend(PvmDataDefault);
	SHOW(length_of(m));
	for (n = 0; n <= 9; n++) {
		pvm_pkbyte(c, n, 1);
		printf("%d bytes: %d\n", n, length_of(m));
	}
	pvm_pkshort(s, 3, 1);
	SHOW(length_of(m));
	pvm_pkushort(us, 3, 1);
	SHOW(length_of(m));
	pvm_pkint(i, 3, 1);
	SHOW(length_of(m));
	pvm_pkuint(ui, 2, 1);
	SHOW(length_of(m));
	pvm_pklong(l, 2, 1);
	SHOW(length_of(m));
	pvm_pkulong(ul, 2, 1);
	SHOW(length_of(m));
	pvm_pkfloat(f, 2, 1);
	SHOW(length_of(m));
	pvm_pkdouble(d, 2, 1);
	SHOW(length_of(m));
	pvm_pkcplx(f, 2, 1);
	SHOW(length_of(m));
	pvm_pkdcplx(d, 2, 1);
	SHOW(length_of(m));
	pvm_pkstr("");
	SHOW(length_of(m));
	pvm_pkstr("abc");
	SHOW(length_of(m));
	pvm_pkstr("abcd");
	SHOW(length_of(m));
	pvm_pkint(i, 0, 1);
	SHOW(length_of(m));
	SHOW(pvm_pkint(i, -1, 1));
	SHOW(pvm_pkint(i, 2, 2));
	SHOW(length_of(m));
	pvm_exit();
	return 0;
}
