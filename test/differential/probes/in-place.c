/* Data packed in place is read when it is sent, each time. */
#include "probe.h"

int main(void)
{
	int v[3] = { 1, 2, 3 }, back[3], me = start();

	pvm_initsend(PvmDataInPlace);
	pvm_pkint(v, 3, 1);
	v[1] = 20;
	SHOW(pvm_send(me, 1));
	v[1] = 21;
	SHOW(pvm_send(me, 2));
	v[1] = 22;
	pvm_recv(me, 1);
	SHOW(length_of(pvm_getrbuf()));
	pvm_upkint(back, 3, 1);
	SHOW(back[1]);
	pvm_recv(me, 2);
	pvm_upkint(back, 3, 1);
	SHOW(back[1]);
	pvm_exit();
	return 0;
}
