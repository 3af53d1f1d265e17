/* guard_test.c: program and agent never own the state at the same time, and neither waits for ever. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/guard/guard.h"

#define CALLS 300000

/* Plain memory: only the guard keeps two owners from tearing it. */
static struct { uint64_t a, b; } owned;
static volatile int done;
static uint64_t turns, takes;

static void use(void)
{
	if (owned.a != owned.b)
		abort();
	owned.a++;
	__asm__ volatile("" ::: "memory");
	owned.b++;
}

static bool is_done(void)
{
	return done;
}

static void *agent(void *unused)
{
	while (!done) {
		if (turns % 3 ? pvmi_guard_try() : pvmi_guard_take(is_done)) {
			use();
			takes++;
			pvmi_guard_release();
		}
		turns++;
	}
	return unused;
}

static void program_and_agent_take_turns(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	pvmi_guard_start();
	pthread_create(&thread, NULL, agent, NULL);
	for (i = 0; i < CALLS || takes < 100; i++) {
		pvmi_enter();
		use();
		if (i % 7 == 0) {
			pvmi_enter();           /* a handler that calls */
			use();
			pvmi_leave();
		}
		if (i % 5 == 0) {
			pvmi_guard_pause();     /* asleep in the library */
			pvmi_guard_resume();
			use();
		}
		assert_false(pvmi_guard_outside());
		pvmi_leave();
		assert_true(pvmi_guard_outside());
	}
	done = 1;
	pthread_join(thread, NULL);
	assert_int_equal(owned.a, owned.b);
	assert_true(takes >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(program_and_agent_take_turns) };

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
