/* pvm_precv takes the oldest message that fits, whether it waits for it or it is there, and leaves the others. */
#include "probe.h"

#define COUNT 300

/* Tags 1 and 2 in turn, every fifth too long for who expects little, every seventh packed. */
static int sender(void)
{
	int parent = pvm_parent(), i, long_one[40];

	for (i = 0; i < COUNT; i++) {
		memset(long_one, 0, sizeof(long_one));
		long_one[0] = i;
		if (i % 7 == 0) {
			pvm_initsend(PvmDataRaw);
			pvm_pkint(long_one, i % 5 ? 1 : 40, 1);
			pvm_send(parent, 1 + i % 2);
		} else {
			pvm_psend(parent, 1 + i % 2, (char *)long_one, i % 5 ? 1 : 40, PVM_INT);
		}
	}
	pvm_psend(parent, 3, (char *)long_one, 0, PVM_INT);
	patient_recv(parent, 4);
	pvm_exit();
	return 0;
}

static long wrong;

static void expect(int from, int tag, int number, int length)
{
	int value = -1, got_from = 0, got_tag = 0, got_length = 0;
	int code = pvm_precv(from, tag, (char *)&value, 1, PVM_INT, &got_from, &got_tag, &got_length);

	wrong += code || value != number || got_tag != 1 + number % 2 || got_length != length || got_from <= 0;
}

static int length_sent(int number)
{
	return number % 5 ? 4 : 160;
}

int main(int argc, char **argv)
{
	int tid, other, i, length = -1, value = 77;

	start();
	if (is_child(argc, argv, "sender"))
		return sender();
	tid = child_of(argv, "sender");
	for (i = 0; i < 100; i += 2)            /* one tag: those of the other stay */
		expect(tid, 1, i, length_sent(i));
	for (i = 1; i < 40; i += 2)
		expect(-1, 2, i, length_sent(i));
	for (i = 41; i < 100; i += 2)           /* any tag: first what has stayed */
		expect(tid, -1, i, length_sent(i));
	for (i = 100; i < 200; i++)
		expect(-1, -1, i, length_sent(i));
	SHOW(wrong);
	while (!pvm_probe(tid, 3))              /* now all are here */
		usleep(1000);
	for (i = 201; i < COUNT; i += 2)
		expect(tid, 2, i, length_sent(i));
	for (i = 200; i < COUNT; i += 2)
		expect(-1, -1, i, length_sent(i));
	SHOW(wrong);
	SHOW(pvm_precv(tid, 3, (char *)&value, 1, PVM_INT, &other, &i, &length));
	SHOW(value);
	SHOW(length);
	SHOW(other == tid);
	signal_to(tid, 4);
	SHOW(pvm_exit());
	return 0;
}
