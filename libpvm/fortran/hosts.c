/*
 * hosts.c: the hosts of the virtual machine.
 */
#include <string.h>

#include "fortran.h"

/* One host a call: what happened to it is the result. */
static int change_host(int (*change)(char **names, int count, int *results), const char *text, int length)
{
	char name[TEXT_LIMIT], *names[1] = { name };
	int result = 0, error;

	if (ftocstr(name, sizeof(name), text, length))
		return PvmBadParam;
	error = change(names, 1, &result);
	return error < 0 ? error : result;
}

void F(pvmfaddhost)(const char *host, int *info, int length)
{
	*info = change_host(pvm_addhosts, host, length);
}

void F(pvmfdelhost)(const char *host, int *info, int length)
{
	*info = change_host(pvm_delhosts, host, length);
}

void F(pvmfmstat)(const char *host, int *status, int length)
{
	WITH_NAME(host, length, status, pvm_mstat(name));
}

void F(pvmfarchcode)(const char *arch, int *code, int length)
{
	WITH_NAME(arch, length, code, pvm_archcode(name));
}

void F(pvmfhostsync)(const int *host, int *seconds, int *microseconds, int *delta_seconds, int *delta_microseconds,
		     int *info)
{
	struct timeval clock = { 0, 0 }, delta = { 0, 0 };

	*info = pvm_hostsync(*host, &clock, &delta);
	*seconds = (int)clock.tv_sec;
	*microseconds = (int)clock.tv_usec;
	*delta_seconds = (int)delta.tv_sec;
	*delta_microseconds = (int)delta.tv_usec;
}

void F(pvmfhalt)(int *info)
{
	*info = pvm_halt();
}

/* The daemon's arguments, with blanks between them. */
void F(pvmfstartpvmd)(const char *arguments, const int *block, int *info, int length)
{
	char text[TEXT_LIMIT], *words[TEXT_LIMIT / 2 + 1], *rest, *word;
	int count = 0;

	if (ftocstr(text, sizeof(text), arguments, length)) {
		*info = PvmBadParam;
		return;
	}
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
	*info = pvm_start_pvmd(count, words, *block);
}
