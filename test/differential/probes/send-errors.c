/* What pvm_send, pvm_psend and pvm_mcast say of receivers that are none. */
#include "probe.h"

int main(void)
{
	int me = start(), host = pvm_tidtohost(me);
	int list[3] = { me, 0, me };

	pvm_setopt(PvmAutoErr, 0);
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_send(0, 1));
	SHOW(pvm_send(-1, 1));
	SHOW(pvm_send((int)0x80000000, 1));
	SHOW(pvm_send(0x40000000 | me, 1));
	SHOW(pvm_send(me, -1));
	SHOW(pvm_send(host, 1));
	SHOW(pvm_send(host | 0x3fff0, 5));
	SHOW(pvm_send(0x3ffc0001, 5));
	SHOW(pvm_send(me, 0));
	SHOW(pvm_send(me, 0x7fffffff));
	SHOW(tag_of(pvm_recv(me, 0)));
	SHOW(tag_of(pvm_recv(me, 0x7fffffff)));
	SHOW(pvm_psend(0, 1, list, 1, PVM_INT));
	SHOW(pvm_psend(me, -1, list, 1, PVM_INT));
	SHOW(pvm_psend(me, 1, list, 1, 99));
	SHOW(pvm_psend(me, 1, "words", 6, PVM_STR));
	SHOW(pvm_mcast(list, 0, 1));
	SHOW(pvm_mcast(list, -1, 1));
	SHOW(pvm_mcast(list, 1, 1));
	SHOW(pvm_mcast(list, 3, 1));
	SHOW(pvm_nrecv(-1, -1));
	SHOW(pvm_mytid() == me);
	pvm_exit();
	return 0;
}
