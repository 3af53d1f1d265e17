#include "case.h"

#include <math.h>

unsigned wanted = 10;

double series(unsigned n)
{
	double x = 1.0;
	unsigned i;

	for (i = 1; i < n; i++)
		x = x * 1.0000001 + sin(i) / i;
	return x;
}

int run_case(const struct test_case *table, int argc, char **argv)
{
	const struct test_case *entry;

	if (argc > 2)
		wanted = atoi(argv[2]);
	for (entry = table; entry->name; entry++) {
		if (argc < 2) {
			printf("%s ", entry->name);
			continue;
		}
		if (strcmp(argv[1], entry->name))
			continue;
		mini_start();
		entry->run();
		printf("ok\n");
		return 0;
	}
	return 2;
}
