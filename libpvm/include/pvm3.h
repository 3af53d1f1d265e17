/*
 * pvm3.h: the PVM 3 programming interface, as mpvm's libpvm offers it.
 *
 * Names, values and prototypes are those of PVM 3.4.6, so that its programs compile unchanged and
 * its binaries run against this library.
 */
#ifndef _PVM3_H_
#define _PVM3_H_

#include <sys/time.h>

#define PVM_VER			"3.4.6"
#define PVM_MAJOR_VERSION	3
#define PVM_MINOR_VERSION	4
#define PVM_PATCH_VERSION	6

/* How a message is packed: pvm_initsend, pvm_mkbuf */
#define PvmDataDefault		0	/* XDR: any machine reads it */
#define PvmDataRaw		1	/* as it lies in memory */
#define PvmDataInPlace		2	/* not copied before it is sent */
#define PvmDataFoo		PvmDataDefault
#define PvmDataTrace		4

/* pvm_spawn: where, and how */
#define PvmTaskDefault		0
#define PvmTaskHost		1	/* on the host named */
#define PvmTaskArch		2	/* on hosts of the architecture named */
#define PvmTaskDebug		4
#define PvmTaskTrace		8
#define PvmMppFront		16
#define PvmHostCompl		32	/* on every host but those */
#define PvmNoSpawnParent	64	/* the children are not told who started them */

/* pvm_notify: of what */
#define PvmTaskExit		1
#define PvmHostDelete		2
#define PvmHostAdd		3
#define PvmRouteAdd		4
#define PvmRouteDelete		5
#define PvmNotifyCancel		256	/* added to a kind: take the request back */

/* pvm_setopt, pvm_getopt */
#define PvmRoute		1
#define PvmDontRoute		1
#define PvmAllowDirect		2
#define PvmRouteDirect		3
#define PvmDebugMask		2
#define PvmAutoErr		3	/* 0 silent, 1 print, 2 exit, 3 abort */
#define PvmOutputTid		4	/* children: who gets their output */
#define PvmOutputCode		5
#define PvmTraceTid		6
#define PvmTraceCode		7
#define PvmTraceBuffer		8
#define PvmTraceOptions		9
#define PvmTraceFull		1
#define PvmTraceTime		2
#define PvmTraceCount		3
#define PvmFragSize		10
#define PvmResvTids		11	/* allow reserved tids and tags */
#define PvmSelfOutputTid	12
#define PvmSelfOutputCode	13
#define PvmSelfTraceTid		14
#define PvmSelfTraceCode	15
#define PvmSelfTraceBuffer	16
#define PvmSelfTraceOptions	17
#define PvmShowTids		18	/* pvm_catchout says whose output it is */
#define PvmPollType		19
#define PvmPollConstant		1
#define PvmPollSleep		2
#define PvmPollTime		20
#define PvmOutputContext	21
#define PvmTraceContext		22
#define PvmSelfOutputContext	23
#define PvmSelfTraceContext	24
#define PvmNoReset		25	/* the console's reset spares this task */

/* pvm_settmask, pvm_gettmask */
#define PvmTaskSelf		0
#define PvmTaskChild		1

/* Contexts */
#define PvmBaseContext		0

/* Mailbox: pvm_putinfo, pvm_recvinfo, pvm_delinfo */
#define PvmMboxDefault		0
#define PvmMboxPersistent	1	/* outlives its owner */
#define PvmMboxMultiInstance	2	/* many entries of one name */
#define PvmMboxOverWritable	4	/* anybody may replace or delete it */
#define PvmMboxFirstAvail	8	/* the first at or after the index */
#define PvmMboxReadAndDelete	16
#define PvmMboxWaitForInfo	32	/* wait until there is one */
#define PvmMboxMaxFlag		512
#define PvmMboxDirectIndexShift	10

