/*
 * server.c: what PVM's tools ask of its group server task (pvm_gstat, pvmgroups). There is none here;
 * libpvm3 answers each task's questions itself (group/server.c there).
 */
#include "group.h"

#define DUMP 9                          /* PVM's tag */

#pragma GCC visibility push(default)
int gs_getgstid(void);
int pvm_gsdump(char *group);

int gstid = -1;
struct timeval *pvmgs_tmout;            /* how long PVM's tools wait for it; NULL: until it answers */
#pragma GCC visibility pop

/* PVM starts its server when there is none; so this one is always there. */
int gs_getgstid(void)
{
	gstid = pvmi_group_server();
	return gstid;
}

/* Prints all groups, whatever is named: here on standard output, while PVM's server writes into pvmd's log. */
int pvm_gsdump(char *group)
{
	int context, buffer, result = gs_getgstid();

	(void)group;
	if (result < 0)
		return pvmi_group_error("pvm_gsdump", result);
	context = pvm_setcontext(0x7fffc);
	buffer = pvm_setsbuf(pvm_mkbuf(PvmDataDefault));
	result = pvm_send(gstid, DUMP);
	pvm_freebuf(pvm_setsbuf(buffer));
	pvm_setcontext(context);
	return pvmi_group_error("pvm_gsdump", result);
}
