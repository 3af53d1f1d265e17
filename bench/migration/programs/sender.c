/*
 * sender TID DIARY
 *
 * Sends 64 bytes to a task again and again, with a rest of 100 us in between, and notes how long
 * each pvm_send took, in nanoseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pvm3.h>

#include "diary.h"

int main(int argc, char **argv)
{
	char data[64] = "";
	int to;

	if (argc < 3)
		return 2;
	to = (int)strtol(argv[1], NULL, 16);
	pvm_mytid();
	open_diary(argv[2]);
	printf("sender ready\n");
	fflush(stdout);
	for (;;) {
		const struct timespec rest = { 0, 100000 };
		uint64_t from, till;

		pvm_initsend(PvmDataRaw);
		pvm_pkbyte(data, sizeof(data), 1);
		from = now_ns();
		if (pvm_send(to, 1) < 0)
			return 1;
		till = now_ns();
		note(from / 1000, till - from);
		if (nanosleep(&rest, NULL) && errno == EINTR) {
			printf("interrupted\n");
			return 1;
		}
	}
}
