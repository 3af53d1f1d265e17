/*
 * names.c: names of codes. Messages between PVM's daemons and libraries have tags with names; none
 * of them is sent here, but programs that print tags print these.
 */
#include <string.h>

#include <pvmproto.h>

#include "api.h"

struct family {
	int first;
	const char *const *names;
	int count;
};

#define FAMILY(first, names) { (int)(first), names, sizeof(names) / sizeof(*(names)) }

static const char *const task_daemon[] = {
	"TM_CONNECT", "TM_CONN2", "TM_EXIT", "TM_ADDHOST", "TM_DELHOST", "TM_CONFIG", "TM_MSTAT", "TM_HALT",
	"TM_TICKLE", "TM_SPAWN", "TM_PSTAT", "TM_SENDSIG", "TM_TASK", "TM_MCA", "TM_NOTIFY", "TM_DB",
	"TM_SCHED", "TM_TASKER", "TM_HOSTER", "TM_TRACER", "TM_HOSTSYNC", "TM_SETOPT", "TM_GETOPT",
	"TM_CONTEXT", "TM_SHMCONN",
};

static const char *const daemon_daemon[] = {
	"DM_ADD", "DM_ADDACK", "DM_EXEC", "DM_EXECACK", "DM_SENDSIG", "DM_HTUPD", "DM_HTUPDACK",
	"DM_HTCOMMIT", "DM_SLCONF", "DM_STARTACK", "DM_TASK", "DM_TASKACK", "DM_DELHOST", "DM_DELHOSTACK",
	"DM_NULL", "DM_TASKOUT", "DM_PSTAT", "DM_PSTATACK", "DM_HALT", "DM_MCA", "DM_NOTIFY", "DM_NOTIFYACK",
	"DM_DB", "DM_DBACK", "DM_RESET", "DM_RESETACK", "DM_HTDEL", "DM_HOSTSYNC", "DM_HOSTSYNCACK",
};

static const char *const control[] = {
	"TC_CONREQ", "TC_CONACK", "TC_TASKEXIT", "TC_NOOP", "TC_OUTPUT", "TC_SETTRACE", "TC_SETTMASK",
	"TC_SETTRCBUF", "TC_SETTRCOPT", "TC_SHMAT", "TC_OUTPUTX", "TC_SIBLINGS",
};

static const char *const plug_in[] = {
	"SM_SPAWN", "SM_EXEC", "SM_EXECACK", "SM_TASK", "SM_CONFIG", "SM_ADDHOST", "SM_DELHOST", "SM_ADD",
	"SM_ADDACK", "SM_NOTIFY", "SM_TASKX", "SM_HOSTX", "SM_HANDOFF", "SM_SCHED", "SM_STHOST",
	"SM_STHOSTACK", "SM_STTASK",
};

static const struct family families[] = {
	FAMILY(TM_FIRST, task_daemon), FAMILY(DM_FIRST, daemon_daemon), FAMILY(TC_FIRST, control), FAMILY(SM_FIRST, plug_in),
};

/* The name of a control tag, or the number, which is good until the next call. *known: 1 or 0. */
char *pvmnametag(int tag, int *known)
{
	static char number[16];
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		long at = (long)tag - families[i].first;

		if (at < 0 || at >= families[i].count)
			continue;
		if (known)
			*known = 1;
		return (char *)families[i].names[at];
	}
	if (known)
		*known = 0;
	snprintf(number, sizeof(number), "%d", tag);
	return number;
}

static const struct {
	const char *name;
	int code;
} codes[] = {
#define CODE(name) { #name, name }
	CODE(PvmBadParam), CODE(PvmMismatch), CODE(PvmOverflow), CODE(PvmNoData), CODE(PvmNoHost), CODE(PvmNoFile),
	CODE(PvmDenied), CODE(PvmNoMem), CODE(PvmBadMsg), CODE(PvmSysErr), CODE(PvmNoBuf), CODE(PvmNoSuchBuf),
	CODE(PvmNullGroup), CODE(PvmDupGroup), CODE(PvmNoGroup), CODE(PvmNotInGroup), CODE(PvmNoInst), CODE(PvmHostFail),
	CODE(PvmNoParent), CODE(PvmNotImpl), CODE(PvmDSysErr), CODE(PvmBadVersion), CODE(PvmOutOfRes), CODE(PvmDupHost),
	CODE(PvmCantStart), CODE(PvmAlready), CODE(PvmNoTask), CODE(PvmNotFound), CODE(PvmExists), CODE(PvmHostrNMstr),
	CODE(PvmParentNotSet), CODE(PvmIPLoopback),
};

/* The code that has this name in pvm3.h; 0 when none has. */
int errnamecode(char *name)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(codes[i].name, name))
			return codes[i].code;
	return PvmOk;
}
