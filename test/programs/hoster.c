/*
 * hoster: registers with pvm_reg_hoster, and starts hosts by running their command in a shell of its own, as
 * one for machines without a network shell might. Prints the name of each host it starts. With an argument
 * it answers every request with that word instead; with "never" it does not answer.
 */
#include "common.h"

#include <pvmproto.h>

static char *text(void)
{
	static char room[65536];

	room[0] = 0;
	pvm_upkstr(room);
	return strdup(room);
}

static void run(const char *command, char *output, size_t size)
{
	FILE *pipe = popen(command, "r");

	output[pipe ? fread(output, 1, size - 1, pipe) : 0] = 0;
	if (pipe)
		pclose(pipe);
}

int main(int argc, char **argv)
{
	struct pvmminfo question, answer;
	char output[8192];
	int i, count, tid, mid;

	if (pvm_mytid() < 0 || pvm_reg_hoster() < 0)
		return 1;
	pvm_setopt(PvmResvTids, 1);
	printf("hoster\n");
	fflush(stdout);
	for (;;) {
		mid = pvm_recv(-1, SM_STHOST);
		pvm_getminfo(mid, &question);
		pvm_upkint(&count, 1, 1);
		pvm_initsend(PvmDataDefault);
		for (i = 0; i < count; i++) {
			char *login, *command;

			pvm_upkint(&tid, 1, 1);
			text();                 /* so= */
			login = text();
			command = text();
			text();
			text();
			printf("start %s\n", login);
			fflush(stdout);
			if (argc > 1 && !strcmp(argv[1], "never"))
				pause();
			if (argc > 1)
				snprintf(output, sizeof(output), "%s", argv[1]);
			else
				run(command, output, sizeof(output));
			pvm_pkint(&tid, 1, 1);
			pvm_pkstr(output);
		}
		pvm_getminfo(pvm_getsbuf(), &answer);
		answer.wid = question.wid;
		pvm_setminfo(pvm_getsbuf(), &answer);
		pvm_send(question.src, SM_STHOSTACK);
	}
}
