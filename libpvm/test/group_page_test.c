/* group_page_test.c: a group's page: every arrival counts once, whoever comes when; files that are no page. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../src/group/groups.h"

#define MEMBERS 5
#define ME 0x40003U

static struct pvmi_group_page *new_page(uint32_t members)
{
	struct pvmi_group_page *page = calloc(1, pvmi_page_size(members));
	uint32_t i;

	assert_non_null(page);
	page->magic = PVMI_PAGE_MAGIC;
	page->members = members;
	page->id = 0x1f2e;
	page->counts = 1;
	page->word = pvmi_page_word(1, 0, 0);
	for (i = 0; i < members; i++)
		page->member[i].tid = 0x40001 + i;
	return page;
}

static void the_last_one_lets_all_go(void **state)
{
	struct pvmi_group_page *page = new_page(3);
	uint32_t round, first, second, last;

	(void)state;
	for (round = 0; round < 3; round++) {
		assert_int_equal(pvmi_page_enter(page, 0, 3, &first), PVMI_PAGE_WAIT);
		assert_int_equal(pvmi_page_enter(page, 2, 3, &second), PVMI_PAGE_WAIT);
		assert_int_equal(first, second);
		assert_int_equal(pvmi_page_look(page, first), PVMI_PAGE_WAIT);
		assert_int_equal(pvmi_page_enter(page, 1, 3, &last), PVMI_PAGE_LET_GO);
		assert_int_equal(pvmi_page_look(page, first), PVMI_PAGE_LET_GO);
	}
	assert_int_equal(pvmi_page_enter(page, 1, 1, &last), PVMI_PAGE_LET_GO);
	free(page);
}

static void a_barrier_has_one_count(void **state)
{
	struct pvmi_group_page *page = new_page(3);
	uint32_t generation, other;

	(void)state;
	assert_int_equal(pvmi_page_enter(page, 0, 2, &generation), PVMI_PAGE_WAIT);
	assert_int_equal(pvmi_page_enter(page, 1, 3, &other), PVMI_PAGE_MISMATCH);
	assert_int_equal(pvmi_page_enter(page, 1, 1, &other), PVMI_PAGE_MISMATCH);
	assert_int_equal(pvmi_page_look(page, generation), PVMI_PAGE_WAIT);
	assert_int_equal(page->member[1].mark, 0);
	assert_int_equal(pvmi_page_enter(page, 1, 2, &other), PVMI_PAGE_LET_GO);
	assert_int_equal(pvmi_page_enter(page, 2, 3, &other), PVMI_PAGE_WAIT);
	free(page);
}

static void the_generation_wraps(void **state)
{
	struct pvmi_group_page *page = new_page(2);
	uint32_t generation, other;

	(void)state;
	page->word = pvmi_page_word(PVMI_PAGE_GENERATION, 0, 0);
	assert_int_equal(pvmi_page_enter(page, 0, 2, &generation), PVMI_PAGE_WAIT);
	assert_int_equal(pvmi_page_enter(page, 1, 2, &other), PVMI_PAGE_LET_GO);
	assert_false(pvmi_page_withdrawn(page));
	assert_int_equal(pvmi_page_look(page, generation), PVMI_PAGE_LET_GO);
	free(page);
}

static void a_withdrawn_page_tells_who_waits(void **state)
{
	struct pvmi_group_page *page = new_page(3);
	uint32_t before, generation, now, i;

	(void)state;
	assert_int_equal(pvmi_page_enter(page, 0, 2, &before), PVMI_PAGE_WAIT);
	assert_int_equal(pvmi_page_enter(page, 1, 2, &now), PVMI_PAGE_LET_GO);
	assert_int_equal(pvmi_page_enter(page, 1, 2, &generation), PVMI_PAGE_WAIT);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pvmi_page_withdraw(page, &now), 2);
		assert_int_equal(now, generation);
	}
	/* Let go before it was withdrawn, and not looked yet. */
	assert_int_equal(pvmi_page_look(page, before), PVMI_PAGE_LET_GO);
	assert_int_not_equal(page->member[0].mark, now);
	assert_int_equal(pvmi_page_look(page, generation), PVMI_PAGE_GONE);
	assert_int_equal(page->member[1].mark, now);
	assert_int_equal(pvmi_page_enter(page, 2, 2, &generation), PVMI_PAGE_GONE);
	free(page);
}

/* ------------------------------------------------------------------ all at once */

static struct pvmi_group_page *shared;
static uint64_t entered[MEMBERS], left[MEMBERS];        /* barriers of the page */
static uint32_t waiting_since[MEMBERS];                 /* generation, when it lost the page while it waited */

