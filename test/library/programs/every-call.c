/*
 * A call of every function that pvm3.h and pvmtev.h declare, as programs write them, in C and in
 * C++. It is for compilers and linkers: run without arguments it calls none of them.
 */
#define NOTMPNAM
#define PVM33COMPAT
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <pvm3.h>
#include <pvmproto.h>
#include <pvmtev.h>

static int handler(int mid)
{
	return mid;
}

static int match(int mid, int tid, int tag)
{
	return mid + tid + tag;
}

static void operation(int *type, void *x, void *y, int *items, int *info)
{
	(void)x;
	(void)y;
	*info = *type + *items;
}

static void tasks(char *name, char **list)
{
	struct pvmtaskinfo *infos;
	int *tids, count;

	pvm_mytid();
	pvm_parent();
	pvm_siblings(&tids);
	pvm_spawn(name, (char **)0, PvmTaskDefault, (char *)0, 1, &count);
	pvm_spawn(name, list, PvmTaskHost | PvmHostCompl, name, count, tids);
	pvm_kill(count);
	pvm_sendsig(count, 15);
	pvm_pstat(count);
	pvm_tasks(0, &count, &infos);
	printf("%d %d %d %d %s %d\n", infos->ti_tid, infos->ti_ptid, infos->ti_host, infos->ti_flag, infos->ti_a_out, infos->ti_pid);
	pvm_tidtohost(count);
	pvm_export(name);
	pvm_unexport(name);
	pvm_notify(PvmTaskExit | PvmNotifyCancel, 1, count, tids);
	pvm_notify(PvmHostAdd, 1, -1, (int *)0);
	pvm_catchout(stdout);
	pvm_catchout(0);
	pvm_exit();
}

static void hosts(char *name, char **list)
{
	struct pvmhostinfo *infos;
	struct timeval clock, delta;
	int count, kinds, results[8];

	pvm_config(&count, &kinds, &infos);
	printf("%d %s %s %d %d\n", infos->hi_tid, infos->hi_name, infos->hi_arch, infos->hi_speed, infos->hi_dsig);
	pvm_mstat(name);
	pvm_addhosts(list, count, results);
	pvm_delhosts(list, count, results);
	pvm_archcode(name);
	pvm_hostsync(count, &clock, &delta);
	pvm_start_pvmd(count, list, 1);
	pvm_halt();
	pvm_tickle(count, results, &kinds, results);
	pvm_reg_rm(&infos);
	pvm_reg_hoster();
	pvm_reg_tasker();
	pvm_reg_tracer(1, 2, 3, 4, name, 5, 6);
}

static void packing(char *text, void *memory)
{
	double d[4] = { 0 };
	float f[4] = { 0 };
	long l = 0;
	unsigned long ul = 0;
	int i = 0;
	unsigned int ui = 0;
	short s = 0;
	unsigned short us = 0;

	pvm_initsend(PvmDataDefault);
	pvm_packf("%s %d", text, i);
	pvm_pkbyte(text, 1, 1);
	pvm_pkbyte((char *)memory, 1, 1);
	pvm_pkcplx(f, 2, 1);
	pvm_pkdcplx(d, 2, 1);
	pvm_pkdouble(d, 4, 1);
	pvm_pkfloat(f, 4, 1);
	pvm_pkint(&i, 1, 1);
	pvm_pklong(&l, 1, 1);
	pvm_pkshort(&s, 1, 1);
	pvm_pkuint(&ui, 1, 1);
	pvm_pkulong(&ul, 1, 1);
	pvm_pkushort(&us, 1, 1);
	pvm_pkstr(text);
	pvm_pkmesg(i);
	pvm_pkmesgbody(i);
	pvm_unpackf("%s %d", text, &i);
	pvm_upkbyte(text, 1, 1);
	pvm_upkcplx(f, 2, 1);
	pvm_upkdcplx(d, 2, 1);
	pvm_upkdouble(d, 4, 1);
	pvm_upkfloat(f, 4, 1);
	pvm_upkint(&i, 1, 1);
	pvm_upklong(&l, 1, 1);
	pvm_upkshort(&s, 1, 1);
	pvm_upkuint(&ui, 1, 1);
	pvm_upkulong(&ul, 1, 1);
	pvm_upkushort(&us, 1, 1);
	pvm_upkstr(text);
	pvm_upkmesg();
}

