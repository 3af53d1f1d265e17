/* The options as a task finds them, before and after it enrols, and what pvm_setopt refuses. */
#include "probe.h"

int main(void)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	SHOW(pvm_getopt(PvmAutoErr));
	SHOW(pvm_getopt(PvmRoute));
	start();
	pvm_setopt(PvmAutoErr, 0);
	for (i = 0; i <= 26; i++)
		printf("option %d: %d\n", i, pvm_getopt(i));
	SHOW(pvm_setopt(PvmRoute, 99));
	SHOW(pvm_setopt(PvmRoute, PvmRouteDirect));
	SHOW(pvm_setopt(PvmRoute, PvmDontRoute));
	SHOW(pvm_setopt(PvmRoute, PvmAllowDirect));
	SHOW(pvm_setopt(PvmFragSize, 10));
	SHOW(pvm_setopt(PvmFragSize, 51));
	SHOW(pvm_setopt(PvmFragSize, 52));
	SHOW(pvm_setopt(PvmFragSize, 1048577));
	SHOW(pvm_setopt(PvmFragSize, 1048576));
	SHOW(pvm_setopt(PvmFragSize, 4080));
	SHOW(pvm_setopt(PvmResvTids, 1));
	SHOW(pvm_setopt(PvmResvTids, 0));
	SHOW(pvm_setopt(PvmShowTids, 0));
	SHOW(pvm_setopt(PvmNoReset, 1));
	SHOW(pvm_setopt(PvmNoReset, 0));
	SHOW(pvm_setopt(PvmAutoErr, 7));
	SHOW(pvm_setopt(PvmAutoErr, -1));
	SHOW(pvm_setopt(99, 1));
	SHOW(pvm_setopt(0, 1));
	SHOW(pvm_setopt(PvmPollType, PvmPollSleep));
	SHOW(pvm_setopt(PvmOutputTid, 0));
	SHOW(pvm_setopt(PvmOutputTid, 5));
	SHOW(pvm_setopt(PvmOutputTid, pvm_mytid()));
	SHOW(pvm_setopt(PvmOutputCode, 12));
	SHOW(pvm_setopt(PvmTraceCode, 13));
	SHOW(pvm_exit());
	return 0;
}
