/* Which of the mailbox and control functions print by themselves when they fail. */
#include "probe.h"

int main(void)
{
	int codes[1], n;

	start();
	dup2(1, 2);
	pvm_initsend(PvmDataDefault);
	SHOW(pvm_putinfo("", pvm_getsbuf(), 0));
	SHOW(pvm_recvinfo("none", 0, 0));
	SHOW(pvm_recvinfo("", 0, 0));
	SHOW(pvm_delinfo("none", 0, 0));
	SHOW(pvm_insert("texts", 0, 1));
	SHOW(pvm_insert("texts", 0, 1));
	SHOW(pvm_lookup("none", 0, &n));
	SHOW(pvm_delete("none", 0));
	SHOW(pvm_delete("texts", 0));
	SHOW(pvm_pstat(0));
	SHOW(pvm_pstat(0x3ffc0001));
	SHOW(pvm_mstat("none"));
	SHOW(pvm_sendsig(-1, 1));
	SHOW(pvm_parent());
	SHOW(pvm_notify(99, 1, 1, &n));
	SHOW(pvm_spawn("none", NULL, 0, "", 1, codes));
	SHOW(pvm_spawn("none", NULL, PvmTaskHost, "none", 1, codes));
	SHOW(pvm_tasks(0x3ffc0000, &n, NULL));
	SHOW(pvm_archcode("none"));
	SHOW(pvm_freecontext(12345678));
	SHOW(pvm_setrbuf(999));
	SHOW(pvm_bufinfo(999, NULL, NULL, NULL));
	pvm_exit();
	return 0;
}
