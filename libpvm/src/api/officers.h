/*
 * officers.h: tasks with an office (resource manager, hoster, tasker, tracer) as the library deals
 * with them: their messages have PVM's tags and form, so that PVM's own programs can be such tasks.
 */
#ifndef PVMI_OFFICERS_H
#define PVMI_OFFICERS_H

#include "api.h"

/* PVM's numbers for messages of the library and to the resource manager (pvmproto.h). */
#define PVMI_TC(n)		((int)(0x80030001U + (n)))
#define PVMI_TC_TASKEXIT	PVMI_TC(2)
#define PVMI_TC_NOOP		PVMI_TC(3)
#define PVMI_TC_SETTRACE	PVMI_TC(5)
#define PVMI_TC_SETTMASK	PVMI_TC(6)
#define PVMI_TC_SETTRCBUF	PVMI_TC(7)
#define PVMI_TC_SETTRCOPT	PVMI_TC(8)
#define PVMI_TC_SIBLINGS	PVMI_TC(11)

#define PVMI_SM(n)		((int)(0x80040001U + (n)))
#define PVMI_SM_SPAWN		PVMI_SM(0)
#define PVMI_SM_TASK		PVMI_SM(3)
#define PVMI_SM_CONFIG		PVMI_SM(4)
#define PVMI_SM_ADDHOST		PVMI_SM(5)
#define PVMI_SM_DELHOST		PVMI_SM(6)
#define PVMI_SM_NOTIFY		PVMI_SM(9)
#define PVMI_SM_SCHED		PVMI_SM(13)

/*
 * What a resource manager decides. Each returns false when there is none (any more): then the
 * daemon is asked. Else *result is PvmOk, a count, or an error. Lists are malloc'd, for the caller.
 */
struct pvmi_strings;
bool pvmi_scheduled_spawn(const mpvm_task_Spawn *body, const char *program, const struct pvmi_strings *arguments,
			  const char *where, const struct pvmi_strings *environment, int *tids, int *result);
bool pvmi_scheduled_tasks(int where, struct pvmtaskinfo **tasks, int *count, int *result);
bool pvmi_scheduled_hosts(struct pvmhostinfo **hosts, int *count, int *architectures, int *result);
/* pvm_addhosts and pvm_delhosts: tag is PVMI_SM_ADDHOST or PVMI_SM_DELHOST; codes has room for count. */
bool pvmi_scheduled_change(int tag, char *const *names, int count, int *codes, int *result);
bool pvmi_scheduled_notify(int kind, int tag, int count, const int *tids, int *result);
/* pvm_reg_rm of another: what the one there is answers. */
bool pvmi_scheduled_register(struct pvmhostinfo *host, int *result);

/* The library's own messages from other tasks and daemons: set up once enrolled. */
void pvmi_officers_enrolled(void);
void pvmi_officers_left(void);          /* pvm_exit */

/* Siblings that the parent tells us of: waits for them. */
void pvmi_siblings_await(void);

/* A text out of a message; malloc'd, NULL when there is none. */
char *pvmi_unpack_text(struct pvmi_message *message);

#endif
