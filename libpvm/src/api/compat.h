/*
 * compat.h: symbols of PVM 3.4.6 that its header does not declare but that its programs use.
 * Binaries are linked BIND_NOW: one that is missing, and the program does not start.
 */
#ifndef PVMI_COMPAT_H
#define PVMI_COMPAT_H

#include <pvmtev.h>
#include <stdarg.h>
#include <sys/time.h>

extern int pvm_errno, pvm_nerr;
extern char *pvm_errlist[37];
extern int pvmmytid, pvmmyptid, pvmmyupid, pvm_useruid, pvmmydsig, pvmmyctx, pvmnsibs, *pvmsibtids, pvmschedtid;
extern char *pvmmytaskname;
extern int pvmrouteopt, pvmdebmask, pvmautoerr, pvmfrgsiz, pvmudpmtu, pvmrescode, pvmshowtaskid, pvmnoreset;
extern int pvmtoplvl;
extern struct Pvmtracer pvmctrc, pvmtrc;
extern void *pvmtrccodef;

int lpvmerr(const char *function, int code);
int pvm_vpackf(const char *format, va_list arguments);
int pvm_vunpackf(const char *format, va_list arguments);
int pvm_getmwid(int mid);
int pvm_setmwid(int mid, int wait_id);

int pvmbeatask(void);
int pvmendtask(void);
void pvmgetclock(struct timeval *now);
void pvmsleep(int seconds);
char *pvmnametag(int tag, int *known);
void pvmdisplaymhfinfo(char *file, char *text, int tid);
int pvmreset(int tid, int kill_tasks, char *class_name, int index);
int pvmsettaskname(char *name);

int pvmputenv(char *setting);
int pvmstrtoi(char *text);
int pvmxtoi(char *text);
char *pvmtmpnam(char *name);
char *pvmgetroot(void);
char *pvmgethome(void);
char *pvmgetpvmd(void);
char *pvmdsockfile(void);
int pvmgetdsig(void);
int errnamecode(char *name);
int pvmupkstralloc(char **text);

void pvmlogerror(const char *text);
void pvmlogperror(const char *text);
int pvmlogprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vpvmlogprintf(const char *format, va_list arguments);
void pvmbailout(int code);

void *i_malloc(unsigned int size, char *where);
void *i_realloc(void *block, unsigned int size);
void i_free(void *block);
void i_dump(int what);
void i_choke(void);
void *pvm_alloc(unsigned int size, char *where);
void *pvm_realloc(void *block, unsigned int size);
void pvm_free(void *block);

int tev_begin(int kind, int entry_exit);
int tev_fin(void);

/* What libgpvm3 asks of libpvm3. A Group request; verb as in task.proto. */
int pvmi_group_request(int verb, const char *name, int tid, int number, int *value, int **tids, int *count);
int pvmi_group_error(const char *function, int code);
/* The tid that answers what PVM's group server answers (group/server.c), or an error. */
int pvmi_group_server(void);
/* An event of one of its functions (tracing/tev.h: pvmi_tev_outer). */
void pvmi_group_event(int event, int phase, ...);

#endif
