/* The variables that PVM exports and programs look at. */
#include "probe.h"

extern int pvm_errno, pvm_nerr, pvm_useruid, pvmautoerr, pvmdebmask, pvmfrgsiz, pvmmyctx, pvmmydsig, pvmmyptid, pvmmytid,
	pvmmyupid, pvmnoreset, pvmnsibs, pvmrescode, pvmrouteopt, pvmschedtid, pvmshowtaskid, pvmtoplvl, pvmudpmtu;
extern int *pvmsibtids;
extern char *pvmmytaskname, *pvm_errlist[];

static void options(void)
{
	SHOW(pvmautoerr);
	SHOW(pvmdebmask);
	SHOW(pvmfrgsiz);
	SHOW(pvmudpmtu);
	SHOW(pvmnoreset);
	SHOW(pvmrescode);
	SHOW(pvmrouteopt);
	SHOW(pvmshowtaskid);
	SHOW(pvmschedtid);
	SHOW(pvmtoplvl);
}

static void place(int me)
{
	SHOW(pvmmytid == me);
	SHOW(pvmmyptid == (pvm_parent() > 0 ? pvm_parent() : 0));
	SHOW(pvmmyupid == (int)getpid());
	SHOW(pvm_useruid == (int)getuid());
	SHOW(pvmmydsig);
	SHOW(pvmmyctx == pvm_getcontext());
}

int main(int argc, char **argv)
{
	int context, child, *tids, n, i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options();
	SHOW(pvmmytid);
	SHOW(pvmmyptid);
	SHOW(pvmmyupid);
	SHOW(pvm_useruid);
	SHOW(pvmmydsig);
	SHOW(pvmmyctx);
	SHOW(pvmnsibs);
	SHOW(pvmsibtids != NULL);
	SHOW(pvmmytaskname != NULL);
	SHOW(pvm_nerr);
	for (i = 0; i < pvm_nerr; i++)
		printf("%d %s\n", i, pvm_errlist[i]);

	place(pvm_mytid());
	if (is_child(argc, argv, "child")) {
		n = pvm_siblings(&tids);
		SHOW(pvmnsibs == n);
		SHOW(pvmsibtids == tids);
		SHOW(pvmmyctx != 0);
		pvm_initsend(PvmDataDefault);
		n = pvmmyptid == pvm_parent() && pvmmyctx == pvm_getcontext() && pvmmyupid == (int)getpid();
		pvm_pkint(&n, 1, 1);
		pvm_send(pvm_parent(), 1);
		pvm_exit();
		return 0;
	}
	pvm_setopt(PvmFragSize, 8192);
	pvm_setopt(PvmResvTids, 1);
	pvm_setopt(PvmShowTids, 0);
	pvm_setopt(PvmRoute, PvmRouteDirect);
	pvm_setopt(PvmAutoErr, 0);
	pvm_setopt(PvmNoReset, 1);
	options();
	pvm_setopt(PvmNoReset, 0);
	SHOW(pvmnoreset);
	SHOW(pvm_freebuf(12345));
	SHOW(pvm_errno);
	context = pvm_newcontext();
	pvm_setcontext(context);
	SHOW(pvmmyctx == context);
	child = child_of(argv, "child");
	patient_recv(child, 1);
	pvm_upkint(&n, 1, 1);
	printf("the child knows its place: %d\n", n);
	pvm_exit();
	SHOW(pvmmytid);
	options();
	return 0;
}
