/* pvm_recvf: the program's own matching. */
#include "probe.h"

static int calls;

static int largest_even(int mid, int tid, int code)
{
	int tag = tag_of(mid);

	(void)tid;
	(void)code;
	calls++;
	return tag % 2 ? 0 : tag;
}

static int refuses(int mid, int tid, int code)
{
	(void)mid;
	(void)tid;
	return code == 999 ? PvmBadMsg : 0;
}

int main(void)
{
	int (*old)(int, int, int);
	int i, me = start();

	pvm_setopt(PvmAutoErr, 0);
	for (i = 2; i <= 7; i++)
		signal_to(me, i);
	signal_to(me, 9);
	pvm_recv(me, 9);        /* now all are here */
	old = pvm_recvf(largest_even);
	SHOW(tag_of(pvm_recv(-1, -1)));
	SHOW(tag_of(pvm_nrecv(-1, -1)));
	SHOW(tag_of(pvm_probe(-1, -1)));
	SHOW(calls > 0);
	SHOW(pvm_recvf(refuses) == largest_even);
	SHOW(pvm_nrecv(-1, 999));
	SHOW(pvm_nrecv(-1, 1));
	SHOW(pvm_recvf(NULL) == refuses);
	SHOW(tag_of(pvm_nrecv(-1, -1)));
	SHOW(tag_of(pvm_nrecv(-1, 7)));
	SHOW(pvm_recvf(old) != NULL);
	pvm_exit();
	return 0;
}
