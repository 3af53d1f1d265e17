/*
 * citizen
 *
 * Takes part in everything a virtual machine offers: groups, the mailbox, notices, contexts,
 * message handlers, options, collected output. Says "citizen ready", waits for a message, and then
 * finds out whether all of it still holds, for it and for its two children, wherever they are now.
 */
#include "common.h"

#include <signal.h>

#define TAG_HELLO 11
#define TAG_ASK 12
#define TAG_ANSWER 13
#define TAG_END 14
#define TAG_GONE 15
#define TAG_HANDLED 16
#define TAG_CROWD 17

static int handled;

static int handler(int mid)
{
	(void)mid;
	handled++;
	return 0;
}

static int child(void)
{
	int instance = pvm_joingroup("citizens");

	pvm_initsend(PvmDataDefault);
	pvm_pkint(&instance, 1, 1);
	pvm_send(pvm_parent(), TAG_HELLO);
	for (;;) {
		int tag, facts[4];

		pvm_recv(-1, -1);
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		if (tag == TAG_END)
			break;
		if (tag != TAG_ASK)
			continue;
		facts[0] = pvm_mytid();
		facts[1] = pvm_getinst("citizens", pvm_mytid());
		facts[2] = pvm_gsize("citizens");
		facts[3] = pvm_parent();
		printf("child %d speaks\n", instance);
		fflush(stdout);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(facts, 4, 1);
		pvm_send(pvm_parent(), TAG_ANSWER);
	}
	pvm_exit();
	return 0;
}

static void ask_children(const int *tids)
{
	int i, facts[4];

	for (i = 0; i < 2; i++) {
		pvm_initsend(PvmDataRaw);
		pvm_send(tids[i], TAG_ASK);
	}
	for (i = 0; i < 2; i++) {
		if (pvm_recv(tids[i], TAG_ANSWER) < 0)
			die("no answer of t%x", tids[i]);
		pvm_upkint(facts, 4, 1);
		if (facts[0] != tids[i] || facts[1] != i + 1 || facts[2] != 3 || facts[3] != pvm_mytid())
			die("t%x says: tid t%x instance %d size %d parent t%x", tids[i], facts[0], facts[1], facts[2], facts[3]);
	}
}

static void check_listing(int tid)
{
	struct pvmtaskinfo *task;
	struct pvmhostinfo *host;
	int n, archs, i, found = 0;

	if (pvm_tasks(tid, &n, &task) < 0 || n != 1 || task->ti_tid != tid)
		die("pvm_tasks of t%x: %d", tid, n);
	if (pvm_tidtohost(tid) <= 0 || pvm_config(&n, &archs, &host) < 0)
		die("pvm_config");
	for (i = 0; i < n; i++)
		found += host[i].hi_tid == task->ti_host;
	if (found != 1)
		die("t%x is on host t%x, which is none", tid, task->ti_host);
}

static void check(int me, const int *tids, int context, int value)
{
	int back = 0, i;

	if (pvm_mytid() != me)
		die("was t%x", me);
	if (pvm_getcontext() != context)
		die("context %d instead of %d", pvm_getcontext(), context);
	if (pvm_getopt(PvmFragSize) != 5000)
		die("option lost");
	if (pvm_getinst("citizens", me) != 0 || pvm_gsize("citizens") != 3 || pvm_gettid("citizens", 2) != tids[1])
		die("group: instance %d of %d", pvm_getinst("citizens", me), pvm_gsize("citizens"));
	ask_children(tids);
	pvm_initsend(PvmDataDefault);
	if (pvm_bcast("citizens", TAG_CROWD) < 0)
		die("broadcast");
	if (pvm_recvinfo("citizen", 0, PvmMboxDefault) < 0 || pvm_upkint(&back, 1, 1) < 0 || back != value)
		die("mailbox: %d instead of %d", back, value);
	handled = 0;
	pvm_initsend(PvmDataDefault);
	pvm_send(me, TAG_HANDLED);
	pvm_send(me, TAG_HELLO);
	if (pvm_recv(me, TAG_HELLO) < 0 || handled != 1)
		die("the handler was called %d times", handled);
	check_listing(me);
	for (i = 0; i < 2; i++) {
		check_listing(tids[i]);
		if (pvm_pstat(tids[i]) != PvmOk)
			die("pstat of t%x", tids[i]);
	}
}

int main(int argc, char **argv)
{
	static char *role[] = { "child", NULL };
	int me = pvm_mytid(), tids[3], i, instance, value = 4711, context, tag, about, moves = 0;

	if (argc > 1)
		return child();
	context = pvm_setcontext(pvm_newcontext());
	context = pvm_getcontext();
	pvm_setopt(PvmFragSize, 5000);
	pvm_catchout(stdout);
	pvm_joingroup("citizens");
	pvm_addmhf(-1, TAG_HANDLED, -1, handler);
	for (i = 0; i < 2; i++) {
		if (pvm_spawn(own_name(argv), role, PvmTaskDefault, "", 1, tids + i) != 1)
			die("spawn: %d", tids[i]);
		pvm_recv(tids[i], TAG_HELLO);
		pvm_upkint(&instance, 1, 1);
		if (instance != i + 1)
			die("instance %d", instance);
	}
	pvm_notify(PvmTaskExit, TAG_GONE, 2, tids);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&value, 1, 1);
	pvm_putinfo("citizen", pvm_getsbuf(), PvmMboxDefault);
	check(me, tids, context, value);
	printf("citizen ready t%x t%x\n", tids[0], tids[1]);
	fflush(stdout);
	for (;;) {
		/* Asked from a shell: another context. */
		pvm_setcontext(0);
		pvm_recv(-1, -1);
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		pvm_setcontext(context);
		if (tag == 2)
			break;
		check(me, tids, context, value);
		printf("citizen fine %d\n", ++moves);
		fflush(stdout);
	}
	pvm_sendsig(tids[0], SIGKILL);
	pvm_recv(-1, TAG_GONE);
	pvm_upkint(&about, 1, 1);
	if (about != tids[0])
		die("the notice is about t%x", about);
	if (pvm_spawn(own_name(argv), role, PvmTaskDefault, "", 1, tids + 2) != 1)
		die("spawn after a move");
	pvm_recv(tids[2], TAG_HELLO);
	pvm_initsend(PvmDataDefault);
	pvm_mcast(tids + 1, 2, TAG_END);
	pvm_recv(-1, TAG_GONE);
	pvm_upkint(&about, 1, 1);
	if (about != tids[1])
		die("the second notice is about t%x", about);
	if (pvm_delinfo("citizen", 0, PvmMboxDefault) < 0)
		die("the mailbox entry is no longer ours");
	pvm_lvgroup("citizens");
	pvm_exit();
	printf("citizen ok\n");
	return 0;
}
