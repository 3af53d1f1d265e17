/* Nothing at all: empty messages, counts of 0 and less, in every encoding. */
#include "probe.h"

static void each(int encoding)
{
	int value = 7, tid = pvm_mytid(), source = -1, tag = -1, bytes = -1;
	char text[8] = "text";

	printf("encoding %d\n", encoding);
	SHOW(pvm_initsend(encoding) > 0);
	SHOW(pvm_pkint(&value, 0, 1));
	SHOW(pvm_pkint(NULL, 0, 1));
	SHOW(pvm_pkint(&value, -1, 1));
	SHOW(pvm_pkbyte(text, 0, 1));
	SHOW(pvm_pkdouble(NULL, 0, 3));
	SHOW(length_of(pvm_getsbuf()));
	SHOW(pvm_send(tid, 3));
	SHOW(patient_recv(tid, 3) > 0);
	SHOW(length_of(pvm_getrbuf()));
	SHOW(pvm_upkint(&value, 0, 1));
	SHOW(pvm_upkint(&value, -2, 1));
	SHOW(pvm_upkint(&value, 1, 1));
	SHOW(value);
	SHOW(pvm_psend(tid, 4, &value, 0, PVM_INT));
	SHOW(pvm_precv(tid, 4, &value, 0, PVM_INT, &source, &tag, &bytes));
	printf("from me %d tag %d bytes %d\n", source == tid, tag, bytes);
	SHOW(pvm_psend(tid, 5, &value, 1, PVM_INT));
	SHOW(pvm_precv(tid, 5, &value, 0, PVM_INT, &source, &tag, &bytes));
	printf("from me %d tag %d bytes %d\n", source == tid, tag, bytes);
}

int main(void)
{
	start();
	pvm_setopt(PvmAutoErr, 0);
	each(PvmDataDefault);
	each(PvmDataRaw);
	each(PvmDataInPlace);
	SHOW(pvm_initsend(PvmDataDefault) > 0);
	SHOW(pvm_pkstr(""));
	SHOW(length_of(pvm_getsbuf()));
	SHOW(pvm_exit());
	return 0;
}
