/* Unpacking past the end, in parts, with the wrong type, and without a buffer. */
#include "probe.h"

int main(void)
{
	int v[4] = { 1, 2, 3, 4 }, back[8] = { 0 }, i, me = start();
	double d = 2.5;
	float f = 0;
	char text[64];

	pvm_setopt(PvmAutoErr, 0);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(v, 4, 1);
	pvm_pkdouble(&d, 1, 1);
	pvm_send(me, 1);
	pvm_recv(me, 1);
	SHOW(pvm_upkint(back, 1, 1));
	SHOW(pvm_upkint(back + 1, 2, 1));
	SHOW(pvm_upkint(back + 3, 9, 1));
	for (i = 0; i < 5; i++)
		SHOW(back[i]);
	SHOW(pvm_upkint(back, 1, 1));
	pvm_send(me, 1);
	pvm_recv(me, 1);
	SHOW(pvm_upkint(back, 4, 1));
	SHOW(pvm_upkfloat(&f, 1, 1));
	SHOW(pvm_upkint(back, 1, 1));
	SHOW(pvm_upkint(back, 1, 1));
	SHOW(pvm_upkstr(text));
	pvm_send(me, 1);
	pvm_recv(me, 1);
	SHOW(pvm_upkint(back, 2, 2));
	SHOW(back[0]);
	SHOW(back[2]);
	SHOW(pvm_upkint(back, 0, 1));
	SHOW(pvm_upkint(back, -1, 1));
	pvm_freebuf(pvm_setrbuf(0));
	SHOW(pvm_upkint(back, 1, 1));
	SHOW(pvm_upkstr(text));
	pvm_freebuf(pvm_setsbuf(0));
	SHOW(pvm_pkint(v, 1, 1));
	SHOW(pvm_pkstr("x"));
	SHOW(pvm_send(me, 1));
	SHOW(pvm_mcast(&me, 1, 1));
	pvm_exit();
	return 0;
}