static void *member(void *argument)
{
	uint32_t me = (uint32_t)(uintptr_t)argument, generation, i;
	enum pvmi_page_answer answer;

	for (;;) {
		__atomic_add_fetch(&entered[me], 1, __ATOMIC_SEQ_CST);
		answer = pvmi_page_enter(shared, me, MEMBERS, &generation);
		if (answer == PVMI_PAGE_GONE)
			return NULL;
		while (answer == PVMI_PAGE_WAIT) {
			sched_yield();
			answer = pvmi_page_look(shared, generation);
		}
		if (answer == PVMI_PAGE_GONE) {
			waiting_since[me] = generation;
			return NULL;
		}
		for (i = 0; i < MEMBERS; i++)
			if (__atomic_load_n(&entered[i], __ATOMIC_SEQ_CST) < entered[me])
				abort();        /* left before that one had entered */
		__atomic_add_fetch(&left[me], 1, __ATOMIC_SEQ_CST);
	}
}

static void nobody_is_lost_when_it_is_withdrawn_at_any_moment(void **state)
{
	pthread_t threads[MEMBERS];
	uint32_t i, generation, count, marked, waiting;
	int round;

	(void)state;
	srandom(7);
	for (round = 0; round < 300; round++) {
		shared = new_page(MEMBERS);
		memset(entered, 0, sizeof(entered));
		memset(left, 0, sizeof(left));
		memset(waiting_since, 0, sizeof(waiting_since));
		for (i = 0; i < MEMBERS; i++)
			pthread_create(&threads[i], NULL, member, (void *)(uintptr_t)i);
		for (i = (uint32_t)random() % 200; i; i--)
			sched_yield();
		count = pvmi_page_withdraw(shared, &generation);
		for (i = marked = waiting = 0; i < MEMBERS; i++) {
			pthread_join(threads[i], NULL);
			if (waiting_since[i] && shared->member[i].mark != generation)
				fail_msg("member %u waits and is not marked", i);
			marked += shared->member[i].mark == generation;
			waiting += waiting_since[i] != 0;
			/* All have passed as many barriers: as many as were let go. */
			assert_int_equal(left[i], generation - 1);
		}
		assert_true(count == 0 || count == MEMBERS);
		assert_int_equal(waiting, (uint32_t)shared->word & 0xffff);
		assert_true(marked >= waiting);
		free(shared);
	}
}

/* ------------------------------------------------------------------ files */

static char directory[64];

static void write_file(const void *bytes, size_t size)
{
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "%s/g1f2e", directory);
	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void only_a_whole_page_is_mapped(void **state)
{
	struct pvmi_group_page *page = new_page(4);
	size_t size = pvmi_page_size(4), cut;
	struct pvmi_group *group;

	(void)state;
	assert_false(pvmi_group_adopt("group", 0x1f2e));        /* no file */
	for (cut = 0; cut < size; cut += 3) {
		write_file(page, cut);
		assert_false(pvmi_group_adopt("group", 0x1f2e));
	}
	page->members = 5;
	write_file(page, size);
	assert_false(pvmi_group_adopt("group", 0x1f2e));
	page->members = 0xffffffff;
	write_file(page, size);
	assert_false(pvmi_group_adopt("group", 0x1f2e));
	page->members = 4;
	page->id = 0x1f2f;
	write_file(page, size);
	assert_false(pvmi_group_adopt("group", 0x1f2e));
	page->id = 0x1f2e;
	page->magic++;
	write_file(page, size);
	assert_false(pvmi_group_adopt("group", 0x1f2e));
	page->magic--;
	page->member[1].tid = 0;
	write_file(page, size);
	assert_true(pvmi_group_adopt("group", 0x1f2e));
	group = pvmi_group_find("group");
	assert_non_null(group);
	assert_int_equal(group->own, 2);
	assert_int_equal(group->present, 3);
	assert_null(pvmi_group_find("another"));
	/* What others write there later is not believed. */
	group->page->members = 0xffffffff;
	assert_int_equal(pvmi_group_find("group")->members, 4);
	pvmi_page_withdraw(group->page, &(uint32_t){ 0 });
	assert_null(pvmi_group_find("group"));
	pvmi_groups_drop();
	free(page);
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/mpvm-group-test-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	pvmi->tid = ME;
	strcpy(pvmi->socket_dir, directory);
	return 0;
}

static int remove_directory(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/g1f2e", directory);
	unlink(path);
	pvmi->tid = 0;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_lets_all_go),
		cmocka_unit_test(a_barrier_has_one_count),
		cmocka_unit_test(the_generation_wraps),
		cmocka_unit_test(a_withdrawn_page_tells_who_waits),
		cmocka_unit_test(nobody_is_lost_when_it_is_withdrawn_at_any_moment),
		cmocka_unit_test_setup_teardown(only_a_whole_page_is_mapped, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
