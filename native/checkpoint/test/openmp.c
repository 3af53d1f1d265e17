/* OpenMP's threads (libgomp): at work, spinning for work, asleep. */
#include <omp.h>
#include <unistd.h>

#include "case.h"

#define N 4000

static void openmp(void)
{
	static double values[N];
	omp_nest_lock_t lock;
	unsigned long round, total = 0, inside = 0;
	int i;

	omp_set_num_threads(4);
	omp_init_nest_lock(&lock);
	for (round = 1; more(); round++) {
		double sum = 0;
		unsigned long counted = 0;

#pragma omp parallel for schedule(dynamic, 16) reduction(+ : sum)
		for (i = 0; i < N; i++) {
			values[i] = i * (double)round;
			sum += values[i];
		}
		CHECK(sum == N * (N - 1.0) / 2 * round);
#pragma omp parallel reduction(+ : counted)
		{
			omp_set_nest_lock(&lock);
			omp_set_nest_lock(&lock);
			inside++;
			omp_unset_nest_lock(&lock);
			omp_unset_nest_lock(&lock);
#pragma omp barrier
#pragma omp critical
			total++;
#pragma omp single
			for (i = 0; i < 8; i++) {
#pragma omp task
				usleep(i * 20);
			}
			counted++;
		}
		CHECK(counted == 4 && total == round * 4 && inside == round * 4);
		if (round % 4 == 0)
			usleep(3000);           /* the others fall asleep */
	}
}

static const struct test_case table[] = { { "openmp", openmp }, { NULL, NULL } };

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
