/*
 * parade MEMBERS ROUNDS
 *
 * A group that goes from barrier to barrier. The first member checks that all others pass each one,
 * none early and none twice, and that the group and a mailbox entry are what they were.
 */
#include "common.h"

#define GROUP "parade"
#define FIRST_TAG 100

static void check_early(int round)
{
	if (pvm_probe(-1, FIRST_TAG + round))
		die("a member passed barrier %d before all had come", round);
}

int main(int argc, char **argv)
{
	int members = argc > 1 ? atoi(argv[1]) : 4, rounds = argc > 2 ? atoi(argv[2]) : 100;
	int me = pvm_mytid(), instance = pvm_joingroup(GROUP), root = pvm_parent() < 0;
	int i, r, status, number, tids[64];

	if (instance < 0 || members > 64)
		die("cannot join: %d", instance);
	if (root) {
		if (pvm_spawn("parade", argv + 1, PvmTaskDefault, NULL, members - 1, tids) != members - 1)
			die("cannot spawn: %d", tids[0]);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&me, 1, 1);
		if (pvm_putinfo(GROUP, pvm_getsbuf(), PvmMboxDefault) != 0)
			die("cannot put");
	}
	while ((status = pvm_gsize(GROUP)) < members)
		if (status < 0)
			die("gsize: %d", status);
	for (r = 0; r < rounds; r++) {
		if (root)
			check_early(r);
		status = pvm_barrier(GROUP, members);
		if (status < 0)
			die("barrier %d: %d", r, status);
		if (root) {
			for (i = 1; i < members; i++)
				pvm_recv(-1, FIRST_TAG + r);
			if (pvm_probe(-1, FIRST_TAG + r))
				die("a member passed barrier %d twice", r);
		} else {
			pvm_initsend(PvmDataDefault);
			pvm_pkint(&r, 1, 1);
			pvm_send(pvm_gettid(GROUP, 0), FIRST_TAG + r);
		}
		if (root && r % 100 == 0)
			printf("round %d\n", r), fflush(stdout);
	}
	if (pvm_gsize(GROUP) < 1 || pvm_getinst(GROUP, me) != instance)
		die("the group has changed");
	if (pvm_recvinfo(GROUP, 0, PvmMboxDefault) < 0 || pvm_upkint(&number, 1, 1) < 0 || number != pvm_gettid(GROUP, 0))
		die("the mailbox has changed");
	if (root)
		printf("parade ok\n");
	pvm_barrier(GROUP, members);
	pvm_exit();
	return 0;
}
