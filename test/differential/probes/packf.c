/* pvm_packf and pvm_unpackf. */
#include "probe.h"

int main(void)
{
	int a = 1, b = -2, list[5] = { 9, 8, 7, 6, 5 }, n = 3, back[5] = { 0 }, me = start();
	short s = 3;
	long l = 4;         /* a negative one comes out of PVM 3.4.6 without its sign */
	float f = 1.5f;
	double d = 2.5;
	char c = 'x', text[32], c2;
	unsigned int u = 4000000000u;

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_packf("%+ %d %d %hd %ld", PvmDataDefault, a, b, s, l) > 0);
	SHOW(pvm_packf("%f %lf %c %s %ud", f, d, c, "words", u));
	SHOW(pvm_packf("%*d", n, list));
	SHOW(pvm_packf("%*.2d", 2, list));
	SHOW(pvm_packf("%q"));
	SHOW(length_of(pvm_getsbuf()));
	pvm_send(me, 1);
	pvm_recv(me, 1);
	a = b = s = l = u = 0;
	f = d = 0;
	SHOW(pvm_unpackf("%d %d %hd %ld", &a, &b, &s, &l));
	printf("%d %d %d %ld\n", a, b, s, l);
	SHOW(pvm_unpackf("%f %lf %c %s %ud", &f, &d, &c2, text, &u));
	printf("%g %g %c %s %u\n", f, d, c2, text, u);
	SHOW(pvm_unpackf("%*d", 3, back));
	printf("%d %d %d\n", back[0], back[1], back[2]);
	SHOW(pvm_unpackf("%d %d", &a, &b));
	printf("%d %d\n", a, b);
	SHOW(pvm_unpackf("%d", &a));
	pvm_exit();
	return 0;
}
