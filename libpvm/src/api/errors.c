/*
 * errors.c: the codes' texts (PVM's own words: programs and tests compare them), and PvmAutoErr.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api.h"

int pvm_errno;
int pvm_nerr = 37;
char *pvm_errlist[37] = {
	"Error 0", "Error 1", "Bad parameter", "Parameter mismatch", "Value too large",
	"End of buffer", "No such host", "No such file", "Permission denied", "Error 9",
	"Malloc failed", "Error 11", "Can't decode message", "Error 13", "Can't contact local daemon",
	"No current buffer", "No such buffer", "Null group name", "Already in group", "No such group",
	"Not in group", "No such instance", "Host failed", "No parent task", "Not implemented",
	"Pvmd system error", "Version mismatch", "Out of resources", "Duplicate host", "Can't start pvmd",
	"Already in progress", "No such task", "Not Found", "Already Exists",
	"Hoster must run on master host", "Spawning parent set PvmNoParent",
	"Master Host IP Address is Loopback! (See pvm3/Readme)",
};

static const char *text_of(int code)
{
	return code <= 0 && code > -pvm_nerr ? pvm_errlist[-code] : "Unknown Error";
}

const char *pvmi_who(char *to)
{
	if (pvmi->tid)
		snprintf(to, PVMI_WHO, "libpvm [t%x]", pvmi->tid);
	else
		snprintf(to, PVMI_WHO, "libpvm [pid%d]", (int)getpid());
	return to;
}

void pvmi_complain(const char *format, ...)
{
	char who[PVMI_WHO];
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "%s ", pvmi_who(who));
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

int pvmi_error(const char *function, int code)
{
	char who[PVMI_WHO];
	int how = pvmi->options->auto_error;

	pvm_errno = code;
	if (!how)
		return code;
	fprintf(stderr, "%s: %s(): %s\n", pvmi_who(who), function, text_of(code));
	if (how == 2)
		exit(code);
	if (how == 3)
		abort();
	return code;
}

/* PVM's name for it; example programs call it with a name of their own. */
int lpvmerr(const char *function, int code)
{
	return pvmi_error(function, code);
}

int pvm_perror(char *message)
{
	char who[PVMI_WHO];

	fprintf(stderr, "%s: %s: %s\n", pvmi_who(who), message ? message : "(null)", text_of(pvm_errno));
	return PvmOk;
}

char *pvm_strerror(void)
{
	return (char *)text_of(pvm_errno);
}
