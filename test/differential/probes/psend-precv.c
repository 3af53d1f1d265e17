/* pvm_psend and pvm_precv: counts, cutting, all types, together with pvm_recv. */
#include "probe.h"

int main(void)
{
	int v[4] = { 1, 2, 3, 4 }, back[4] = { 0 }, tid, tag, length, me = start();
	double d[2] = { 1.5, 2.5 }, d2[2] = { 0 };
	char text[8] = "abcdefg", text2[8] = "";

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_psend(me, 1, v, 4, PVM_INT));
	SHOW(pvm_precv(me, 1, back, 4, PVM_INT, &tid, &tag, &length));
	printf("%d %d, tag %d length %d, %s\n", back[0], back[3], tag, length, tid == me ? "me" : "other");
	SHOW(pvm_psend(me, 2, d, 2, PVM_DOUBLE));
	SHOW(pvm_precv(-1, -1, d2, 1, PVM_DOUBLE, &tid, &tag, &length));
	printf("%g %g, tag %d length %d\n", d2[0], d2[1], tag, length);
	SHOW(pvm_psend(me, 3, text, 8, PVM_BYTE));
	SHOW(pvm_recv(me, 3) > 0);
	SHOW(length_of(pvm_getrbuf()));
	SHOW(pvm_upkbyte(text2, 8, 1));
	printf("%s\n", text2);
	pvm_initsend(PvmDataRaw);
	pvm_pkint(v, 2, 1);
	pvm_send(me, 4);
	SHOW(pvm_precv(me, 4, back, 4, PVM_INT, NULL, NULL, &length));
	SHOW(length);
	SHOW(pvm_psend(me, 5, v, 0, PVM_INT));
	SHOW(pvm_precv(me, 5, back, 4, PVM_INT, NULL, NULL, &length));
	SHOW(length);
	SHOW(pvm_precv(me, 5, back, 1, 99, NULL, NULL, NULL));
	SHOW(pvm_getsbuf() > 0);
	pvm_exit();
	return 0;
}
