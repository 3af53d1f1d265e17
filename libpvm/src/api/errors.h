/* errors.h: how errors are told. */
#ifndef PVMI_ERRORS_H
#define PVMI_ERRORS_H

/* "libpvm [t40002]", or the pid before there is a tid; the same pointer. */
#define PVMI_WHO 32
const char *pvmi_who(char *to);

/* One line on stderr behind it. */
void pvmi_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets pvm_errno and, as PvmAutoErr says, prints, exits or aborts. Returns the code. */
int pvmi_error(const char *function, int code);

#endif
