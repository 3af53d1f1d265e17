/* Messages of tens of megabytes, there and back, in every encoding. */
#include "probe.h"

#define COUNT (6 << 20)

static unsigned int sum(const int *values)
{
	unsigned int total = 0;
	int i;

	for (i = 0; i < COUNT; i++)
		total = total * 31 + (unsigned int)values[i];
	return total;
}

static int child(int *values)
{
	unsigned int total;
	int i;

	for (i = 0; i < 3; i++) {
		memset(values, 0, COUNT * sizeof(int));
		patient_recv(pvm_parent(), i);
		pvm_upkint(values, COUNT, 1);
		total = sum(values);
		pvm_initsend(i);
		pvm_pkuint(i == 2 ? (unsigned int *)values : &total, i == 2 ? COUNT : 1, 1);
		pvm_send(pvm_parent(), i);
	}
	pvm_precv(pvm_parent(), 3, values, COUNT, PVM_INT, NULL, NULL, NULL);
	total = sum(values);
	pvm_psend(pvm_parent(), 3, &total, 1, PVM_UINT);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	int *values = malloc(COUNT * sizeof(int)), *back = malloc(COUNT * sizeof(int)), i, tid, bytes = 0;
	unsigned int total, theirs;

	start();
	if (is_child(argc, argv, "child"))
		return child(values);
	for (i = 0; i < COUNT; i++)
		values[i] = i * 2654435761U;
	total = sum(values);
	tid = child_of(argv, "child");
	for (i = 0; i < 3; i++) {
		pvm_initsend(i);
		SHOW(pvm_pkint(values, COUNT, 1));
		SHOW(pvm_send(tid, i));
		SHOW(patient_recv(tid, i) > 0);
		SHOW(length_of(pvm_getrbuf()));
		if (i < 2) {
			pvm_upkuint(&theirs, 1, 1);
			SHOW(theirs == total);
		} else {
			SHOW(pvm_upkint(back, COUNT, 1));
			SHOW(sum(back) == total);
		}
	}
	SHOW(pvm_psend(tid, 3, values, COUNT, PVM_INT));
	SHOW(pvm_precv(tid, 3, &theirs, 1, PVM_UINT, NULL, NULL, &bytes));
	SHOW(theirs == total);
	SHOW(bytes);
	SHOW(pvm_exit());
	return 0;
}
