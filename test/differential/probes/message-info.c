/* pvm_getminfo of messages packed in each way, and pvm_setminfo. */
#include "probe.h"

static void show(int mid, int me)
{
	struct pvmminfo info;

	SHOW(pvm_getminfo(mid, &info));
	printf("len %d ctx %d tag %d wid %d enc 0x%x src %s dst %s\n", info.len, info.ctx, info.tag, info.wid,
	       info.enc, info.src == me ? "me" : info.src ? "other" : "0", info.dst == me ? "me" : info.dst ? "other" : "0");
}

int main(void)
{
	static const int encodings[] = { PvmDataDefault, PvmDataRaw, PvmDataInPlace };
	struct pvmminfo info;
	int i, value = 7, me = start();

	for (i = 0; i < 3; i++) {
		pvm_initsend(encodings[i]);
		pvm_pkint(&value, 1, 1);
		if (encodings[i] != PvmDataInPlace)
			show(pvm_getsbuf(), me);
		pvm_send(me, 10 + i);
		show(pvm_recv(me, 10 + i), me);
	}
	pvm_initsend(PvmDataDefault);
	memset(&info, 0, sizeof info);
	pvm_getminfo(pvm_getsbuf(), &info);
	info.tag = 77;
	info.src = 0x40055;
	SHOW(pvm_setminfo(pvm_getsbuf(), &info));
	pvm_getminfo(pvm_getsbuf(), &info);
	SHOW(info.tag);
	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_getminfo(9999, &info));
	SHOW(pvm_setminfo(9999, &info));
	pvm_exit();
	return 0;
}
