/*
 * recorder.c: stands for libpvm3 and libgpvm3 below a Fortran library and writes down each call
 * with its arguments. What it answers is made up, but the same each time.
 */
#include <stdio.h>
#include <string.h>
#include <pvm3.h>

#define INT(name) int name(int a) { printf("  " #name " %d\n", a); return 40 + a; }
#define NOTHING(name, value) int name(void) { printf("  " #name "\n"); return value; }
#define TEXT(name, value) int name(char *text) { printf("  " #name " '%s'\n", text); return value; }
#define TEXT_INT(name, value) int name(char *text, int a) { printf("  " #name " '%s' %d\n", text, a); return value; }
#define INT_INT(name) int name(int a, int b) { printf("  " #name " %d %d\n", a, b); return 70 + b; }
#define VALUES(what, type) \
	int pvm_pk##what(type *v, int items, int stride) \
	{ \
		printf("  pvm_pk" #what " %d %d, bytes", items, stride); \
		for (int i = 0; i < (int)sizeof(type); i++) \
			printf(" %02x", ((unsigned char *)v)[i]); \
		puts(""); \
		return 11; \
	} \
	int pvm_upk##what(type *v, int items, int stride) \
	{ \
		printf("  pvm_upk" #what " %d %d\n", items, stride); \
		memset(v, 1, sizeof(type)); \
		return 12; \
	}

static struct pvmhostinfo hosts[2] = {
	{ 0x40000, "first", "LINUX64", 1000, 1 }, { 0x80000, "a-rather-long-name.example.org", "SUN4", 2000, 2 },
};
static struct pvmtaskinfo tasks[3] = {
	{ 0x40001, 0, 0x40000, 4, "", 77 }, { 0x40002, 0x40001, 0x40000, 6, "worker", 78 },
	{ 0x80003, 0x40001, 0x80000, 6, "/a/path/that/is/long/enough/to/be/cut", 79 },
};
static int indices[2] = { 0, 5 }, owners[2] = { 0x40001, 0x40002 }, flags[2] = { 2, 6 };
static struct pvmmboxinfo classes[2] = {
	{ "one", 1, indices, owners, flags }, { "two-entries-of-a-long-name", 2, indices, owners, flags },
};
static int siblings[3] = { 0x40001, 0x40002, 0x40003 };

static int failures;            /* the next calls that answer questions fail */
void recorder_fail_(int *count)
{
	failures = *count;
}

static int failing(void)
{
	return failures > 0 && failures--;
}

NOTHING(pvm_mytid, 0x40001)
NOTHING(pvm_parent, PvmNoParent)
NOTHING(pvm_exit, 0)
NOTHING(pvm_halt, 0)
NOTHING(pvm_getsbuf, 21)
NOTHING(pvm_getrbuf, 22)
NOTHING(pvm_getcontext, 23)
NOTHING(pvm_newcontext, 24)
INT(pvm_kill)
INT(pvm_pstat)
INT(pvm_tidtohost)
INT(pvm_initsend)
INT(pvm_mkbuf)
INT(pvm_freebuf)
INT(pvm_setsbuf)
INT(pvm_setrbuf)
INT(pvm_setcontext)
INT(pvm_freecontext)
INT(pvm_getopt)
INT(pvm_delmhf)
INT_INT(pvm_sendsig)
INT_INT(pvm_send)
INT_INT(pvm_recv)
INT_INT(pvm_nrecv)
INT_INT(pvm_probe)
INT_INT(pvm_setopt)
TEXT(pvm_archcode, 31)
TEXT(pvm_mstat, 32)
TEXT(pvm_joingroup, 33)
TEXT(pvm_lvgroup, 34)
TEXT(pvm_gsize, 35)
TEXT(pvm_perror, 36)
NOTHING(pvm_upkmesg, 58)
INT(pvm_pkmesg)
INT(pvm_pkmesgbody)
TEXT_INT(pvm_barrier, 37)
TEXT_INT(pvm_bcast, 38)
TEXT_INT(pvm_getinst, 39)
TEXT_INT(pvm_gettid, 40)
TEXT_INT(pvm_freezegroup, 41)
VALUES(byte, char)
VALUES(short, short)
VALUES(int, int)
VALUES(long, long)
VALUES(float, float)
VALUES(double, double)

int pvm_pkcplx(float *v, int items, int stride)
{
	printf("  pvm_pkcplx %d %d: %g %g\n", items, stride, v[0], v[1]);
	return 11;
}

int pvm_upkcplx(float *v, int items, int stride)
{
	printf("  pvm_upkcplx %d %d\n", items, stride);
	v[0] = 1.5f;
	v[1] = 2.5f;
	return 12;
}

int pvm_pkdcplx(double *v, int items, int stride)
{
	printf("  pvm_pkdcplx %d %d: %g %g\n", items, stride, v[0], v[1]);
	return 11;
}

int pvm_upkdcplx(double *v, int items, int stride)
{
	printf("  pvm_upkdcplx %d %d\n", items, stride);
	v[0] = 3.5;
	v[1] = 4.5;
	return 12;
}

int pvm_pkstr(char *text)
{
	printf("  pvm_pkstr '%s'\n", text);
	return 11;
}

int pvm_upkstr(char *text)
{
	printf("  pvm_upkstr\n");
	strcpy(text, "a string");
	return 12;
}

int pvm_spawn(char *task, char **argv, int flags, char *where, int count, int *tids)
{
	printf("  pvm_spawn '%s' %s %d '%s' %d\n", task, argv ? "argv" : "no argv", flags, where ? where : "(null)", count);
	for (int i = 0; i < count; i++)
		tids[i] = 0x40010 + i;
	return count;
}

int pvm_addhosts(char **names, int count, int *results)
{
	printf("  pvm_addhosts %d '%s'\n", count, names[0]);
	results[0] = strcmp(names[0], "bad") ? 0x80000 : PvmNoHost;
	return results[0] > 0;
}

int pvm_delhosts(char **names, int count, int *results)
{
	printf("  pvm_delhosts %d '%s'\n", count, names[0]);
	results[0] = strcmp(names[0], "bad") ? 0 : PvmNoHost;
	return results[0] == 0;
}

int pvm_start_pvmd(int argc, char **argv, int block)
{
	printf("  pvm_start_pvmd %d %d:", argc, block);
	for (int i = 0; i < argc; i++)
		printf(" '%s'", argv[i]);
	puts("");
	return 42;
}

int pvm_addmhf(int source, int tag, int context, int (*handler)(int mid))
{
	printf("  pvm_addmhf %d %d %d\n", source, tag, context);
	return handler(99);
}

int pvm_bufinfo(int mid, int *bytes, int *tag, int *tid)
{
	printf("  pvm_bufinfo %d\n", mid);
	*bytes = 100;
	*tag = 101;
	*tid = 102;
	return 44;
}

int pvm_getminfo(int mid, struct pvmminfo *info)
{
	printf("  pvm_getminfo %d\n", mid);
	*info = (struct pvmminfo){ .len = 1, .ctx = 2, .tag = 3, .wid = 4, .enc = 5, .crc = 6, .src = 7, .dst = 8 };
	return mid < 0 ? PvmNoSuchBuf : 0;
}

int pvm_setminfo(int mid, struct pvmminfo *info)
{
	printf("  pvm_setminfo %d: %d %d %d %d %d %d %d %d\n", mid, info->len, info->ctx, info->tag, info->wid, info->enc,
	       info->crc, info->src, info->dst);
	return 59;
}

int pvm_catchout(FILE *file)
{
	printf("  pvm_catchout %s\n", file == stdout ? "stdout" : file ? "a file" : "off");
	return 45;
}

int pvm_config(int *count, int *architectures, struct pvmhostinfo **info)
{
	printf("  pvm_config\n");
	if (failing())
		return PvmSysErr;
	*count = 2;
	*architectures = 2;
	*info = hosts;
	return 0;
}

int pvm_tasks(int where, int *count, struct pvmtaskinfo **info)
{
	printf("  pvm_tasks %d\n", where);
	if (failing())
		return PvmNoHost;
	*count = where == 1 ? 0 : 3;
	*info = tasks;
	return 0;
}

int pvm_getmboxinfo(char *pattern, int *count, struct pvmmboxinfo **info)
{
	printf("  pvm_getmboxinfo '%s'\n", pattern);
	if (failing())
		return PvmSysErr;
	*count = !strcmp(pattern, "none") ? 0 : 2;
	*info = classes;
	return 0;
}

int pvm_siblings(int **tids)
{
	printf("  pvm_siblings\n");
	*tids = siblings;
	return 3;
}

int pvm_hostsync(int host, struct timeval *clock, struct timeval *delta)
{
	printf("  pvm_hostsync %d\n", host);
	*clock = (struct timeval){ 1000, 1001 };
	*delta = (struct timeval){ -1, 999999 };
	return 46;
}

int pvm_mcast(int *tids, int count, int tag)
{
	printf("  pvm_mcast %d %d %d %d\n", tids[0], tids[1], count, tag);
	return 47;
}

int pvm_notify(int kind, int tag, int count, int *tids)
{
	printf("  pvm_notify %d %d %d %d\n", kind, tag, count, tids[0]);
	return 48;
}

int pvm_psend(int tid, int tag, void *values, int items, int type)
{
	printf("  pvm_psend %d %d %d %d: %d\n", tid, tag, items, type, *(int *)values);
	return 49;
}

int pvm_precv(int tid, int tag, void *values, int items, int type, int *from, int *got_tag, int *bytes)
{
	printf("  pvm_precv %d %d %d %d\n", tid, tag, items, type);
	*(int *)values = 123;
	*from = 124;
	*got_tag = 125;
	*bytes = 126;
	return 50;
}

int pvm_trecv(int tid, int tag, struct timeval *limit)
{
	if (limit)
		printf("  pvm_trecv %d %d %ld %ld\n", tid, tag, (long)limit->tv_sec, (long)limit->tv_usec);
	else
		printf("  pvm_trecv %d %d for ever\n", tid, tag);
	return 51;
}

int pvm_putinfo(char *name, int mid, int how)
{
	printf("  pvm_putinfo '%s' %d %d\n", name, mid, how);
	return 52;
}

int pvm_recvinfo(char *name, int index, int how)
{
	printf("  pvm_recvinfo '%s' %d %d\n", name, index, how);
	return 53;
}

int pvm_delinfo(char *name, int index, int how)
{
	printf("  pvm_delinfo '%s' %d %d\n", name, index, how);
	return 54;
}

typedef void operation(int *, void *, void *, int *, int *);

static operation *known[4];
int pvm_reduce(operation *f, void *values, int items, int type, int tag, char *group, int root)
{
	static const char *names[] = { "PvmMax", "PvmMin", "PvmSum", "PvmProduct" };
	int i, info = 0, other = 5, one = 1;

	for (i = 0; i < 4 && f != known[i]; i++)
		;
	printf("  pvm_reduce %s %d %d %d '%s' %d\n", i < 4 ? names[i] : "another", items, type, tag, group, root);
	f(&type, values, &other, &one, &info);
	return 55;
}

int pvm_scatter(void *result, void *values, int items, int type, int tag, char *group, int root)
{
	printf("  pvm_scatter %d %d %d '%s' %d\n", items, type, tag, group, root);
	memcpy(result, values, 4);
	return 56;
}

int pvm_gather(void *result, void *values, int items, int type, int tag, char *group, int root)
{
	printf("  pvm_gather %d %d %d '%s' %d\n", items, type, tag, group, root);
	memcpy(result, values, 4);
	return 57;
}

void PvmMax(int *type, void *x, void *y, int *items, int *info)
{
	printf("  PvmMax %d %d %d %d\n", *type, *(int *)x, *(int *)y, *items);
	*info = 61;
}

void PvmMin(int *type, void *x, void *y, int *items, int *info)
{
	printf("  PvmMin %d %d %d %d\n", *type, *(int *)x, *(int *)y, *items);
	*info = 62;
}

void PvmSum(int *type, void *x, void *y, int *items, int *info)
{
	printf("  PvmSum %d %d %d %d\n", *type, *(int *)x, *(int *)y, *items);
	*info = 63;
}

void PvmProduct(int *type, void *x, void *y, int *items, int *info)
{
	printf("  PvmProduct %d %d %d %d\n", *type, *(int *)x, *(int *)y, *items);
	*info = 64;
}

static operation *known[4] = { PvmMax, PvmMin, PvmSum, PvmProduct };

int pvmsleep(int seconds)
{
	printf("  pvmsleep %d\n", seconds);
	return 0;
}

/* Debian's library tells a lack of memory by this. */
void pvmlogerror(char *text)
{
	printf("  pvmlogerror %s", text);
}

__attribute__((constructor)) static void unbuffered(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
}

/* Everything in one order: the Fortran side prints through here, too. */
void say_(const char *text, int *value, int length)
{
	printf("%.*s %d\n", length, text, *value);
}

void says_(const char *text, const char *value, int length, int value_length)
{
	printf("%.*s '%.*s'\n", length, text, value_length, value);
}
