/* Message handlers: called inside a receive, newest first, by sender, tag and context. */
#include "probe.h"

static int first_calls, second_calls, value;

static int first(int mid)
{
	first_calls++;
	pvm_setrbuf(mid);
	pvm_upkint(&value, 1, 1);
	return 0;
}

static int second(int mid)
{
	(void)mid;
	second_calls++;
	return 0;
}

int main(void)
{
	int a, b, i = 31, me = start();

	pvm_setopt(PvmAutoErr, 0);
	a = pvm_addmhf(-1, 50, -1, first);
	SHOW(a >= 0);
	SHOW(pvm_addmhf(-1, 50, -1, first));
	b = pvm_addmhf(me, 50, 0, second);
	SHOW(b != a);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&i, 1, 1);
	pvm_send(me, 50);
	pvm_send(me, 51);
	SHOW(tag_of(pvm_recv(-1, -1)));
	printf("first %d second %d\n", first_calls, second_calls);
	SHOW(pvm_delmhf(b));
	pvm_send(me, 50);
	pvm_send(me, 52);
	SHOW(tag_of(pvm_recv(-1, -1)));
	printf("first %d second %d value %d\n", first_calls, second_calls, value);
	SHOW(pvm_delmhf(a));
	SHOW(pvm_delmhf(a));
	SHOW(pvm_delmhf(-1));
	SHOW(pvm_delmhf(999));
	pvm_send(me, 50);
	SHOW(tag_of(pvm_recv(-1, 50)));
	pvm_exit();
	return 0;
}
