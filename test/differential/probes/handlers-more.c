/* Message handlers: which calls run them, what they may do, wildcards, contexts, codes. */
#include "probe.h"

static int calls, last;

static int count_it(int mid)
{
	int value = -1;

	calls++;
	last = pvm_upkint(&value, 1, 1) ? -1 : value;
	printf("  handler: tag %d value %d receive buffer is it %d\n", tag_of(mid), last, pvm_getrbuf() == mid);
	return 0;
}

static int answer(int mid)
{
	int value = 77;

	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	printf("  answering\n");
	pvm_send(source_of(mid), 51);
	return 0;
}

/* When this returns, handlers have had their messages. */
static void settle(void)
{
	int context = pvm_setcontext(0);

	signal_to(pvm_mytid(), 99);
	patient_recv(-1, 99);
	pvm_setcontext(context);
}

static void to_me(int tag, int value)
{
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	pvm_send(pvm_mytid(), tag);
}

int main(void)
{
	int me = start(), first, second, context, old, value = 0;

	pvm_setopt(PvmAutoErr, 0);
	first = pvm_addmhf(-1, 40, 0, count_it);
	SHOW(first);
	SHOW(pvm_addmhf(-1, 40, 0, count_it));
	SHOW(pvm_addmhf(me, 40, 0, count_it));
	second = pvm_addmhf(me, 50, 0, answer);
	SHOW(second);
	to_me(40, 1);
	settle();
	SHOW(calls);
	to_me(41, 2);
	SHOW(pvm_nrecv(-1, 40));
	SHOW(calls);
	SHOW(patient_recv(-1, 41) > 0);
	pvm_upkint(&value, 1, 1);
	SHOW(value);
	to_me(50, 3);
	SHOW(patient_recv(-1, 51) > 0);
	pvm_upkint(&value, 1, 1);
	SHOW(value);
	/* Another context. */
	context = pvm_newcontext();
	old = pvm_setcontext(context);
	to_me(40, 4);
	SHOW(calls);
	SHOW(patient_recv(-1, 40) > 0);
	SHOW(pvm_setcontext(old) == context);
	SHOW(pvm_addmhf(-1, 40, context, count_it));
	pvm_setcontext(context);
	to_me(40, 5);
	pvm_setcontext(old);
	settle();
	SHOW(pvm_nrecv(-1, 60));
	SHOW(calls);
	SHOW(pvm_delmhf(first));
	SHOW(pvm_delmhf(first));
	SHOW(pvm_delmhf(-1));
	SHOW(pvm_delmhf(1000));
	to_me(40, 6);
	SHOW(patient_recv(-1, 40) > 0);
	SHOW(calls);
	SHOW(pvm_addmhf(-1, 40, 0, count_it) == first);
	SHOW(pvm_freecontext(context));
	SHOW(pvm_exit());
	return 0;
}