/* An entry at an index of the caller's choice; the index travels in the flags. */
#define PvmMboxMaxDirectIndex	((unsigned)1 << (31 - PvmMboxDirectIndexShift))
#define PvmMboxDirectIndexOf(flags_) \
	(((flags_) & ((PvmMboxMaxDirectIndex - 1) << PvmMboxDirectIndexShift)) \
	 >> PvmMboxDirectIndexShift)
#define PvmMboxDirectIndex(index_) \
	((index_) < PvmMboxMaxDirectIndex ? (index_) << PvmMboxDirectIndexShift : \
	 (fprintf(stderr, "PvmMboxDirectIndex: %d is not below %d\n", (int)(index_), \
		  (int)PvmMboxMaxDirectIndex), 0))

#define PVMNORESETCLASS		"###_PVM_NO_RESET_###"
#define PVMHOSTERCLASS		"###_PVM_HOSTER_###"
#define PVMTASKERCLASS		"###_PVM_TASKER_###"
#define PVMTRACERCLASS		"###_PVM_TRACER_###"
#define PVMRMCLASS		"###_PVM_RM_###"

/* What calls return; pvm_errno */
#define PvmOk			0
#define PvmBadParam		(-2)	/* bad argument */
#define PvmMismatch		(-3)	/* arguments disagree (barrier counts) */
#define PvmOverflow		(-4)	/* value too large for its encoding */
#define PvmNoData		(-5)	/* read past the end of a message */
#define PvmNoHost		(-6)	/* no such host */
#define PvmNoFile		(-7)	/* no such program */
#define PvmDenied		(-8)	/* permission denied */
#define PvmNoMem		(-10)	/* out of memory */
#define PvmBadMsg		(-12)	/* message cannot be decoded */
#define PvmSysErr		(-14)	/* the daemon cannot be reached */
#define PvmNoBuf		(-15)	/* no active buffer */
#define PvmNoSuchBuf		(-16)	/* no such buffer */
#define PvmNullGroup		(-17)	/* group without a name */
#define PvmDupGroup		(-18)	/* in the group already */
#define PvmNoGroup		(-19)	/* no such group */
#define PvmNotInGroup		(-20)	/* not in the group */
#define PvmNoInst		(-21)	/* no such instance in the group */
#define PvmHostFail		(-22)	/* the host has failed */
#define PvmNoParent		(-23)	/* no parent */
#define PvmNotImpl		(-24)	/* not implemented */
#define PvmDSysErr		(-25)	/* system error in a daemon */
#define PvmBadVersion		(-26)	/* versions do not fit */
#define PvmOutOfRes		(-27)	/* out of resources */
#define PvmDupHost		(-28)	/* host is there already */
#define PvmCantStart		(-29)	/* daemon cannot be started */
#define PvmAlready		(-30)	/* under way already */
#define PvmNoTask		(-31)	/* no such task */
#define PvmNotFound		(-32)	/* not found */
#define PvmExists		(-33)	/* exists already */
#define PvmHostrNMstr		(-34)	/* hoster not on the first host */
#define PvmParentNotSet		(-35)	/* started with PvmNoSpawnParent */
#define PvmIPLoopback		(-36)	/* first host has a loopback address */
#define PvmNoEntry		PvmNotFound
#define PvmDupEntry		PvmDenied

/* Types of data: pvm_psend, pvm_precv, pvm_reduce, pvm_scatter, pvm_gather */
#define PVM_STR			0
#define PVM_BYTE		1
#define PVM_SHORT		2
#define PVM_INT			3
#define PVM_FLOAT		4
#define PVM_CPLX		5
#define PVM_DOUBLE		6
#define PVM_DCPLX		7
#define PVM_LONG		8
#define PVM_USHORT		9
#define PVM_UINT		10
#define PVM_ULONG		11

/* pvm_config */
struct pvmhostinfo {
	int hi_tid;
	char *hi_name;
	char *hi_arch;
	int hi_speed;
	int hi_dsig;		/* how it lays out data */
};

