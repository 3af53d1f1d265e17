/* What PVM calls its control messages. */
#include "probe.h"

char *pvmnametag(int tag, int *known);

int main(void)
{
	unsigned int kind, i;
	int known;

	for (kind = 0x80000000; kind <= 0x80050000; kind += 0x10000)
		for (i = 0; i < 40; i++) {
			known = -1;
			printf("%s", pvmnametag((int)(kind + i), &known));
			printf(" %d\n", known);
		}
	SHOW(strlen(pvmnametag(5, NULL)));
	return 0;
}
