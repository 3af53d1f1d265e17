/*
 * asker TID COUNT: asks a task COUNT times, and wants the right answers. To a number (tag 1) the answer
 * (tag 2) is the number, its square as a double, and its digits as a string. A negative number ends the task.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pvm3.h>

static void ask(int tid, int number)
{
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&number, 1, 1);
	pvm_send(tid, 1);
}

static int right(int number)
{
	int same = 0;
	double square = 0;
	char digits[64] = "", expected[64];

	if (pvm_upkint(&same, 1, 1) || pvm_upkdouble(&square, 1, 1) || pvm_upkstr(digits))
		return 0;
	snprintf(expected, sizeof(expected), "%d", number);
	if (same == number && square == (double)number * number && !strcmp(digits, expected))
		return 1;
	printf("asked for %d: %d %f '%s'\n", number, same, square, digits);
	return 0;
}

int main(int argc, char **argv)
{
	int tid = argc > 2 ? (int)strtol(argv[1], NULL, 16) : 0, count = argc > 2 ? atoi(argv[2]) : 0, i, number;

	if (pvm_mytid() < 0 || tid <= 0)
		return 2;
	if (count < 0) {
		ask(tid, -1);
		pvm_exit();
		return 0;
	}
	for (i = 0; i < count; i++) {
		number = i * 7;
		ask(tid, number);
		if (pvm_recv(tid, 2) < 0 || !right(number))
			return 1;
	}
	printf("%d answers are right\n", count);
	pvm_exit();
	return 0;
}
