/* pvm_trecv, pvm_nrecv and pvm_probe, with and without a message. */
#include "probe.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
	struct timeval short_time = { 0, 200000 }, none = { 0, 0 }, bad = { 0, 2000000 }, negative = { -1, 0 };
	int me = start();
	double from;

	pvm_setopt(PvmAutoErr, 0);
	from = now();
	SHOW(pvm_trecv(-1, 5, &short_time));
	SHOW(now() - from >= 0.199);
	SHOW(pvm_trecv(-1, 5, &none));
	SHOW(pvm_trecv(-1, 5, &negative));
	(void)bad;
	SHOW(pvm_nrecv(-1, 5));
	SHOW(pvm_probe(-1, 5));
	signal_to(me, 5);
	signal_to(me, 6);
	signal_to(me, 9);
	pvm_recv(me, 9);        /* now the others are here too */
	SHOW(pvm_probe(-1, 6) > 0);
	SHOW(tag_of(pvm_probe(-1, 5)));
	SHOW(tag_of(pvm_probe(me, -1)));
	SHOW(pvm_probe(me, 7));
	SHOW(tag_of(pvm_trecv(-1, 6, &short_time)));
	SHOW(tag_of(pvm_nrecv(-1, -1)));
	SHOW(pvm_nrecv(-1, -1));
	SHOW(pvm_trecv(-1, -1, &none));
	signal_to(me, 8);
	SHOW(tag_of(pvm_trecv(-1, -1, NULL)));
	pvm_exit();
	return 0;
}
