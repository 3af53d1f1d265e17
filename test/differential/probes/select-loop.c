/* pvm_getfds in a select loop: when nothing is there it waits, when something is it wakes up. */
#include <sys/select.h>
#include "probe.h"

static int wait_for(int seconds)
{
	struct timeval limit = { seconds, 0 };
	int *fds, count = pvm_getfds(&fds), i, most = 0;
	fd_set set;

	FD_ZERO(&set);
	for (i = 0; i < count; i++) {
		FD_SET(fds[i], &set);
		if (fds[i] > most)
			most = fds[i];
	}
	return select(most + 1, &set, NULL, NULL, &limit) > 0;
}

static int child(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		patient_recv(pvm_parent(), 1);
		usleep(50000);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_send(pvm_parent(), 2);
	}
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int tid, i, value, woken, tries;

	start();
	if (is_child(argc, argv, "child"))
		return child();
	tid = child_of(argv, "child");
	for (i = 0; i < 5; i++) {
		signal_to(tid, 1);
		for (tries = 0, woken = 1; pvm_nrecv(tid, 2) <= 0 && woken && tries < 1000; tries++)
			woken = wait_for(10);
		pvm_upkint(&value, 1, 1);
		printf("woken %d, not by spinning %d, got %d\n", woken, tries < 1000, value);
	}
	SHOW(pvm_notify(PvmTaskExit, 3, 1, &tid));
	for (tries = 0, woken = 1; pvm_nrecv(-1, 3) <= 0 && woken && tries < 1000; tries++)
		woken = wait_for(10);
	printf("woken by a notice %d\n", woken && tries < 1000);
	SHOW(pvm_exit());
	return 0;
}
