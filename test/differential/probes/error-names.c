/* The text of every code. */
#include "probe.h"

extern char *pvm_errlist[];
extern int pvm_nerr;
extern int pvm_errno;

int main(void)
{
	int i;

	start();
	SHOW(pvm_nerr);
	for (i = 0; i < pvm_nerr; i++)
		printf("%d: %s\n", -i, pvm_errlist[i]);
	for (i = 0; i < 45; i++) {
		pvm_errno = -i;
		printf("%d %s\n", -i, pvm_strerror());
	}
	pvm_exit();
	return 0;
}
