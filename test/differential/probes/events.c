/* Trace events of a task as whoever collects them gets them: their forms, their values, gathered or not. */
#include "probe.h"
#include <pvmtev.h>

struct form {
	int count, did[12], type[12];
} forms[2][TEV_MAX + 1];

/* Times, addresses, tids, buffers and what a machine is called differ from run to run. */
static int wanted(int did)
{
	static const int varying[] = {
		TEV_DID_TS, TEV_DID_TU, TEV_DID_TID, TEV_DID_PDA, TEV_DID_CDA, TEV_DID_SRC, TEV_DID_DST, TEV_DID_MDL, TEV_DID_MB,
		TEV_DID_MSB, TEV_DID_MRB, TEV_DID_MT, TEV_DID_PT, TEV_DID_TT, TEV_DID_TW, TEV_DID_GT, TEV_DID_CR, TEV_DID_FDS, TEV_DID_HPT,
		TEV_DID_HN, TEV_DID_HNA, TEV_DID_HCS, TEV_DID_HCU, TEV_DID_HDS, TEV_DID_HDU, TEV_DID_MRF, TEV_DID_CRF, TEV_DID_TM, TEV_DID_SIB,
		TEV_DID_CXN, TEV_DID_CXF, TEV_DID_CXS, TEV_DID_CXC, TEV_DID_NTL, TEV_DID_MHI, TEV_DID_IST, TEV_DID_RST, TEV_DID_RCX, TEV_DID_MCX,
		TEV_DID_CD, TEV_DID_TIS, TEV_DID_HIS, TEV_DID_WID, TEV_DID_FP, TEV_DID_TNT, TEV_DID_CDX, TEV_DID_NA, TEV_DID_HNL, TEV_DID_CL,
	};
	size_t i;

	for (i = 0; i < sizeof(varying) / sizeof(varying[0]); i++)
		if (varying[i] == did)
			return 0;
	return 1;
}

static void value(int did, int type)
{
	int count = 1, number, i;
	char text[256];
	long address;

	if (type & TEV_DATA_ARRAY)
		pvm_upkint(&count, 1, 1);
	for (i = 0; i < count; i++)
		switch (type & ~TEV_DATA_ARRAY) {
		case TEV_DATA_STRING:
			pvm_upkstr(text);
			if (wanted(did))
				printf(" %s", text);
			break;
		case TEV_DATA_LONG:
			pvm_upklong(&address, 1, 1);
			break;
		default:
			pvm_upkint(&number, 1, 1);
			if (wanted(did))
				printf(" %d=%d", did, number);
		}
}

static void describe(void)
{
	int id, did, type;
	struct form *form;
	char name[64];

	pvm_upkint(&id, 1, 1);
	pvm_upkstr(name);
	printf("form of %s %s:", name, id & TEV_EVENT_ENTRY ? "entry" : "exit");
	form = &forms[!(id & TEV_EVENT_ENTRY)][id & 0xfff];
	for (form->count = 0; !pvm_upkint(&did, 1, 1) && did >= 0; form->count++) {
		pvm_upkint(&type, 1, 1);
		printf(" %d:%d", did, type);
		form->did[form->count] = did;
		form->type[form->count] = type;
		value(did, type);
	}
	printf(" end %d\n", did);
}

static void record(void)
{
	struct form *form;
	int id, i, end;

	pvm_upkint(&id, 1, 1);
	printf("event %d:", id);
	form = &forms[!(id & TEV_EVENT_ENTRY)][id & 0xfff];
	for (i = 0; i < form->count; i++)
		value(form->did[i], form->type[i]);
	pvm_upkint(&end, 1, 1);
	printf(" end %d\n", end);
}

