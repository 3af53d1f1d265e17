/* pvm_catchout: the output of children, marked with their tids, complete when pvm_exit returns. */
#include "probe.h"

int main(int argc, char **argv)
{
	int tid, i;

	if (is_child(argc, argv, "speak")) {
		pvm_mytid();
		printf("one\ntwo\n");
		fflush(stdout);
		fprintf(stderr, "to stderr\n");
		printf("no newline at the end");
		fflush(stdout);
		signal_to(pvm_parent(), 1);
		pvm_exit();
		return 0;
	}
	start();
	SHOW(pvm_catchout(stdout));
	for (i = 0; i < 2; i++) {
		tid = child_of(argv, "speak");
		SHOW(patient_recv(tid, 1) > 0);
	}
	SHOW(pvm_exit());
	printf("end\n");
	return 0;
}
