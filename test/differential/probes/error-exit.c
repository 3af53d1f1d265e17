/* PvmAutoErr 2: an error ends the program. */
#include "probe.h"

int main(void)
{
	start();
	SHOW(pvm_setopt(PvmAutoErr, 2));
	pvm_send(0, 1);
	printf("still here\n");
	return 0;
}
