/*
 * tasks.c: this task, and others.
 */
#include "fortran.h"

void pvmsleep(int seconds);

void F(pvmfmytid)(int *tid)
{
	*tid = pvm_mytid();
}

void F(pvmfparent)(int *tid)
{
	*tid = pvm_parent();
}

void F(pvmfexit)(int *info)
{
	*info = pvm_exit();
}

/* One of the tasks that were spawned together with this one; index -1 asks for their number alone. */
void F(pvmfsiblings)(int *count, const int *index, int *sibling)
{
	int *tids = NULL;

	*count = pvm_siblings(&tids);
	if (*count >= 0 && *index != -1)
		*sibling = *index >= 0 && *index < *count ? tids[*index] : PvmNoTask;
}

/* Anywhere is '*' here: a blank would be hard to see in a program of old. */
void F(pvmfspawn)(const char *program, const int *flags, const char *where, const int *count, int *tids, int *started,
		  int program_length, int where_length)
{
	char name[TEXT_LIMIT], place[TEXT_LIMIT];

	if (ftocstr(name, sizeof(name), program, program_length) || ftocstr(place, sizeof(place), where, where_length)) {
		*started = PvmBadParam;
		return;
	}
	*started = pvm_spawn(name, NULL, *flags, place[0] == '*' ? "" : place, *count, tids);
}

void F(pvmfkill)(const int *tid, int *info)
{
	*info = pvm_kill(*tid);
}

void F(pvmfsendsig)(const int *tid, const int *signum, int *info)
{
	*info = pvm_sendsig(*tid, *signum);
}

void F(pvmfpstat)(const int *tid, int *status)
{
	*status = pvm_pstat(*tid);
}

void F(pvmftidtohost)(const int *tid, int *host)
{
	*host = pvm_tidtohost(*tid);
}

void F(pvmfnotify)(const int *kind, const int *tag, const int *count, int *tids, int *info)
{
	*info = pvm_notify(*kind, *tag, *count, tids);
}

/* Children's output goes to C's standard output, which has a buffer of its own beside Fortran's. */
void F(pvmfcatchout)(const int *on, int *info)
{
	*info = pvm_catchout(*on ? stdout : NULL);
}

void F(pvmfsleep)(const int *seconds)
{
	pvmsleep(*seconds);
}
