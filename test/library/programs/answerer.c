/*
 * Answers asker.c. Before each answer it looks at the variables that libpvm exports: a value that a move
 * has made untrue ends it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <pvm3.h>

extern int pvmmytid, pvmmyptid, pvmmyupid, pvm_useruid, pvmmydsig, pvmmyctx, pvmautoerr, pvmfrgsiz, pvmnsibs, pvm_errno;
extern int *pvmsibtids;

static int first_tid, first_parent;

static int variables_true(void)
{
	return pvmmytid == first_tid && pvmmytid == pvm_mytid() && pvmmyptid == first_parent && pvmmyupid == (int)getpid() &&
	       pvm_useruid == (int)getuid() && pvmmydsig == 0x00408c41 && pvmmyctx == pvm_getcontext() && pvmautoerr == 0 &&
	       pvmfrgsiz == 8192 && pvmnsibs == 1 && pvmsibtids[0] == first_tid && pvm_errno == PvmNoSuchBuf;
}

static void answer(int tid, int number)
{
	double square = (double)number * number;
	char digits[32];

	snprintf(digits, sizeof(digits), "%d", number);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&number, 1, 1);
	pvm_pkdouble(&square, 1, 1);
	pvm_pkstr(digits);
	pvm_send(tid, 2);
}

int main(void)
{
	int number = 0, tid, served = 0, *siblings;

	first_tid = pvm_mytid();
	if (first_tid < 0)
		return 2;
	first_parent = pvm_parent() > 0 ? pvm_parent() : 0;
	pvm_siblings(&siblings);
	pvm_setopt(PvmAutoErr, 0);
	pvm_setopt(PvmFragSize, 8192);
	pvm_freebuf(12345);             /* sets pvm_errno */
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		if (pvm_recv(-1, 1) < 0 || pvm_upkint(&number, 1, 1))
			return 3;
		if (number < 0)
			break;
		if (!variables_true()) {
			printf("tid %d, pid %d, uid %d, context %d, errno %d\n", pvmmytid, pvmmyupid, pvm_useruid, pvmmyctx, pvm_errno);
			return 4;
		}
		pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &tid);
		answer(tid, number);
		served++;
	}
	printf("served %d\n", served);
	pvm_exit();
	return 0;
}
