/* pvm_tickle: the verbs that answer something, and what is refused. */
#include "probe.h"

static int tickle(int verb, int argument)
{
	int arguments[10] = { verb, argument }, answers[10] = { 0 }, count = -1, result;

	result = pvm_tickle(2, arguments, &count, answers);
	printf("verb %d: %d, %d answers, first %d\n", verb, result, count, count > 0 ? answers[0] : 0);
	return result;
}

int main(void)
{
	int arguments[12] = { 5 }, count = -1, answers[12];

	start();
	pvm_setopt(PvmAutoErr, 0);
	tickle(5, 0);
	tickle(6, 0x40);
	tickle(5, 0);
	tickle(6, 0);
	tickle(5, 0);
	tickle(1, 0);
	tickle(2, 0);
	tickle(3, 0);
	tickle(4, 0);
	tickle(7, 8);
	tickle(77, 0);
	SHOW(pvm_tickle(0, arguments, &count, answers));
	SHOW(pvm_tickle(11, arguments, &count, answers));
	SHOW(pvm_tickle(1, arguments, NULL, NULL));
	SHOW(pvm_exit());
	return 0;
}
