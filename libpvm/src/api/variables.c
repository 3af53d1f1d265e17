/*
 * variables.c: the variables that PVM 3.4.6 exports and that programs look at, under its names and
 * of its sizes. They are copies of what the context knows, renewed whenever that changes: whoever
 * enrols, leaves, sets an option or arrives at another node finds the present values. Only
 * pvmtoplvl and pvmschedtid have a life of their own.
 */
#include "../sys/sys.h"
#include "api.h"

/* Who and where: -1 before there is one. */
int pvmmytid = -1, pvmmyptid = -1;
int pvmmyupid = -1;             /* the process */
int pvm_useruid = -1;           /* its user */
int pvmmydsig;                  /* how it lays out data */
int pvmmyctx;
char *pvmmytaskname;
int pvmnsibs = -1;              /* what pvm_siblings has told */
int *pvmsibtids;
int pvmschedtid;                /* the task that schedules, or 0 */

/* Options. */
int pvmrouteopt = PvmAllowDirect;
int pvmdebmask;
int pvmautoerr = 1;
int pvmfrgsiz = PVMI_FRAGMENT_SIZE;
int pvmudpmtu = PVMI_FRAGMENT_SIZE;     /* between PVM's daemons */
int pvmrescode;
int pvmshowtaskid = 1;
int pvmnoreset;

int pvmtoplvl = 1;              /* group libraries set it to 0 while they are inside a call */

void pvmi_publish_place(void)
{
	pvmmyupid = (int)pvmi_syscall3(SYS_getpid, 0, 0, 0);
	pvm_useruid = (int)pvmi_syscall3(SYS_getuid, 0, 0, 0);
}

void pvmi_publish_enrolled(void)
{
	pvmi_publish_place();
	pvmmytid = (int)pvmi->tid;
	pvmmyptid = pvmi->parent > 0 ? pvmi->parent : 0;
	pvmmyctx = (int)pvmi->current_context;
	pvmmydsig = (int)PVMI_ENC_RAW;
}

void pvmi_publish_options(void)
{
	const struct pvmi_options *o = pvmi->options;

	pvmrouteopt = o->route;
	pvmdebmask = o->debug_mask;
	pvmautoerr = o->auto_error;
	pvmfrgsiz = o->fragment_size;
	pvmrescode = o->reserved_tids;
	pvmshowtaskid = o->show_tids;
	pvmnoreset = o->no_reset;
}
