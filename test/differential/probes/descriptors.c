/* pvm_getfds gives something select() can wait for. */
#include "probe.h"

#include <sys/select.h>

int main(int argc, char **argv)
{
	struct timeval limit = { 5, 0 };
	int *fds, n, i, ready, tries;
	fd_set set;

	start();
	if (is_child(argc, argv, "send")) {
		signal_to(pvm_parent(), 4);
		pvm_exit();
		return 0;
	}
	SHOW(pvm_getfds(&fds) >= 1);
	SHOW(fds[0] >= 0);
	child_of(argv, "send");
	for (tries = 0; tries < 50 && pvm_probe(-1, 4) <= 0; tries++) {
		n = pvm_getfds(&fds);
		FD_ZERO(&set);
		for (i = 0; i < n; i++)
			FD_SET(fds[i], &set);
		limit.tv_sec = 5;
		ready = select(1024, &set, NULL, NULL, &limit);
		if (ready <= 0) {
			SHOW(ready);
			break;
		}
	}
	SHOW(pvm_nrecv(-1, 4) > 0);
	pvm_exit();
	return 0;
}
