/* PvmOutputTid by hand: the messages in which output arrives. */
#include "probe.h"

int main(int argc, char **argv)
{
	int tid, about, n, i, ends = 0;
	char text[512];

	if (is_child(argc, argv, "speak")) {
		printf("some output\n");
		return 0;
	}
	start();
	pvm_setopt(PvmOutputTid, pvm_mytid());
	pvm_setopt(PvmOutputCode, 77);
	tid = child_of(argv, "speak");
	for (i = 0; i < 10 && !ends; i++) {
		if (patient_recv(-1, 77) <= 0)
			break;
		pvm_upkint(&about, 1, 1);
		pvm_upkint(&n, 1, 1);
		memset(text, 0, sizeof text);
		if (n > 0)
			pvm_upkbyte(text, n, 1);
		printf("%s %d '%s'\n", about == tid ? "child" : "other", n, text);
		ends = n == 0;
	}
	pvm_setopt(PvmOutputTid, 0);
	pvm_exit();
	return 0;
}
