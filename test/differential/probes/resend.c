/* A send buffer outlives its sending and may grow; a received one may be sent on. */
#include "probe.h"

int main(void)
{
	int i = 5, a, b, m, me = start();

	pvm_initsend(PvmDataDefault);
	pvm_pkint(&i, 1, 1);
	SHOW(pvm_send(me, 1));
	SHOW(pvm_send(me, 2));
	i = 6;
	SHOW(pvm_pkint(&i, 1, 1));
	SHOW(pvm_send(me, 3));
	a = pvm_recv(-1, 3);
	SHOW(length_of(a));
	pvm_upkint(&i, 1, 1);
	SHOW(i);
	pvm_upkint(&i, 1, 1);
	SHOW(i);
	b = pvm_recv(-1, 1);
	SHOW(length_of(b));
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_bufinfo(a, &m, NULL, NULL) < 0 || a == b);
	m = pvm_setrbuf(0);
	SHOW(pvm_recv(-1, 2) > 0);
	SHOW(length_of(m));
	SHOW(pvm_setsbuf(m) > 0);
	SHOW(pvm_send(me, 9));
	pvm_recv(me, 9);
	SHOW(pvm_upkint(&i, 1, 1));
	SHOW(i);
	SHOW(tag_of(pvm_getrbuf()));
	pvm_exit();
	return 0;
}
