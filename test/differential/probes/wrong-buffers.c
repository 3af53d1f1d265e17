/* Buffers used for what they are not: the receive buffer sent on, freed ones, packing after receiving. */
#include "probe.h"

int main(void)
{
	int me = start(), mid, other, value = 5, got = -1;

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(pvm_pkint(&value, 1, 1));
	SHOW(pvm_send(me, 1));
	SHOW(pvm_bufinfo(0, NULL, NULL, NULL));
	SHOW(pvm_bufinfo(-3, NULL, NULL, NULL));
	mid = pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	SHOW(pvm_send(me, 1));
	SHOW(pvm_upkint(&got, 1, 1));
	other = patient_recv(me, 1);
	SHOW(other != mid);
	SHOW(pvm_getrbuf() == other);
	SHOW(pvm_getsbuf() == mid);
	/* Sent on as it came. */
	SHOW(pvm_setsbuf(other) == mid);
	SHOW(pvm_getrbuf());
	SHOW(pvm_send(me, 2));
	SHOW(patient_recv(me, 2) > 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(got);
	/* Packed into, once received: it begins afresh. */
	value = 6;
	SHOW(pvm_pkint(&value, 1, 1));
	SHOW(length_of(other));
	SHOW(pvm_send(me, 3));
	SHOW(patient_recv(me, 3) > 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(got);
	SHOW(pvm_upkint(&got, 1, 1));
	/* Freed while active. */
	SHOW(pvm_freebuf(pvm_getrbuf()));
	SHOW(pvm_getrbuf());
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(pvm_freebuf(pvm_getsbuf()));
	SHOW(pvm_getsbuf());
	SHOW(pvm_send(me, 4));
	SHOW(pvm_freebuf(12345));
	SHOW(pvm_setrbuf(12345));
	SHOW(pvm_setrbuf(-1));
	SHOW(pvm_setsbuf(-1));
	SHOW(pvm_mkbuf(77));
	SHOW(pvm_initsend(-1));
	SHOW(pvm_exit());
	return 0;
}
