/*
 * ring TASKS MESSAGES SEED [MOST [BURST]]
 *
 * Every task sends MESSAGES / TASKS numbered messages to its successor and checks what comes from
 * its predecessor: the number (it is the tag, so that a message of 0 bytes has one too), the
 * sender, the size and every byte. Task 0 is the program itself; it collects the reports, prints
 * one line and exits with 0 only if all is well. BURST messages are sent before as many are
 * received, so that there is always something under way when a task moves.
 */
#include "common.h"

#define FIRST_TAG 1000
#define TAG_SETUP 1
#define TAG_REPORT 2
#define TAG_END 3

struct ring {
	int tasks, me;
	int tids[256];
	int each, burst;
	int most;
	unsigned int seed;
	unsigned char *out, *in;
	double bytes;
};

static void send_one(struct ring *r, int number)
{
	uint64_t k = key(r->seed, (uint64_t)r->me, (uint64_t)number);
	size_t size = mixed_size(k, (size_t)r->most);
	int to = r->tids[(r->me + 1) % r->tasks];
	int code;

	fill(r->out, size, k);
	switch (k >> 60) {
	case 0: case 1:
		code = pvm_psend(to, FIRST_TAG + number, r->out, (int)size, PVM_BYTE);
		break;
	case 2: case 3: case 4:
		pvm_initsend(PvmDataInPlace);
		pvm_pkbyte((char *)r->out, (int)size, 1);
		code = pvm_send(to, FIRST_TAG + number);
		break;
	case 5: case 6: case 7: case 8:
		pvm_initsend(PvmDataDefault);
		pvm_pkbyte((char *)r->out, (int)size, 1);
		code = pvm_send(to, FIRST_TAG + number);
		break;
	default:
		pvm_initsend(PvmDataRaw);
		pvm_pkbyte((char *)r->out, (int)size, 1);
		code = pvm_send(to, FIRST_TAG + number);
	}
	if (code < 0)
		die("send of number %d (%zu bytes) to t%x: %d", number, size, to, code);
	r->bytes += (double)size;
}

static void receive_one(struct ring *r, int number)
{
	int before = (r->me + r->tasks - 1) % r->tasks;
	uint64_t k = key(r->seed, (uint64_t)before, (uint64_t)number);
	size_t size = mixed_size(k, (size_t)r->most);
	int length, tag, source, code;
	long at;

	/* By number at times, so that matching is used as well as order. */
	code = pvm_recv(r->tids[before], number % 5 == 4 ? FIRST_TAG + number : -1);
	if (code < 0)
		die("receive of number %d: %d", number, code);
	pvm_bufinfo(code, &length, &tag, &source);
	if (tag != FIRST_TAG + number)
		die("number %d expected from t%x, got %d", number, source, tag - FIRST_TAG);
	if (source != r->tids[before])
		die("number %d came from t%x instead of t%x", number, source, r->tids[before]);
	if ((size_t)length < size || (size_t)length > size + 3)
		die("number %d has %d bytes instead of %zu", number, length, size);
	memset(r->in, 0xa5, size < 64 ? size : 64);
	code = pvm_upkbyte((char *)r->in, (int)size, 1);
	if (code < 0 && size > 0)
		die("unpacking number %d (%zu bytes): %d", number, size, code);
	at = differs(r->in, size, k);
	if (at >= 0)
		die("number %d of %zu bytes is spoilt at offset %ld", number, size, at);
}

static void work(struct ring *r)
{
	int number = 0;

	r->out = malloc((size_t)r->most + 8);
	r->in = malloc((size_t)r->most + 8);
	while (number < r->each) {
		int until = number + r->burst < r->each ? number + r->burst : r->each;
		int i;

		for (i = number; i < until; i++)
			send_one(r, i);
		for (i = number; i < until; i++)
			receive_one(r, i);
		number = until;
	}
}

static void announce(struct ring *r)
{
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&r->tasks, 1, 1);
	pvm_pkint(&r->each, 1, 1);
	pvm_pkint(&r->burst, 1, 1);
	pvm_pkint(&r->most, 1, 1);
	pvm_pkuint(&r->seed, 1, 1);
	pvm_pkint(r->tids, r->tasks, 1);
	pvm_mcast(r->tids + 1, r->tasks - 1, TAG_SETUP);
}

static void member(struct ring *r)
{
	int i;

	first_message(TAG_SETUP);
	pvm_upkint(&r->tasks, 1, 1);
	pvm_upkint(&r->each, 1, 1);
	pvm_upkint(&r->burst, 1, 1);
	pvm_upkint(&r->most, 1, 1);
	pvm_upkuint(&r->seed, 1, 1);
	pvm_upkint(r->tids, r->tasks, 1);
	for (i = 0; i < r->tasks; i++)
		if (r->tids[i] == pvm_mytid())
			r->me = i;
	work(r);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&r->me, 1, 1);
	pvm_pkdouble(&r->bytes, 1, 1);
	pvm_send(pvm_parent(), TAG_REPORT);
	pvm_recv(pvm_parent(), TAG_END);
	if (pvm_nrecv(-1, -1) != 0)
		die("a message more than was sent");
	verdict("ring member ok seed=%u", r->seed);
}

int main(int argc, char **argv)
{
	static struct ring r;
	static char *role[] = { "member", NULL };
	char what[64];
	int i, started;
	double from;

	if (argc == 2 && !strcmp(argv[1], "member")) {
		pvm_mytid();
		member(&r);
		pvm_exit();
		return 0;
	}
	if (argc < 4) {
		fprintf(stderr, "usage: ring TASKS MESSAGES SEED [MOST [BURST]]\n");
		return 2;
	}
	r.tasks = atoi(argv[1]);
	r.each = (atoi(argv[2]) + r.tasks - 1) / r.tasks;
	r.seed = (unsigned int)strtoul(argv[3], NULL, 0);
	r.most = argc > 4 ? atoi(argv[4]) : 1 << 20;
	r.burst = argc > 5 ? atoi(argv[5]) : 8;
	r.tids[0] = pvm_mytid();
	if (r.tids[0] < 0)
		return 1;
	started = pvm_spawn(own_name(argv), role, PvmTaskDefault, "", r.tasks - 1, r.tids + 1);
	if (started != r.tasks - 1) {
		snprintf(what, sizeof what, "ring not started seed=%u", r.seed);
		not_started(r.tids + 1, r.tasks - 1, started, what);
	}
	pvm_notify(PvmTaskExit, 4, r.tasks - 1, r.tids + 1);
	announce(&r);
	printf("ring started tasks=%d each=%d seed=%u\n", r.tasks, r.each, r.seed);
	fflush(stdout);
	from = seconds();
	work(&r);
	for (i = 1; i < r.tasks; i++) {
		int tag, member;
		double bytes;

		pvm_recv(-1, -1);
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		if (tag != TAG_REPORT) {
			pvm_upkint(&member, 1, 1);
			die("t%x ended before its report (tag %d)", member, tag);
		}
		pvm_upkint(&member, 1, 1);
		pvm_upkdouble(&bytes, 1, 1);
		r.bytes += bytes;
	}
	pvm_initsend(PvmDataDefault);
	pvm_mcast(r.tids + 1, r.tasks - 1, TAG_END);
	for (i = 1; i < r.tasks; i++)
		pvm_recv(-1, 4);
	printf("ring ok tasks=%d messages=%d bytes=%.0f seconds=%.2f seed=%u\n", r.tasks,
	       r.each * r.tasks, r.bytes, seconds() - from, r.seed);
	verdict("ring ok seed=%u", r.seed);
	pvm_exit();
	return 0;
}
