/*
 * compat.c: what programs linked with PVM 3.4.6 use beside its documented interface; see also
 * variables.c, helpers.c, names.c, log.c, allocate.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "api.h"

/* PVM's own notes of what a task and its children are given; here a copy for programs that look. pvmtrc stays
 * empty: it makes Debian's group library trace by the old means. */
#define NO_EVENTS "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
struct Pvmtracer pvmctrc = { .tmask = NO_EVENTS }, pvmtrc = { .tmask = NO_EVENTS };
void *pvmtrccodef;

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