/* pvm_tasks */
struct pvmtaskinfo {
	int ti_tid;
	int ti_ptid;		/* parent */
	int ti_host;
	int ti_flag;
	char *ti_a_out;
	int ti_pid;
};

/* pvm_getminfo, pvm_setminfo */
struct pvmminfo {
	int len;
	int ctx;
	int tag;
	int wid;
	int enc;
	int crc;
	int src;
	int dst;
};

/* pvm_getmboxinfo */
struct pvmmboxinfo {
	char *mi_name;
	int mi_nentries;
	int *mi_indices;
	int *mi_owners;
	int *mi_flags;
};

#ifdef NOTMPNAM
#define PVMTMPNAMFUN(x)		pvmtmpnam(x)
#define PVMTMPNAMLEN		128
#else
#define PVMTMPNAMFUN(x)		tmpnam(x)
#ifdef L_tmpnam
#define PVMTMPNAMLEN		L_tmpnam
#else
#define PVMTMPNAMLEN		128
#endif
#endif

/* Programs declare functions of their own with it. */
#undef __ProtoGlarp__
#define __ProtoGlarp__(arguments) arguments

#ifdef __cplusplus
extern "C" {
#endif

/* Tasks */
int pvm_mytid(void);
int pvm_parent(void);
int pvm_siblings(int **tids);
int pvm_exit(void);
int pvm_spawn(char *task, char **argv, int flags, char *where, int count, int *tids);
int pvm_kill(int tid);
int pvm_sendsig(int tid, int signum);
int pvm_pstat(int tid);
int pvm_tasks(int where, int *count, struct pvmtaskinfo **tasks);
int pvm_tidtohost(int tid);
int pvm_export(char *name);
int pvm_unexport(char *name);
int pvm_notify(int kind, int tag, int count, int *tids);

#ifdef EOF	/* <stdio.h> is there */
int pvm_catchout(FILE *file);
#endif

/* Hosts */
int pvm_config(int *hosts, int *architectures, struct pvmhostinfo **info);
int pvm_mstat(char *host);
int pvm_addhosts(char **hosts, int count, int *results);
int pvm_delhosts(char **hosts, int count, int *results);
int pvm_archcode(char *arch);
int pvm_hostsync(int host, struct timeval *remote_clock, struct timeval *delta);
int pvm_start_pvmd(int argc, char **argv, int block);
int pvm_halt(void);
int pvm_tickle(int argc, int *argv, int *count, int *results);

/* Message buffers */
int pvm_initsend(int encoding);
int pvm_mkbuf(int encoding);
int pvm_freebuf(int mid);
int pvm_getsbuf(void);
int pvm_setsbuf(int mid);
int pvm_getrbuf(void);
int pvm_setrbuf(int mid);
int pvm_bufinfo(int mid, int *bytes, int *tag, int *tid);
int pvm_getminfo(int mid, struct pvmminfo *info);
int pvm_setminfo(int mid, struct pvmminfo *info);

/* Packing. items counts elements; stride is the distance between them, in elements */
int pvm_packf(const char *format, ...);
int pvm_pkbyte(char *values, int items, int stride);
int pvm_pkcplx(float *values, int items, int stride);
int pvm_pkdcplx(double *values, int items, int stride);
int pvm_pkdouble(double *values, int items, int stride);
int pvm_pkfloat(float *values, int items, int stride);
int pvm_pkint(int *values, int items, int stride);
int pvm_pklong(long *values, int items, int stride);
int pvm_pkshort(short *values, int items, int stride);
int pvm_pkuint(unsigned int *values, int items, int stride);
int pvm_pkulong(unsigned long *values, int items, int stride);
int pvm_pkushort(unsigned short *values, int items, int stride);
int pvm_pkstr(char *string);
int pvm_pkmesg(int mid);
int pvm_pkmesgbody(int mid);

/* Unpacking */
int pvm_unpackf(const char *format, ...);
int pvm_upkbyte(char *values, int items, int stride);
int pvm_upkcplx(float *values, int items, int stride);
int pvm_upkdcplx(double *values, int items, int stride);
int pvm_upkdouble(double *values, int items, int stride);
int pvm_upkfloat(float *values, int items, int stride);
int pvm_upkint(int *values, int items, int stride);
int pvm_upklong(long *values, int items, int stride);
int pvm_upkshort(short *values, int items, int stride);
int pvm_upkuint(unsigned int *values, int items, int stride);
int pvm_upkulong(unsigned long *values, int items, int stride);
int pvm_upkushort(unsigned short *values, int items, int stride);
int pvm_upkstr(char *string);
int pvm_upkmesg(void);

/* Sending and receiving; tid or tag -1 matches any */
int pvm_send(int tid, int tag);
int pvm_mcast(int *tids, int count, int tag);
int pvm_psend(int tid, int tag, void *values, int items, int type);
int pvm_recv(int tid, int tag);
int pvm_nrecv(int tid, int tag);
int pvm_trecv(int tid, int tag, struct timeval *timeout);
int pvm_probe(int tid, int tag);
int pvm_precv(int tid, int tag, void *values, int items, int type, int *from, int *got_tag,
	       int *bytes);
int (*pvm_recvf(int (*match)(int mid, int tid, int tag)))(int mid, int tid, int tag);
int pvm_addmhf(int source, int tag, int context, int (*handler)(int mid));
int pvm_delmhf(int handler);
int pvm_getfds(int **descriptors);

/* Contexts */
int pvm_newcontext(void);
int pvm_freecontext(int context);
int pvm_setcontext(int context);
int pvm_getcontext(void);

/* Mailbox */
int pvm_putinfo(char *name, int mid, int flags);
int pvm_recvinfo(char *name, int index, int flags);
int pvm_delinfo(char *name, int index, int flags);
int pvm_getmboxinfo(char *pattern, int *count, struct pvmmboxinfo **classes);
int pvm_insert(char *name, int index, int data);
int pvm_lookup(char *name, int index, int *data);
int pvm_delete(char *name, int index);
int pvm_getnoresets(int **tids, int *count);

/* Options and errors */
int pvm_setopt(int what, int value);
int pvm_getopt(int what);
int pvm_perror(char *message);
char *pvm_strerror(void);
char *pvm_version(void);

/* Who else takes part in running the virtual machine */
int pvm_reg_rm(struct pvmhostinfo **info);
int pvm_reg_hoster(void);
int pvm_reg_tasker(void);
int pvm_reg_tracer(int tctx, int ttag, int octx, int otag, char *mask, int tbuf, int topt);

/* Groups (libgpvm3) */
int pvm_joingroup(char *group);
int pvm_lvgroup(char *group);
int pvm_barrier(char *group, int count);
int pvm_bcast(char *group, int tag);
int pvm_getinst(char *group, int tid);
int pvm_gettid(char *group, int instance);
int pvm_gsize(char *group);
int pvm_freezegroup(char *group, int size);
int pvm_reduce(void (*operation)(int *type, void *x, void *y, int *items, int *info),
	       void *values, int items, int type, int tag, char *group, int root);
int pvm_scatter(void *result, void *values, int items, int type, int tag, char *group, int root);
int pvm_gather(void *result, void *values, int items, int type, int tag, char *group, int root);
void PvmMax(int *type, void *x, void *y, int *items, int *info);
void PvmMin(int *type, void *x, void *y, int *items, int *info);
void PvmSum(int *type, void *x, void *y, int *items, int *info);
void PvmProduct(int *type, void *x, void *y, int *items, int *info);

/* Helpers */
char *pvmgetrsh(void);
char *pvmgettmp(void);

#ifdef NOTMPNAM
char *pvmtmpnam(char *name);
#endif

#ifdef PVM33COMPAT
int pvm_getmwid(int mid);
int pvm_setmwid(int mid, int wait_id);
#endif

#ifdef __cplusplus
}
#endif

#endif
