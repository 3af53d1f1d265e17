/* Trace masks: read, set, given to children; and the options that go with them. */
#include "probe.h"
#include <pvmtev.h>

int pvm_settmask(int which, char *mask);
int pvm_gettmask(int which, char *mask);

static int child(void)
{
	char mask[64] = "";

	pvm_gettmask(PvmTaskSelf, mask);
	pvm_initsend(PvmDataDefault);
	pvm_pkstr(mask);
	pvm_pkstr(getenv("PVMTMASK"));
	pvm_pkstr(getenv("PVMTRCBUF"));
	pvm_pkstr(getenv("PVMTRCOPT"));
	pvm_send(pvm_parent(), 1);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	char mask[64] = "", text[64];
	int i;

	start();
	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "child"))
		return child();
	SHOW(pvm_gettmask(PvmTaskSelf, mask));
	printf("%s\n", mask);
	SHOW(pvm_gettmask(PvmTaskChild, mask));
	printf("%s\n", mask);
	mask[3] = 'D';
	SHOW(pvm_settmask(PvmTaskChild, mask));
	SHOW(pvm_gettmask(PvmTaskChild, mask));
	printf("%s\n", mask);
	SHOW(pvm_gettmask(PvmTaskSelf, mask));
	printf("%s\n", mask);
	SHOW(pvm_settmask(7, mask));
	SHOW(pvm_gettmask(-1, mask));
	SHOW(pvm_setopt(PvmTraceBuffer, 2048));
	SHOW(pvm_setopt(PvmTraceOptions, PvmTraceTime));
	child_of(argv, "child");
	patient_recv(-1, 1);
	for (i = 0; i < 4; i++) {
		pvm_upkstr(text);
		printf("%s\n", text);
	}
	SHOW(pvm_setopt(PvmTraceBuffer, -1));
	SHOW(pvm_setopt(PvmTraceOptions, 0));
	SHOW(pvm_setopt(PvmTraceOptions, 9));
	SHOW(pvm_exit());
	return 0;
}
