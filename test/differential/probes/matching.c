/* Receiving by tag and by sender passes over older messages and keeps them in order. */
#include "probe.h"

int main(int argc, char **argv)
{
	int i, a, b, me = start();

	if (is_child(argc, argv, "child")) {
		for (i = 1; i <= 3; i++)
			signal_to(pvm_parent(), i);
		pvm_exit();
		return 0;
	}
	a = child_of(argv, "child");
	SHOW(tag_of(patient_recv(a, 3)));
	b = child_of(argv, "child");
	signal_to(me, 2);
	SHOW(source_of(patient_recv(b, 2)) == b);
	SHOW(source_of(patient_recv(me, -1)) == me);
	SHOW(source_of(patient_recv(a, -1)) == a);
	SHOW(tag_of(pvm_getrbuf()));
	SHOW(tag_of(patient_recv(b, -1)));
	SHOW(tag_of(patient_recv(a, -1)));
	SHOW(tag_of(patient_recv(-1, -1)));
	SHOW(pvm_nrecv(-1, -1));
	pvm_exit();
	return 0;
}
