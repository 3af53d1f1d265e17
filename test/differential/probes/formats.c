/* pvm_packf and pvm_unpackf: every conversion, counts and strides in the string and as arguments. */
#include "probe.h"

static void exchange(void)
{
	pvm_send(pvm_mytid(), 1);
	patient_recv(-1, 1);
}

int main(void)
{
	char bytes[6] = { 1, 2, 3, 4, 5, 6 }, b[6] = { 0 }, text[32] = "";
	short shorts[6] = { 1, -2, 3, -4, 5, -6 }, s[6] = { 0 };
	int ints[6] = { 10, -20, 30, -40, 50, -60 }, i[6] = { 0 }, n;
	long longs[3] = { 100, -200, 300 }, l[3] = { 0 };
	float floats[4] = { 1.5, -2.5, 3.5, 4.5 }, f[4] = { 0 };
	double doubles[4] = { 1.25, -2.25, 3.25, 4.25 }, d[4] = { 0 };
	unsigned int u = 0;
	unsigned short us = 0;
	unsigned long ul = 0;

	start();
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_packf("%+ %c %hd %d %ld %f %lf %s", PvmDataDefault, 'x', (short)-3, 4, 5L, 1.5, 2.5, "a string"));
	exchange();
	SHOW(pvm_unpackf("%c %hd %d %ld %f %lf %s", b, s, i, l, f, d, text));
	printf("%d %d %d %ld %g %g %s\n", b[0], s[0], i[0], l[0], f[0], d[0], text);
	SHOW(pvm_packf("%+ %6c %6hd %6d %3ld %4f %4lf", PvmDataRaw, bytes, shorts, ints, longs, floats, doubles));
	exchange();
	SHOW(pvm_unpackf("%6c %6hd %6d %3ld %4f %4lf", b, s, i, l, f, d));
	for (n = 0; n < 3; n++)
		printf("%d %d %d %ld %g %g\n", b[n], s[n], i[n], l[n], f[n], d[n]);
	SHOW(pvm_packf("%+ %*d %2.3d %*.*hd", PvmDataDefault, 2, ints, ints, 3, 2, shorts));
	exchange();
	memset(i, 0, sizeof(i));
	memset(s, 0, sizeof(s));
	SHOW(pvm_unpackf("%4d %*.*hd", i, 3, 1, s));
	printf("%d %d %d %d / %d %d %d\n", i[0], i[1], i[2], i[3], s[0], s[1], s[2]);
	SHOW(pvm_packf("%+ %u %hu %lu", PvmDataDefault, 4000000000U, 65000, 7UL));
	exchange();
	SHOW(pvm_unpackf("%u %hu %lu", &u, &us, &ul));
	printf("%u %u %lu\n", u, us, ul);
	SHOW(pvm_packf("%+ %2x %2lx", PvmDataDefault, floats, doubles));
	exchange();
	SHOW(pvm_unpackf("%2x %2lx", f, d));
	printf("%g %g %g %g / %g %g %g %g\n", f[0], f[1], f[2], f[3], d[0], d[1], d[2], d[3]);
	SHOW(pvm_packf("%d", 3));
	SHOW(pvm_packf("%q", 3));
	SHOW(pvm_packf(""));
	SHOW(pvm_packf("no conversions"));
	SHOW(pvm_packf("%+", 99));
	SHOW(pvm_unpackf("%d", i));
	SHOW(pvm_unpackf("%*", i));
	SHOW(pvm_exit());
	return 0;
}
