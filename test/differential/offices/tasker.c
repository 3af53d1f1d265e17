/* A tasker: starts the tasks of its host as it is asked to, until somebody sends it tag 99. */
#include <sys/wait.h>
#include "../probes/probe.h"

#define SM_TASKX ((int)0x8004000b)
#define SM_STTASK ((int)0x80040011)

static char *text(void)
{
	static char room[65536];

	room[0] = 0;
	pvm_upkstr(room);
	return strdup(room);
}

/* The process of the task: the environment is ours and what the message says. */
static int start_task(void)
{
	int tid, flags, count, i, pid;
	char *path, **argv;

	pvm_upkint(&tid, 1, 1);
	pvm_upkint(&flags, 1, 1);
	path = text();
	pvm_upkint(&count, 1, 1);
	argv = calloc((size_t)count + 1, sizeof(*argv));
	for (i = 0; i < count; i++)
		argv[i] = text();
	printf("start %s flags %d argc %d argv[0] is the path: %d\n", strrchr(path, '/'), flags, count, !strcmp(argv[0], path));
	for (i = 1; i < count; i++)
		printf("  argument %s\n", argv[i]);
	pid = fork();
	if (!pid) {
		pvm_upkint(&count, 1, 1);
		for (i = 0; i < count; i++)
			putenv(text());
		execv(path, argv);
		_exit(127);
	}
	return pid > 0 ? tid : 0;
}

static void tell_end(int tid, int status)
{
	int numbers[6] = { tid, status, 0, 0, 0, 0 };

	pvm_initsend(PvmDataDefault);
	pvm_pkint(numbers, 6, 1);
	SHOW(pvm_send((int)0x80000000, SM_TASKX));
}

int main(void)
{
	int me = start(), mid, tid, status, count;
	struct pvmminfo info;
	struct pvmtaskinfo *tasks;
	struct pvmmboxinfo *classes;

	pvm_setopt(PvmResvTids, 1);
	SHOW(pvm_reg_tasker());
	SHOW(pvm_tasks(me, &count, &tasks));
	printf("flag %x\n", tasks[0].ti_flag);
	SHOW(pvm_getmboxinfo(PVMTASKERCLASS, &count, &classes));
	printf("%d entries, flags %d, owner is me: %d\n", classes[0].mi_nentries, classes[0].mi_flags[0],
	       classes[0].mi_owners[0] == me);
	for (;;) {
		mid = pvm_recv(-1, -1);
		pvm_getminfo(mid, &info);
		if (info.tag == 99)
			break;
		printf("tag %x context %x waits %d from the daemon %d\n", info.tag, info.ctx, info.wid > 0, info.src == (int)0x80000000);
		tid = start_task();
		wait(&status);
		printf("status %x\n", status);
		tell_end(tid, status);
	}
	SHOW(pvm_reg_tasker());
	SHOW(pvm_getmboxinfo(PVMTASKERCLASS, &count, &classes));
	printf("%d classes\n", count);
	SHOW(pvm_exit());
	return 0;
}
