/* What comes out is what went in, for every type, at its limits: default encoding.
 * Negative longs lose their sign in PVM 3.4.6 on 64-bit machines; ours keep it. */
#include "probe.h"

int main(void)
{
	char c[3] = { -128, 0, 127 }, c2[3];
	short s[3] = { -32768, 0, 32767 }, s2[3];
	unsigned short us[2] = { 0, 65535 }, us2[2];
	int i[3] = { -2147483647 - 1, 0, 2147483647 }, i2[3];
	unsigned int ui[2] = { 0, 4294967295u }, ui2[2];
	long l[4] = { 5, 5000000000l, 2147483647l, 1l << 62 }, l2[4];
	unsigned long ul[3] = { 7, ~0ul, 1ul << 32 }, ul2[3];
	float f[4] = { -0.0f, 1e-40f, 3.4e38f, 0.1f }, f2[4];
	double d[4] = { -0.0, 5e-324, 1.7e308, 0.1 }, d2[4];
	float z[4] = { 1, -2, 3, -4 }, z2[4];
	double w[4] = { 1, -2, 3, -4 }, w2[4];
	char text[32];
	int n, m, me = start();

	m = pvm_initsend(PvmDataDefault);
	pvm_pkbyte(c, 3, 1);
	pvm_pkshort(s, 3, 1);
	pvm_pkushort(us, 2, 1);
	pvm_pkint(i, 3, 1);
	pvm_pkuint(ui, 2, 1);
	pvm_pklong(l, 4, 1);
	pvm_pkulong(ul, 3, 1);
	pvm_pkfloat(f, 4, 1);
	pvm_pkdouble(d, 4, 1);
	pvm_pkcplx(z, 2, 1);
	pvm_pkdcplx(w, 2, 1);
	pvm_pkstr("");
	pvm_pkstr("some words");
	SHOW(length_of(m));
	SHOW(pvm_send(me, 5));
	m = pvm_recv(me, 5);
	SHOW(length_of(m));
	pvm_upkbyte(c2, 3, 1);
	pvm_upkshort(s2, 3, 1);
	pvm_upkushort(us2, 2, 1);
	pvm_upkint(i2, 3, 1);
	pvm_upkuint(ui2, 2, 1);
	SHOW(pvm_upklong(l2, 4, 1));
	SHOW(pvm_upkulong(ul2, 3, 1));
	pvm_upkfloat(f2, 4, 1);
	pvm_upkdouble(d2, 4, 1);
	pvm_upkcplx(z2, 2, 1);
	pvm_upkdcplx(w2, 2, 1);
	for (n = 0; n < 3; n++)
		printf("%d %d %d\n", c2[n], s2[n], i2[n]);
	for (n = 0; n < 2; n++)
		printf("%u %u\n", us2[n], ui2[n]);
	for (n = 0; n < 4; n++)
		printf("%ld %a %a %g %g\n", l2[n] & 0xfffffff, f2[n], d2[n], z2[n], w2[n]);
	for (n = 0; n < 4; n++)
		printf("long %s\n", l2[n] == l[n] ? "kept" : l2[n] == (int)l[n] ? "cut, with its sign" : "otherwise");
	for (n = 0; n < 3; n++)
		printf("unsigned long %s\n", ul2[n] == ul[n] ? "kept" : ul2[n] == (unsigned int)ul[n] ? "cut" : "otherwise");
	SHOW(pvm_upkstr(text));
	printf("'%s'\n", text);
	SHOW(pvm_upkstr(text));
	printf("'%s'\n", text);
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_upkbyte(c2, 1, 1));
	pvm_exit();
	return 0;
}
