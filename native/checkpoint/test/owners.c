/* Which memory is taken for a held lock, and which is not; owners get their new numbers. Runs under ASan and UBSan. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../restorer/restorer.h"

#define WORDS 4096

struct restorer restorer;
static uint64_t *memory;
static struct area area;

/* What owners.c needs of the restorer. */
void give_up(const char *code, const char *format, ...)
{
	(void)format;
	fail_msg("gave up: %s", code);
	abort();
}

struct area *area_at(uintptr_t address)
{
	return address >= area.start && address < area.end ? &area : NULL;
}

const struct thread *thread_of(uint32_t old)
{
	size_t i;

	for (i = 0; i < restorer.thread_count; i++)
		if (restorer.threads[i].wanted.tid == old)
			return &restorer.threads[i];
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	memory = aligned_alloc(4096, WORDS * 8);
	memset(memory, 0, WORDS * 8);
	area = (struct area){ .start = (uintptr_t)memory, .end = (uintptr_t)(memory + WORDS),
			      .protection = PROT_READ | PROT_WRITE, .now = PROT_READ | PROT_WRITE };
	restorer.lock_count = 0;
	restorer.thread_count = 1;
	restorer.main_thread = &restorer.threads[0];
	restorer.threads[0].wanted.tid = gettid();
	restorer.threads[0].tid = 4000001;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static pthread_mutex_t *held(size_t word, int type, int robust, int protocol)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(memory + word);
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	assert_int_equal(pthread_mutex_init(mutex, &attr), 0);
	assert_int_equal(pthread_mutex_lock(mutex), 0);
	return mutex;
}

/* In pages that come one by one, the later ones first. */
static void look(void)
{
	size_t page;

	for (page = WORDS * 8 / CKPT_PAGE; page--;)
		note_locks(&area, area.start + page * CKPT_PAGE, area.start + (page + 1) * CKPT_PAGE,
			   (const uint8_t *)(area.start + page * CKPT_PAGE));
	renumber_threads();
}

static void held_locks_get_the_new_owner(void **state)
{
	static const struct { int type, robust, protocol; } kinds[] = {
		{ PTHREAD_MUTEX_RECURSIVE, 0, 0 }, { PTHREAD_MUTEX_ERRORCHECK, 0, 0 },
		{ PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0 },
		{ PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, 0 },
		{ PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT },
		{ PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT },
	};
	const size_t count = sizeof(kinds) / sizeof(kinds[0]);
	pthread_mutex_t *mutexes[6], copies[6];
	pthread_rwlock_t *lock = (pthread_rwlock_t *)(memory + 1021), copy;
	size_t i;

	(void)state;
	assert_int_equal(count, 6);
	for (i = 0; i < count; i++)     /* the last one lies in two pages */
		mutexes[i] = held(i + 1 < count ? 16 * i : 510, kinds[i].type, kinds[i].robust,
				  kinds[i].protocol);
	pthread_rwlock_init(lock, NULL);
	assert_int_equal(pthread_rwlock_wrlock(lock), 0);
	for (i = 0; i < count; i++)
		copies[i] = *mutexes[i];
	copy = *lock;
	look();
	for (i = 0; i < count; i++) {
		assert_int_equal(mutexes[i]->__data.__owner, 4000001);
		if (kinds[i].robust || kinds[i].protocol)
			assert_int_equal(mutexes[i]->__data.__lock & 0x3fffffff, 4000001);
		*mutexes[i] = copies[i];
		assert_int_equal(pthread_mutex_unlock(mutexes[i]), 0);
	}
	assert_int_equal(lock->__data.__cur_writer, 4000001);
	*lock = copy;
	assert_int_equal(pthread_rwlock_unlock(lock), 0);
}

static uint64_t word_of(int shape, size_t i)
{
	static uint64_t seed = 1;
	uint64_t number = gettid();

	switch (shape) {
	case 0:
		return number;
	case 1:
		return number | number << 32;
	case 2:
		return 2 * i | (2 * i + 1) << 32;
	case 3:
		return number - 2000 + i;
	case 4:
		return i % 4 ? i % 4 : number;
	default:
		seed = seed * 6364136223846793005ull + 1;
		return seed >> 32 & 0x3f0000003full;
	}
}

static void numbers_are_not_locks(void **state)
{
	uint64_t *before = malloc(WORDS * 8);
	int shape;
	size_t i;

	(void)state;
	for (shape = 0; shape < 6; shape++) {
		for (i = 0; i < WORDS; i++)
			memory[i] = word_of(shape, i);
		memcpy(before, memory, WORDS * 8);
		restorer.lock_count = 0;
		look();
		assert_memory_equal(before, memory, WORDS * 8);
	}
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(held_locks_get_the_new_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_are_not_locks, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
