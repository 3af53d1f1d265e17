/*
 * spinner STEPS
 *
 * Floating point and integer work without a library call in the loop, in SSE and x87 registers.
 * Prints the state at the end in hexadecimal: the same, bit for bit, however often it moved.
 */
#include "common.h"

int main(int argc, char **argv)
{
	unsigned long steps = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000000ul;
	double x = 0.3, sum = 0;
	long double y = 0.7L;
	uint64_t bits = 88172645463325252ull;
	unsigned long i;

	pvm_mytid();
	printf("spinner started\n");
	fflush(stdout);
	for (i = 0; i < steps; i++) {
		x = 3.9 * x * (1 - x);
		sum += x / (double)(i + 1);
		y = 3.8L * y * (1 - y);
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
	}
	printf("spinner %a %a %La %016lx\n", x, sum, y, (unsigned long)bits);
	pvm_exit();
	return 0;
}
