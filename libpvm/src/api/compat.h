/*
 * compat.h: symbols of PVM 3.4.6 that its header does not declare but that its programs use.
 * Binaries are linked BIND_NOW: one that is missing, and the program does not start.
 */
#ifndef PVMI_COMPAT_H
#define PVMI_COMPAT_H

#include <stdarg.h>
#include <sys/time.h>

extern int pvm_errno, pvm_nerr;
extern char *pvm_errlist[37];
extern int pvmmyctx, pvmmytid, pvmmyptid, pvmtoplvl, pvmautoerr, pvmdebmask;
extern int pvmctrc[17], pvmtrc[17];
extern void *pvmtrccodef;
extern char pvmtevdidlist[1968], pvmtevinfo[6104];

int lpvmerr(const char *function, int code);
int pvm_vpackf(const char *format, va_list arguments);
int pvm_vunpackf(const char *format, va_list arguments);
int pvm_getmwid(int mid);
int pvm_setmwid(int mid, int wait_id);
int pvm_settmask(int which, char *mask);
int pvm_gettmask(int which, char *mask);

int pvmbeatask(void);
int pvmendtask(void);
void pvmgetclock(struct timeval *now);
void pvmsleep(int seconds);
char *pvmnametag(int tag, int *known);
void pvmdisplaymhfinfo(char *file, char *text, int tid);
int pvmreset(int tid, int kill_tasks, char *class_name, int index);
int pvmputenv(char *setting);
int pvmstrtoi(char *text);
char *pvmtmpnam(char *name);
char *pvmgetroot(void);
char *pvmgethome(void);
int pvmsettaskname(char *name);
void i_dump(int what);

int tev_begin(int kind, int entry_exit);
int tev_fin(void);

/* What libgpvm3 asks of libpvm3: a Group request. verb as in task.proto. */
int pvmi_group_request(int verb, const char *name, int tid, int number, int *value, int **tids, int *count);
int pvmi_group_error(const char *function, int code);

#endif
