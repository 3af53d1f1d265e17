/*
 * compat.c: what programs linked with PVM 3.4.6 use beside its documented interface; see also
 * variables.c, helpers.c, names.c, log.c, allocate.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "api.h"

int pvmctrc[17], pvmtrc[17];            /* tracing state of PVM: never on */
void *pvmtrccodef;
char pvmtevdidlist[1968], pvmtevinfo[6104];

char *pvm_version(void)
{
	return PVM_VER;
}

int pvmbeatask(void)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	return pvmi_end_quietly(result);
}

int pvmendtask(void)
{
	return pvm_exit();
}

/* Prints the message handlers there are (a test program of PVM's shows them). */
void pvmdisplaymhfinfo(char *file, char *text, int tid)
{
	struct pvmi_handler *handler;

	pvmi_begin(PVMI_ANYWHERE);
	printf("%s: %s t%x\n", file, text, tid);
	for (handler = pvmi->messages->handlers; handler; handler = handler->next)
		printf("  handler %d: src %x tag %d ctx %d\n", handler->id, handler->source, handler->tag,
		       handler->context);
	pvmi_end_quietly(PvmOk);
}

int pvm_tickle(int argc, int *argv, int *count, int *results)
{
	(void)argc;
	(void)argv;
	(void)count;
	(void)results;
	return pvmi_error("pvm_tickle", PvmNotImpl);
}

int pvm_reg_rm(struct pvmhostinfo **info)
{
	(void)info;
	return pvmi_error("pvm_reg_rm", PvmNotImpl);
}

int pvm_reg_hoster(void)
{
	return pvmi_error("pvm_reg_hoster", PvmNotImpl);
}

int pvm_reg_tasker(void)
{
	return pvmi_error("pvm_reg_tasker", PvmNotImpl);
}

int pvm_reg_tracer(int tctx, int ttag, int octx, int otag, char *mask, int tbuf, int topt)
{
	(void)tctx;
	(void)ttag;
	(void)octx;
	(void)otag;
	(void)mask;
	(void)tbuf;
	(void)topt;
	return pvmi_error("pvm_reg_tracer", PvmNotImpl);
}

/* Masks choose what is traced; nothing is. */
int pvm_settmask(int which, char *mask)
{
	(void)mask;
	return which == PvmTaskSelf || which == PvmTaskChild ? PvmOk : pvmi_error("pvm_settmask", PvmBadParam);
}

int pvm_gettmask(int which, char *mask)
{
	if (which != PvmTaskSelf && which != PvmTaskChild)
		return pvmi_error("pvm_gettmask", PvmBadParam);
	memset(mask, '@', 35);
	mask[35] = 0;
	return PvmOk;
}

int tev_begin(int kind, int entry_exit)
{
	(void)kind;
	(void)entry_exit;
	return 0;
}

int tev_fin(void)
{
	return 0;
}

int pvmreset(int tid, int kill_tasks, char *class_name, int index)
{
	(void)tid;
	(void)kill_tasks;
	(void)class_name;
	(void)index;
	return pvmi_error("pvmreset", PvmNotImpl);
}
