/*
 * printer LINES MICROSECONDS
 *
 * Numbered lines to stdout and stderr by turns, so that a test can see whether output is lost,
 * doubled or out of order while the task moves. Without LINES: one line for each message.
 */
#include "common.h"

int main(int argc, char **argv)
{
	int lines = argc > 1 ? atoi(argv[1]) : 0;
	int pause = argc > 2 ? atoi(argv[2]) : 0;
	int i;

	pvm_mytid();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; !lines || i < lines; i++) {
		if (!lines) {
			int tag;

			pvm_recv(-1, -1);
			pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
			if (tag == 0)
				break;
		} else if (pause) {
			usleep((useconds_t)pause);
		}
		fprintf(i & 1 ? stderr : stdout, "line %d of %s\n", i, i & 1 ? "stderr" : "stdout");
	}
	printf("printer ok %d\n", i);
	pvm_exit();
	return 0;
}
