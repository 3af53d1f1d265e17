/* Trace events of a task as whoever collects them gets them: their forms, their values, gathered or not. */
#include "probe.h"
#include <pvmtev.h>

struct form {
	int count, did[12], type[12];
} forms[2][TEV_MAX + 1];

static int wanted(int did)
{
	return did != TEV_DID_TS && did != TEV_DID_TU && did != TEV_DID_TID && did != TEV_DID_PDA && did != TEV_DID_SRC &&
	       did != TEV_DID_DST && did != TEV_DID_MDL && did != TEV_DID_MB && did != TEV_DID_MSB && did != TEV_DID_MT &&
	       did != TEV_DID_PT;
}

static void value(int did, int type)
{
	int count = 1, number, i;
	char text[256];
	long address;

	if (type & TEV_DATA_ARRAY)
		pvm_upkint(&count, 1, 1);
	for (i = 0; i < count; i++)
		switch (type & ~TEV_DATA_ARRAY) {
		case TEV_DATA_STRING:
			pvm_upkstr(text);
			printf(" %s", text);
			break;
		case TEV_DATA_LONG:
			pvm_upklong(&address, 1, 1);
			break;
		default:
			pvm_upkint(&number, 1, 1);
			if (wanted(did))
				printf(" %d=%d", did, number);
		}
}

static void describe(void)
{
	int id, did, type;
	struct form *form;
	char name[64];

	pvm_upkint(&id, 1, 1);
	pvm_upkstr(name);
	printf("form of %s %s:", name, id & TEV_EVENT_ENTRY ? "entry" : "exit");
	form = &forms[!(id & TEV_EVENT_ENTRY)][id & 0xfff];
	for (form->count = 0; !pvm_upkint(&did, 1, 1) && did >= 0; form->count++) {
		pvm_upkint(&type, 1, 1);
		printf(" %d:%d", did, type);
		form->did[form->count] = did;
		form->type[form->count] = type;
		value(did, type);
	}
	printf(" end %d\n", did);
}

static void record(void)
{
	struct form *form;
	int id, i, end;

	pvm_upkint(&id, 1, 1);
	printf("event %d:", id);
	form = &forms[!(id & TEV_EVENT_ENTRY)][id & 0xfff];
	for (i = 0; i < form->count; i++)
		value(form->did[i], form->type[i]);
	pvm_upkint(&end, 1, 1);
	printf(" end %d\n", end);
}

static void show(void)
{
	int mark;

	while (!pvm_upkint(&mark, 1, 1)) {
		if (mark == TEV_MARK_DATA_ID)
			return;                 /* what fields are called: PVM's daemon says that */
		if (mark == TEV_MARK_EVENT_DESC)
			describe();
		else if (mark == TEV_MARK_EVENT_RECORD)
			record();
		else
			printf("mark %d\n", mark);
	}
}

static int child(void)
{
	int values[4] = { 1, 2, 3, 4 }, i, parent = pvm_parent();
	char text[16] = "";

	for (i = 0; i < 2; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(values, 4, 1);
		pvm_pkstr("text");
		pvm_send(pvm_mytid(), 3);
		while (pvm_nrecv(-1, 3) <= 0)
			;
		pvm_upkint(values, 2, 2);
		pvm_upkstr(text);
		pvm_psend(parent, 50, values, 1, PVM_INT);
	}
	pvm_exit();
	return 0;
}

/* Which events: those named in the list, which ends with -1. */
static void trace(char **argv, int buffer, const int *events)
{
	Pvmtmask mask;
	int tid, done = 0;

	TEV_MASK_INIT(mask);
	for (; *events >= 0; events++)
		TEV_MASK_SET(mask, *events);
	SHOW(pvm_settmask(PvmTaskChild, mask));
	pvm_setopt(PvmTraceTid, pvm_mytid());
	pvm_setopt(PvmTraceCode, 77);
	pvm_setopt(PvmTraceContext, 0);
	pvm_setopt(PvmTraceBuffer, buffer);
	pvm_setopt(PvmTraceOptions, PvmTraceFull);
	tid = child_of(argv, "child");
	pvm_setopt(PvmTraceTid, 0);
	pvm_notify(PvmTaskExit, 78, 1, &tid);
	memset(forms, 0, sizeof(forms));
	while (!done) {
		int mid = patient_recv(-1, -1), first = 0;

		if (mid <= 0)
			break;
		done = tag_of(mid) == 78;
		if (tag_of(mid) != 77 || source_of(mid) != tid)
			continue;               /* what the daemon says of tasks is for another probe */
		show();
	}
	pvm_setopt(PvmAutoErr, 1);
}

int main(int argc, char **argv)
{
	static const int packing[] = { TEV_INITSEND, TEV_PKINT, TEV_PKSTR, TEV_UPKINT, TEV_UPKSTR, -1 };
	static const int messages[] = { TEV_SEND, TEV_PSEND, -1 };

	start();
	pvm_setopt(PvmAutoErr, 0);
	if (is_child(argc, argv, "child"))
		return child();
	trace(argv, 0, messages);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, 0, packing);
	pvm_setopt(PvmAutoErr, 0);
	trace(argv, 100000, messages);
	SHOW(pvm_exit());
	return 0;
}