static void show(void)
{
	int mark;

	while (!pvm_upkint(&mark, 1, 1)) {
		if (mark == TEV_MARK_DATA_ID)
			return;                 /* what fields are called: PVM's daemon says that */
		if (mark == TEV_MARK_EVENT_DESC)
			describe();
		else if (mark == TEV_MARK_EVENT_RECORD)
			record();
		else
			printf("mark %d\n", mark);
	}
}

static int child(void)
{
	int values[4] = { 1, 2, 3, 4 }, i, parent = pvm_parent();
	char text[16] = "";

	for (i = 0; i < 2; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(values, 4, 1);
		pvm_pkstr("text");
		pvm_send(pvm_mytid(), 3);
		while (pvm_nrecv(-1, 3) <= 0)
			;
		pvm_upkint(values, 2, 2);
		pvm_upkstr(text);
		pvm_psend(parent, 50, values, 1, PVM_INT);
	}
	pvm_exit();
	return 0;
}

static void twice(int *type, void *so_far, void *next, int *items, int *info)
{
	(void)type;
	(void)so_far;
	(void)next;
	(void)items;
	*info = 0;
}

static int ask(void)
{
	struct pvmhostinfo *hosts;
	struct pvmtaskinfo *tasks;
	struct pvmmboxinfo *boxes;
	struct pvmminfo about;
	struct timeval clock, limit = { 0, 1 };
	Pvmtmask mask;
	int n, arches, *tids, context, old, values[2] = { 1, 2 }, answers[10], mid, from, tag, size, *fds;
	char text[16];

	context = pvm_newcontext();
	old = pvm_setcontext(context);
	pvm_getcontext();
	pvm_setcontext(old);
	pvm_freecontext(context);
	pvm_freecontext(-3);
	pvm_setopt(PvmFragSize, 5000);
	pvm_getopt(PvmFragSize);
	pvm_getopt(99);
	mid = pvm_initsend(PvmDataDefault);
	pvm_packf("%d %s", 7, "word");
	pvm_bufinfo(mid, &size, &tag, &from);
	pvm_bufinfo(99999, &size, &tag, &from);
	pvm_getminfo(mid, &about);
	pvm_setminfo(mid, &about);
	pvm_send(pvm_mytid(), 4);
	pvm_recv(-1, 4);
	pvm_probe(-1, 4);
	pvm_unpackf("%d %s", values, text);
	pvm_getrbuf();
	pvm_getsbuf();
	mid = pvm_mkbuf(PvmDataRaw);
	pvm_freebuf(pvm_setsbuf(mid));
	pvm_setrbuf(0);
	pvm_trecv(-1, 55, &limit);
	pvm_config(&n, &arches, &hosts);
	pvm_tasks(0, &n, &tasks);
	pvm_mstat("no.such.host");
	pvm_pstat(pvm_mytid());
	pvm_pstat(-5);
	pvm_parent();
	pvm_siblings(&tids);
	pvm_archcode("LINUX64");
	pvm_getfds(&fds);
	pvm_recvf(pvm_recvf(NULL));
	pvm_sendsig(-4, 0);
	pvm_kill(-4);
	pvm_notify(PvmTaskExit, 9, 0, NULL);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(values, 1, 1);
	n = pvm_putinfo("probe.events", pvm_getsbuf(), PvmMboxDefault);
	pvm_recvinfo("probe.events", 0, PvmMboxDefault);
	pvm_getmboxinfo("probe.events", &n, &boxes);
	pvm_delinfo("probe.events", 0, PvmMboxDefault);
	pvm_delinfo("probe.events", 0, PvmMboxDefault);
	pvm_insert("probe.old", -1, 12);
	pvm_lookup("probe.old", -1, &n);
	pvm_delete("probe.old", 0);
	n = 0;
	pvm_addhosts(NULL, 0, &n);
	pvm_delhosts(NULL, 0, &n);
	pvm_perror("probe");
	pvm_reg_tracer(0, 0, 0, 0, mask, 0, 0);
	pvm_start_pvmd(0, NULL, 0);
	pvm_spawn("no.such.program", NULL, PvmTaskDefault, "", 1, &n);
	n = 10;
	values[0] = 6;
	pvm_tickle(1, values, &n, answers);
	pvm_exit();
	return 0;
}

