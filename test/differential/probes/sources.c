/* Several senders: the order of each is kept, wildcards take the oldest, a tid or tag picks. */
#include "probe.h"

#define CHILDREN 3
#define EACH 20

static int child(int number)
{
	int i, values[2];

	for (i = 0; i < EACH; i++) {
		values[0] = number;
		values[1] = i;
		pvm_initsend(i % 2 ? PvmDataRaw : PvmDataDefault);
		pvm_pkint(values, 2, 1);
		pvm_send(pvm_parent(), i % 5);
	}
	signal_to(pvm_parent(), 9);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	char *names[CHILDREN] = { "0", "1", "2" };
	int tids[CHILDREN], i, tag, values[2], last[CHILDREN], wrong = 0;

	start();
	if (argc > 1)
		return child(atoi(argv[1]));
	for (i = 0; i < CHILDREN; i++)
		tids[i] = child_of(argv, names[i]);
	for (i = 0; i < CHILDREN; i++)
		SHOW(patient_recv(tids[i], 9) > 0);
	/* Everything is here. One sender, one tag. */
	for (i = 0; i < EACH / 5; i++) {
		patient_recv(tids[1], 3);
		pvm_upkint(values, 2, 1);
		printf("%d %d\n", values[0], values[1]);
	}
	SHOW(pvm_nrecv(tids[1], 3));
	/* Any tag of one. */
	for (i = 0; i < EACH - EACH / 5; i++) {
		int mid = patient_recv(tids[1], -1);

		pvm_upkint(values, 2, 1);
		printf("%d:%d ", values[1], tag_of(mid));
	}
	printf("\n");
	SHOW(pvm_nrecv(tids[1], -1));
	/* One tag of any, then anything: each sender's order holds. */
	for (i = 0; i < CHILDREN; i++)
		last[i] = -1;
	for (tag = 2; tag >= -1; tag -= 3)
		while (pvm_nrecv(-1, tag) > 0) {
			pvm_upkint(values, 2, 1);
			if (tag < 0 && values[1] % 5 == 2)
				wrong++;
			if (tag < 0 && values[1] <= last[values[0]])
				wrong++;
			if (tag < 0)
				last[values[0]] = values[1];
		}
	SHOW(wrong);
	printf("%d %d %d\n", last[0], last[1], last[2]);
	SHOW(pvm_exit());
	return 0;
}
