/* poke TAG TID...: sends an empty message to each, from a program started in a shell. */
#include "common.h"

int main(int argc, char **argv)
{
	int i;

	if (argc < 3 || pvm_mytid() < 0)
		return 2;
	for (i = 2; i < argc; i++) {
		int tid = (int)strtol(argv[i] + (argv[i][0] == 't'), NULL, 16);

		pvm_initsend(PvmDataDefault);
		if (pvm_send(tid, atoi(argv[1])) < 0)
			return 1;
	}
	pvm_exit();
	return 0;
}
