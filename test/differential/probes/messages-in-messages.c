/* pvm_pkmesg, pvm_pkmesgbody and pvm_upkmesg. */
#include "probe.h"

int main(void)
{
	int a, b, i = 5, m, me = start();

	a = pvm_mkbuf(PvmDataDefault);
	pvm_setsbuf(a);
	pvm_pkint(&i, 1, 1);
	pvm_pkstr("inside");
	b = pvm_mkbuf(PvmDataDefault);
	pvm_setsbuf(b);
	i = 6;
	pvm_pkint(&i, 1, 1);
	SHOW(pvm_pkmesg(a));
	i = 7;
	pvm_pkint(&i, 1, 1);
	SHOW(pvm_send(me, 3));
	pvm_recv(me, 3);
	pvm_upkint(&i, 1, 1);
	SHOW(i);
	m = pvm_upkmesg();
	SIGN(m);
	pvm_upkint(&i, 1, 1);
	SHOW(i);
	a = pvm_setrbuf(m);
	if (m > 0) {
		char text[16] = "";

		pvm_upkint(&i, 1, 1);
		pvm_upkstr(text);
		printf("%d %s\n", i, text);
	}
	(void)a;
	pvm_exit();
	return 0;
}
