/* Contexts keep messages apart; ids are given and taken back. */
#include "probe.h"

int main(void)
{
	int c1, c2, old, me = start();

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_getcontext());
	c1 = pvm_newcontext();
	c2 = pvm_newcontext();
	SHOW(c1 != c2);
	SHOW(c1 > 0 && c2 > 0);
	old = pvm_setcontext(c1);
	SHOW(old);
	SHOW(pvm_getcontext() == c1);
	signal_to(me, 9);
	pvm_setcontext(old);
	SHOW(pvm_nrecv(-1, 9));
	SHOW(pvm_probe(-1, -1));
	SHOW(pvm_setcontext(c2));
	SHOW(pvm_nrecv(-1, 9));
	SHOW(pvm_setcontext(c1) == c2);
	SHOW(pvm_recv(-1, 9) > 0);
	pvm_setcontext(0);
	SHOW(pvm_freecontext(c1));
	SHOW(pvm_freecontext(c1));
	SHOW(pvm_freecontext(c2));
	SHOW(pvm_freecontext(-1));
	SHOW(pvm_setcontext(-1));
	pvm_exit();
	return 0;
}
