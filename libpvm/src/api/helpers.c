/*
 * helpers.c: small functions that PVM 3.4.6 exports beside its interface and its programs use:
 * where things are, numbers out of text, time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "api.h"

void pvmgetclock(struct timeval *now)
{
	gettimeofday(now, NULL);
}

void pvmsleep(int seconds)
{
	sleep((unsigned int)seconds);
}

int pvmputenv(char *setting)
{
	return putenv(setting);
}

/* Decimal, 0x hexadecimal, 0 octal. */
int pvmstrtoi(char *text)
{
	return (int)strtol(text, NULL, 0);
}

/* Hexadecimal, with or without 0x, for all 32 bits. */
int pvmxtoi(char *text)
{
	return (int)strtoul(text, NULL, 16);
}

int pvmgetdsig(void)
{
	return (int)PVMI_ENC_RAW;
}

/* ------------------------------------------------------------------ places */

static char *from_environment(const char *name, char *otherwise)
{
	char *value = getenv(name);

	return value && *value ? value : otherwise;
}

char *pvmgetrsh(void)
{
	return from_environment("PVM_RSH", "/usr/bin/ssh");
}

char *pvmgettmp(void)
{
	return from_environment("PVM_TMP", "/tmp");
}

char *pvmgetroot(void)
{
	return from_environment("PVM_ROOT", "/usr/lib/pvm3");
}

char *pvmgethome(void)
{
	return from_environment("HOME", "/");
}

/* The command that would start a daemon; the text is good until the next call. */
char *pvmgetpvmd(void)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/lib/pvmd", pvmgetroot());
	return from_environment("PVM_DPATH", path);
}

/* How the daemon of this machine is found: its socket. (PVM's file holds an address.) */
char *pvmdsockfile(void)
{
	static char path[sizeof(((struct pvmi_link *)0)->socket_path)];

	pvmi_begin(PVMI_ANYWHERE);
	if (pvmi->tid)
		memcpy(path, pvmi->link->socket_path, sizeof(path));
	else if (!pvmi_find_socket(path, sizeof(path)))
		path[0] = 0;
	pvmi_end_quietly(PvmOk);
	return path;
}

/* A name that nobody uses now; without room of the caller's, in room of our own. */
char *pvmtmpnam(char *name)
{
	static char own[PVMTMPNAMLEN > 128 ? PVMTMPNAMLEN : 128];
	char *to = name ? name : own;
	int fd;

	snprintf(to, 128, "%s/pvmXXXXXX", pvmgettmp());
	fd = mkstemp(to);
	if (fd < 0)
		return NULL;
	close(fd);
	unlink(to);
	return to;
}

/* ------------------------------------------------------------------ this task */

/* For a program started from a shell: the name under which pvm_tasks lists it. Before it enrols. */
int pvmsettaskname(char *name)
{
	char *copy = name ? strdup(name) : NULL;

	pvmi_begin(PVMI_ANYWHERE);
	if (pvmi->tid || !copy) {
		free(copy);
		return pvmi_end("pvmsettaskname", pvmi->tid ? PvmExists : name ? PvmNoMem : PvmBadParam);
	}
	free(pvmmytaskname);
	pvmmytaskname = copy;
	return pvmi_end_quietly(PvmOk);
}
