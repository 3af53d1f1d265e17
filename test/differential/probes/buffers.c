/* Buffer handles: make, set, get, free, and what is refused. */
#include "probe.h"

int main(void)
{
	int a, b, length, tag, tid, me = start();

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_getsbuf());
	SHOW(pvm_getrbuf());
	a = pvm_mkbuf(PvmDataDefault);
	b = pvm_mkbuf(PvmDataRaw);
	SIGN(a);
	SHOW(a != b);
	SHOW(pvm_setsbuf(a));
	SHOW(pvm_getsbuf() == a);
	SHOW(pvm_setsbuf(b) == a);
	SHOW(pvm_setsbuf(777));
	SHOW(pvm_setsbuf(-3));
	SHOW(pvm_getsbuf() == b);
	SHOW(pvm_freebuf(a));
	SHOW(pvm_freebuf(a));
	SHOW(pvm_freebuf(b));
	SHOW(pvm_getsbuf());
	SHOW(pvm_freebuf(0));
	SHOW(pvm_freebuf(-1));
	SHOW(pvm_freebuf(9999));
	SHOW(pvm_bufinfo(9999, &length, &tag, &tid));
	SHOW(pvm_bufinfo(0, &length, &tag, &tid));
	SHOW(pvm_bufinfo(-2, &length, &tag, &tid));
	SHOW(pvm_mkbuf(99));
	a = pvm_initsend(PvmDataDefault);
	SHOW(pvm_getsbuf() == a);
	SHOW(pvm_initsend(PvmDataDefault) > 0);
	SHOW(pvm_send(me, 3));
	b = pvm_recv(-1, -1);
	SHOW(pvm_getrbuf() == b);
	SHOW(tag_of(b));
	SHOW(source_of(b) == me);
	SHOW(pvm_setrbuf(0) == b);
	SHOW(pvm_getrbuf());
	SHOW(pvm_setrbuf(b));
	SHOW(pvm_setrbuf(4711));
	SHOW(pvm_freebuf(b));
	SHOW(pvm_getrbuf());
	pvm_exit();
	return 0;
}
