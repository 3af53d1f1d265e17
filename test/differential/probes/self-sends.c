/* Messages to oneself: every encoding, with others around, resent, probed. */
#include "probe.h"

int main(void)
{
	int me = start(), i, value, mid, got = 0, bytes, tag, source;
	double numbers[1000], back[1000];

	for (i = 0; i < 1000; i++)
		numbers[i] = i / 8.0;
	for (i = 0; i < 3; i++) {
		pvm_initsend(i);
		SHOW(pvm_pkdouble(numbers, 1000, 1));
		SHOW(pvm_send(me, 10 + i));
	}
	numbers[5] = -1;
	for (i = 2; i >= 0; i--) {
		memset(back, 0, sizeof(back));
		SHOW(patient_recv(me, 10 + i) > 0);
		SHOW(length_of(pvm_getrbuf()));
		SHOW(pvm_upkdouble(back, 1000, 1));
		printf("%g %g %g\n", back[5], back[6], back[999]);
	}
	SHOW(pvm_mcast(&me, 1, 5));
	SHOW(pvm_nrecv(-1, 5));
	pvm_initsend(PvmDataDefault);
	for (i = 0; i < 3; i++) {
		pvm_pkint(&i, 1, 1);
		SHOW(pvm_send(me, 20));
	}
	while (!(mid = pvm_probe(me, 20)))
		;
	SHOW(mid > 0);
	SHOW(pvm_probe(-1, -1) == mid);
	SHOW(pvm_bufinfo(mid, &bytes, &tag, &source));
	printf("%d %d %d\n", bytes, tag, source == me);
	for (i = 0; i < 3; i++) {
		SHOW(patient_recv(-1, 20) > 0);
		SHOW(length_of(pvm_getrbuf()));
	}
	while (!pvm_upkint(&value, 1, 1))
		got = got * 10 + value;
	SHOW(got);
	SHOW(pvm_exit());
	return 0;
}
