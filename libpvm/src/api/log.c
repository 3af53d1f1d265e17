/*
 * log.c: PVM's own complaints, which programs and its Fortran library make use of: text on stderr
 * behind the library's name and ours.
 */
#include <errno.h>
#include <string.h>

#include "api.h"

void pvmlogerror(const char *text)
{
	char who[PVMI_WHO];

	fprintf(stderr, "%s: %s", pvmi_who(who), text);
}

void pvmlogperror(const char *text)
{
	char who[PVMI_WHO];
	int error = errno;

	fprintf(stderr, "%s %s: %s\n", pvmi_who(who), text, strerror(error));
}

/* A line may come in pieces: it is introduced once. */
int vpvmlogprintf(const char *format, va_list arguments)
{
	static bool in_line;
	char who[PVMI_WHO], line[8192];
	int length = vsnprintf(line, sizeof(line), format, arguments);

	if (length <= 0)
		return length;
	if (!in_line)
		fprintf(stderr, "%s ", pvmi_who(who));
	fputs(line, stderr);
	in_line = line[strlen(line) - 1] != '\n';
	return length;
}

int pvmlogprintf(const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vpvmlogprintf(format, arguments);
	va_end(arguments);
	return length;
}

/* PVM's own code calls it before it gives up; what a daemon would tidy up a task has not got. */
void pvmbailout(int code)
{
	(void)code;
}