static void messages(void *values)
{
	int (*before)(int, int, int);
	struct timeval limit = { 1, 0 };
	struct pvmminfo info;
	int mid, bytes, tag, tid, tids[2] = { 0, 0 }, *descriptors;

	mid = pvm_mkbuf(PvmDataRaw);
	pvm_setsbuf(mid);
	pvm_getsbuf();
	pvm_setrbuf(mid);
	pvm_getrbuf();
	pvm_freebuf(mid);
	pvm_bufinfo(mid, &bytes, &tag, &tid);
	pvm_bufinfo(mid, (int *)0, (int *)0, (int *)0);
	pvm_getminfo(mid, &info);
	pvm_setminfo(mid, &info);
	pvm_getmwid(mid);
	pvm_setmwid(mid, 1);
	pvm_send(tids[0], 1);
	pvm_mcast(tids, 2, 1);
	pvm_psend(tids[0], 1, values, 1, PVM_INT);
	pvm_recv(-1, -1);
	pvm_nrecv(-1, -1);
	pvm_trecv(-1, -1, &limit);
	pvm_trecv(-1, -1, (struct timeval *)0);
	pvm_probe(-1, -1);
	pvm_precv(-1, -1, values, 1, PVM_DOUBLE, &tid, &tag, &bytes);
	before = (int (*)(int, int, int))pvm_recvf(match);	/* PVM's header errs about what it returns */
	pvm_recvf(before);
	pvm_recvf(0);
	pvm_addmhf(-1, 1, 0, handler);
	pvm_delmhf(0);
	pvm_getfds(&descriptors);
	pvm_newcontext();
	pvm_freecontext(1);
	pvm_setcontext(PvmBaseContext);
	pvm_getcontext();
}

static void others(char *name, Pvmtmask mask)
{
	struct pvmmboxinfo *classes;
	int count, *tids, data;
	char place[PVMTMPNAMLEN];

	pvm_putinfo(name, 1, PvmMboxPersistent | PvmMboxDirectIndex(3));
	pvm_recvinfo(name, 0, PvmMboxFirstAvail);
	pvm_delinfo(name, 0, PvmMboxDefault);
	pvm_getmboxinfo(name, &count, &classes);
	printf("%s %d %d %d %d\n", classes->mi_name, classes->mi_nentries, *classes->mi_indices, *classes->mi_owners, *classes->mi_flags);
	pvm_insert(name, 0, 1);
	pvm_lookup(name, 0, &data);
	pvm_delete(name, 0);
	pvm_getnoresets(&tids, &count);
	pvm_setopt(PvmRoute, PvmRouteDirect);
	pvm_getopt(PvmAutoErr);
	pvm_perror(name);
	puts(pvm_strerror());
	puts(pvm_version());
	puts(pvmgetrsh());
	puts(pvmgettmp());
	puts(PVMTMPNAMFUN(place));
	TEV_MASK_INIT(mask)
	TEV_MASK_SET(mask, TEV_SEND);
	TEV_MASK_UNSET(mask, TEV_RECV);
	data = TEV_MASK_CHECK(mask, TEV_SEND);
	pvm_settmask(PvmTaskSelf, mask);
	pvm_gettmask(PvmTaskChild, mask);
}

static void groups(char *name, void *x, void *y)
{
	int type = PVM_INT, items = 1, info;

	pvm_joingroup(name);
	pvm_lvgroup(name);
	pvm_barrier(name, -1);
	pvm_bcast(name, 1);
	pvm_getinst(name, 1);
	pvm_gettid(name, 0);
	pvm_gsize(name);
	pvm_freezegroup(name, -1);
	pvm_reduce(operation, x, 1, PVM_INT, 1, name, 0);
	pvm_reduce(PvmSum, x, 1, PVM_INT, 1, name, 0);
	pvm_scatter(x, y, 1, PVM_INT, 1, name, 0);
	pvm_gather(x, y, 1, PVM_INT, 1, name, 0);
	PvmMax(&type, x, y, &items, &info);
	PvmMin(&type, x, y, &items, &info);
	PvmSum(&type, x, y, &items, &info);
	PvmProduct(&type, x, y, &items, &info);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		Pvmtmask mask;
		char memory[64] = "";

		tasks(argv[1], argv);
		hosts(argv[1], argv);
		packing(argv[1], memory);
		messages(memory);
		others(argv[1], mask);
		groups(argv[1], memory, memory + 32);
	}
	printf("started, PVM %s, TM_CONNECT is %x\n", PVM_VER, (unsigned int)TM_CONNECT);
	return 0;
}
