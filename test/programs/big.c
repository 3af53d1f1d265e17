/*
 * big MEBIBYTES [TOUCH]
 *
 * Holds that much memory with known content, says "big ready", and on any message checks every
 * byte and ends. With TOUCH it keeps writing that many pages a round meanwhile.
 */
#include "common.h"

int main(int argc, char **argv)
{
	size_t bytes = (size_t)atoi(argc > 1 ? argv[1] : "256") << 20;
	int touch = argc > 2 ? atoi(argv[2]) : 0;
	unsigned char *memory = malloc(bytes);
	uint64_t round = 0;
	size_t at;

	pvm_mytid();
	for (at = 0; at < bytes; at += 4096)
		fill(memory + at, 4096, key(7, 0, at));
	printf("big ready\n");
	fflush(stdout);
	while (touch && !pvm_probe(-1, -1)) {
		int i;

		for (i = 0; i < touch; i++) {
			at = key(9, round, (uint64_t)i) % (bytes / 4096) * 4096;
			fill(memory + at, 4096, key(7, 0, at));
		}
		round++;
	}
	pvm_recv(-1, -1);
	for (at = 0; at < bytes; at += 4096)
		if (differs(memory + at, 4096, key(7, 0, at)) >= 0)
			die("page %zu is spoilt", at / 4096);
	printf("big ok %zu\n", bytes >> 20);
	pvm_exit();
	return 0;
}
