/*
 * quiet: a parent that sends small messages to a child that never sleeps, between two system calls
 * that a tracer recognises (getppid): what lies between them is what sending costs.
 */
#include "common.h"

#define MESSAGES 400            /* less than a ring holds: the child need not keep up */
#define TAG_READY 1
#define TAG_DATA 2
#define TAG_DONE 3

static void child(void)
{
	int count = 0;

	pvm_initsend(PvmDataRaw);
	pvm_send(pvm_parent(), TAG_READY);
	while (count < MESSAGES + 1)
		count += pvm_nrecv(pvm_parent(), TAG_DATA) > 0;
	pvm_initsend(PvmDataRaw);
	pvm_send(pvm_parent(), TAG_DONE);
}

static void send_one(int to, int number)
{
	pvm_initsend(PvmDataRaw);
	pvm_pkint(&number, 1, 1);
	if (pvm_send(to, TAG_DATA) < 0)
		die("send of number %d", number);
}

int main(int argc, char **argv)
{
	static char *role[] = { "child", NULL };
	int tid, i;

	if (argc > 1) {
		child();
		pvm_exit();
		return 0;
	}
	pvm_mytid();
	if (pvm_spawn(own_name(argv), role, PvmTaskDefault, "", 1, &tid) != 1)
		die("no child: %d", tid);
	pvm_recv(tid, TAG_READY);
	/* The first one connects. */
	send_one(tid, 0);
	usleep(100000);
	pvm_nrecv(tid, TAG_DONE);
	getppid();
	for (i = 1; i <= MESSAGES; i++)
		send_one(tid, i);
	getppid();
	pvm_recv(tid, TAG_DONE);
	printf("quiet ok %d\n", MESSAGES);
	pvm_exit();
	return 0;
}