static int meet(void)
{
	int values[2] = { 1, 2 }, sum[2], n;

	n = pvm_joingroup("probe.events");
	pvm_joingroup("probe.events");
	pvm_getinst("probe.events", pvm_mytid());
	pvm_gettid("probe.events", 0);
	pvm_gettid("probe.events", 5);
	pvm_gsize("probe.events");
	pvm_barrier("probe.events", 1);
	pvm_initsend(PvmDataDefault);
	pvm_bcast("probe.events", 3);
	pvm_reduce(twice, values, 2, PVM_INT, 5, "probe.events", n);
	pvm_scatter(sum, values, 2, PVM_INT, 6, "probe.events", n);
	pvm_gather(sum, values, 2, PVM_INT, 7, "probe.events", n);
	pvm_lvgroup("probe.events");
	pvm_gsize("probe.nobody");
	pvm_exit();
	return 0;
}

/* What PVM's functions do to do their work: it shows where they do not count as events themselves. */
static int is_plumbing(int event)
{
	static const int plumbing[] = {
		TEV_MYTID, TEV_SETSBUF, TEV_SETRBUF, TEV_FREEBUF, TEV_MKBUF, TEV_UPKINT, TEV_PKINT, TEV_INITSEND, TEV_SETCONTEXT, TEV_MHF_INVOKE,
	};
	size_t i;

	for (i = 0; i < sizeof(plumbing) / sizeof(plumbing[0]); i++)
		if (plumbing[i] == event)
			return 1;
	return 0;
}

/* Which events: those named in the list, which ends with -1; NULL: all but the plumbing. */
static void trace(char **argv, char *role, int buffer, const int *events)
{
	Pvmtmask mask;
	int tid, done = 0;

	TEV_MASK_INIT(mask);
	for (; events && *events >= 0; events++)
		TEV_MASK_SET(mask, *events);
	for (tid = 0; !events && tid <= TEV_MAX; tid++)
		if (!is_plumbing(tid))
			TEV_MASK_SET(mask, tid);
	SHOW(pvm_settmask(PvmTaskChild, mask));
	pvm_setopt(PvmTraceTid, pvm_mytid());
	pvm_setopt(PvmTraceCode, 77);
	pvm_setopt(PvmTraceContext, 0);
	pvm_setopt(PvmTraceBuffer, buffer);
	pvm_setopt(PvmTraceOptions, PvmTraceFull);
	printf("events of %s\n", role);
	tid = child_of(argv, role);
	pvm_setopt(PvmTraceTid, 0);
	pvm_notify(PvmTaskExit, 78, 1, &tid);
	memset(forms, 0, sizeof(forms));
	while (!done) {
		int mid = patient_recv(-1, -1), first = 0;

		if (mid <= 0)
			break;
		done = tag_of(mid) == 78;
		if (tag_of(mid) != 77 || source_of(mid) != tid)
			continue;               /* what the daemon says of tasks is for another probe */
		show();
	}
	pvm_setopt(PvmAutoErr, 1);
}

int main(int argc, char **argv)
{
	static const int packing[] = { TEV_INITSEND, TEV_PKINT, TEV_PKSTR, TEV_UPKINT, TEV_UPKSTR, -1 };
	static const int messages[] = { TEV_SEND, TEV_PSEND, -1 };

	start();
	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "child"))
		return child();
	if (is_child(argc, argv, "ask"))
		return ask();
	if (is_child(argc, argv, "meet"))
		return meet();
	trace(argv, "child", 0, messages);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, "child", 0, packing);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, "child", 100000, messages);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, "ask", 0, NULL);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, "meet", 0, NULL);
	SHOW(pvm_exit());
	return 0;
}
