/*
 * ring: tasks in a circle pass a numbered message round and round.
 *
 *   ring [-w TASKS] [-r ROUNDS] [-b BYTES]
 *
 * Every task checks the number and the bytes of what it gets, so that a message that is lost,
 * doubled, overtaken or damaged shows at once.
 */
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TAG_START = 1, TAG_TOKEN = 2, MAX_TASKS = 256, MAX_BYTES = 64 << 20 };

static unsigned char pattern(int round, int i)
{
	return (unsigned char)(round * 7 + i * 13 + (i >> 8));
}

static void token_send(int tid, int round, char *bytes, int length)
{
	for (int i = 0; i < length; i++)
		bytes[i] = (char)pattern(round, i);
	pvm_initsend(PvmDataRaw);
	pvm_pkint(&round, 1, 1);
	pvm_pkbyte(bytes, length, 1);
	pvm_send(tid, TAG_TOKEN);
}

static void token_receive(int tid, int round, char *bytes, int length)
{
	int got = -1;

	pvm_recv(tid, TAG_TOKEN);
	pvm_upkint(&got, 1, 1);
	memset(bytes, 0, (size_t)length);
	pvm_upkbyte(bytes, length, 1);
	for (int i = 0; i < length && got == round; i++)
		if ((unsigned char)bytes[i] != pattern(round, i))
			got = -1;
	if (got != round) {
		fprintf(stderr, "ring: t%x expected round %d and got something else\n", pvm_mytid(),
			round);
		pvm_exit();
		exit(1);
	}
}

static void member(int before, int after, int rounds, int length, int first)
{
	char *bytes = malloc((size_t)length + 1);
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int round = 0; round < rounds; round++) {
		if (first)
			token_send(after, round, bytes, length);
		token_receive(before, round, bytes, length);
		if (!first)
			token_send(after, round, bytes, length);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (first)
		printf("ring: %d rounds of %d bytes in %.3f s, every byte as sent\n", rounds, length,
		       (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	free(bytes);
}

int main(int argc, char **argv)
{
	int tasks = 4, rounds = 1000, length = 1024, option, tids[MAX_TASKS], before, after;
	char program[4096], *arguments[] = { NULL };

	while ((option = getopt(argc, argv, "w:r:b:")) != -1) {
		if (option == 'w')
			tasks = atoi(optarg);
		else if (option == 'r')
			rounds = atoi(optarg);
		else if (option == 'b')
			length = atoi(optarg);
		else
			return 2;
	}
	if (tasks < 2 || tasks > MAX_TASKS || rounds < 1 || length < 0 || length > MAX_BYTES) {
		fprintf(stderr, "ring: 2 to %d tasks, 1 or more rounds, 0 to %d bytes\n", MAX_TASKS,
			MAX_BYTES);
		return 2;
	}
	if ((tids[0] = pvm_mytid()) < 0)
		return 1;
	if (pvm_parent() > 0) {
		pvm_recv(pvm_parent(), TAG_START);
		pvm_upkint(&before, 1, 1);
		pvm_upkint(&after, 1, 1);
		pvm_upkint(&rounds, 1, 1);
		pvm_upkint(&length, 1, 1);
		member(before, after, rounds, length, 0);
		pvm_exit();
		return 0;
	}
	if (!strchr(argv[0], '/') || !realpath(argv[0], program))
		snprintf(program, sizeof(program), "%s", argv[0]);
	if (pvm_spawn(program, arguments, PvmTaskDefault, "", tasks - 1, tids + 1) < tasks - 1) {
		fprintf(stderr, "ring: cannot start %d tasks of %s\n", tasks - 1, program);
		pvm_exit();
		return 1;
	}
	for (int i = 1; i < tasks; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&tids[i - 1], 1, 1);
		pvm_pkint(&tids[(i + 1) % tasks], 1, 1);
		pvm_pkint(&rounds, 1, 1);
		pvm_pkint(&length, 1, 1);
		pvm_send(tids[i], TAG_START);
	}
	member(tids[tasks - 1], tids[1], rounds, length, 1);
	pvm_exit();
	return 0;
}
