/* Functions that other probes use in passing: what they make of wrong, missing and repeated arguments. */
#include "probe.h"

static int handler(int mid)
{
	return mid > 0;
}

static void of_messages(void)
{
	int inner, outer, value = 7;

	inner = pvm_mkbuf(PvmDataDefault);
	outer = pvm_mkbuf(PvmDataDefault);
	pvm_setsbuf(inner);
	pvm_pkint(&value, 1, 1);
	pvm_setsbuf(outer);
	SHOW(pvm_pkmesgbody(inner));
	SHOW(pvm_pkmesgbody(-1));
	SHOW(pvm_pkmesgbody(0));
	SHOW(pvm_pkmesgbody(99999));
	SHOW(pvm_pkmesgbody(outer));
	SHOW(length_of(outer));
	SHOW(pvm_pkmesg(99999));
	SHOW(pvm_upkmesg());
	SHOW(pvm_freebuf(inner));
	SHOW(pvm_freebuf(inner));
	SHOW(pvm_freebuf(outer));
	SHOW(pvm_setsbuf(0));
}

static void of_handlers(void)
{
	int id;

	SHOW(pvm_delmhf(-1));
	SHOW(pvm_delmhf(12345));
	id = pvm_addmhf(-1, 71, -1, handler);
	SIGN(id);
	SHOW(pvm_addmhf(-1, 71, -1, handler));
	SHOW(pvm_delmhf(id));
	SHOW(pvm_delmhf(id));
	SIGN(pvm_addmhf(-1, 71, -1, handler));
}

static void of_hosts(void)
{
	struct timeval clock = { 0, 0 }, difference;
	int results[2] = { 5, 5 };

	SHOW(pvm_hostsync(pvm_tidtohost(pvm_mytid()), &clock, &difference));
	SHOW(clock.tv_sec > 1000000);
	SHOW(pvm_hostsync(0, &clock, &difference));
	SHOW(pvm_hostsync(pvm_mytid(), &clock, &difference));
	SHOW(pvm_hostsync(-5, &clock, &difference));
	SHOW(pvm_tidtohost(0));
	SHOW(pvm_tidtohost(-3));
	SHOW(pvm_mstat(""));
	SHOW(pvm_addhosts(NULL, 0, results));
	SHOW(pvm_delhosts(NULL, 0, results));
	SHOW(pvm_archcode("NOWHERE"));
	SHOW(pvm_archcode(""));
}

static void of_settings(void)
{
	int count = -1, *tids = NULL;

	setenv("PVM_EXPORT", "", 1);
	SHOW(pvm_export("ONE"));
	SHOW(pvm_export("TWO"));
	SHOW(pvm_export("ONE"));
	printf("%s\n", getenv("PVM_EXPORT"));
	SHOW(pvm_unexport("THREE"));
	SHOW(pvm_unexport("ONE"));
	printf("%s\n", getenv("PVM_EXPORT"));
	SHOW(pvm_unexport("TWO"));
	SHOW(pvm_unexport("TWO"));
	printf("%s\n", getenv("PVM_EXPORT"));
	printf("%s\n", pvm_version());
	SHOW(pvm_catchout(NULL));
	SHOW(pvm_catchout(NULL));
	SHOW(pvm_getnoresets(&tids, &count));
	SHOW(count);
	SHOW(pvm_setopt(PvmNoReset, 1));
	SHOW(pvm_getnoresets(&tids, &count));
	SHOW(count == 1 && tids[0] == pvm_mytid());
	SHOW(pvm_setopt(PvmNoReset, 0));
	SHOW(pvm_getopt(PvmNoReset));
}

static void of_values(void)
{
	unsigned short few[3] = { 1, 65535, 3 }, back[3] = { 0 };
	unsigned long many[2] = { 1, 4000000000UL }, again[2] = { 0 };
	short small[2] = { -1, 32767 }, less[2] = { 0 };

	pvm_initsend(PvmDataDefault);
	SHOW(pvm_pkushort(few, 3, 1));
	SHOW(pvm_pkulong(many, 2, 1));
	SHOW(pvm_pkshort(small, 2, 1));
	SHOW(pvm_pkushort(few, -1, 1));
	SHOW(pvm_pkushort(few, 1, 0));
	pvm_send(pvm_mytid(), 9);
	patient_recv(-1, 9);
	SHOW(pvm_upkushort(back, 3, 1));
	SHOW(pvm_upkulong(again, 2, 1));
	SHOW(pvm_upkshort(less, 2, 1));
	SHOW(pvm_upkshort(less, 1, 1));
	printf("%u %u %lu %lu %d %d\n", back[1], back[2], again[0], again[1], less[0], less[1]);
}

int main(void)
{
	start();
	pvm_setopt(PvmAutoErr, 0);
	of_messages();
	of_handlers();
	of_hosts();
	of_settings();
	of_values();
	SHOW(pvm_exit());
	return 0;
}
