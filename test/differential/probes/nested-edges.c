/* Messages in messages: twice over, across encodings, past the end, and what is no message. */
#include "probe.h"

int main(void)
{
	int inner, middle, outer, value = 11, got = 0, again, tid = start();
	char text[32];

	pvm_setopt(PvmAutoErr, 0);
	inner = pvm_mkbuf(PvmDataRaw);
	SHOW(pvm_setsbuf(inner));
	SHOW(pvm_pkint(&value, 1, 1));
	SHOW(pvm_pkstr("innermost"));
	middle = pvm_mkbuf(PvmDataDefault);
	SHOW(pvm_setsbuf(middle) == inner);
	SHOW(pvm_pkmesg(inner));
	value = 22;
	SHOW(pvm_pkint(&value, 1, 1));
	outer = pvm_mkbuf(PvmDataDefault);
	pvm_setsbuf(outer);
	value = 33;
	SHOW(pvm_pkint(&value, 1, 1));
	SHOW(pvm_pkmesg(middle));
	SHOW(pvm_pkmesg(9999));
	SHOW(pvm_pkmesg(-1));
	SHOW(pvm_pkmesg(0));
	SHOW(pvm_pkmesgbody(9999));
	SHOW(length_of(outer));
	SHOW(pvm_send(tid, 5));
	SHOW(patient_recv(tid, 5) > 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(got);
	middle = pvm_upkmesg();
	SHOW(middle > 0);
	SHOW(pvm_upkmesg());
	pvm_setrbuf(middle);
	inner = pvm_upkmesg();
	SHOW(inner > 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(got);
	again = pvm_setrbuf(inner);
	SHOW(again == middle);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(got);
	SHOW(pvm_upkstr(text));
	printf("%s\n", text);
	SHOW(pvm_freebuf(middle));
	SHOW(pvm_setrbuf(0) == inner);
	SHOW(pvm_upkmesg());
	/* Bodies alone carry no header. */
	pvm_initsend(PvmDataDefault);
	value = 44;
	pvm_pkint(&value, 1, 1);
	inner = pvm_setsbuf(pvm_mkbuf(PvmDataDefault));
	SHOW(pvm_pkmesgbody(inner));
	SHOW(pvm_pkmesgbody(inner));
	SHOW(length_of(pvm_getsbuf()));
	SHOW(pvm_send(tid, 6));
	SHOW(patient_recv(tid, 6) > 0);
	SHOW(pvm_upkint(&got, 1, 1));
	SHOW(pvm_upkint(&value, 1, 1));
	printf("%d %d\n", got, value);
	SHOW(pvm_exit());
	return 0;
}
