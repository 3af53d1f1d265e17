/* memory_test.c: the allocators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

#include <cmocka.h>

#include "../src/memory/memory.h"

static void objects_are_zeroed_aligned_and_apart(void **state)
{
	enum { COUNT = 2000 };
	static uint8_t *objects[COUNT];
	static size_t sizes[COUNT];
	size_t i, j, round;

	(void)state;
	srandom(1);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < COUNT; i++) {
			sizes[i] = (size_t)random() % (i % 50 ? 700 : 90000);
			objects[i] = pvmi_alloc(sizes[i]);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % 16, 0);
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(objects[i][j], 0);
			memset(objects[i], (int)i, sizes[i]);
		}
		for (i = 0; i < COUNT; i++) {
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(objects[i][j], (uint8_t)i);
			pvmi_free(objects[i]);
		}
	}
	assert_int_equal(pvmi_memory_counts().object_bytes, 0);
}

static void an_object_that_grows_keeps_its_content(void **state)
{
	size_t size, i;
	uint8_t *object = NULL;

	(void)state;
	for (size = 1; size < 300000; size = size * 3 / 2 + 1) {
		object = pvmi_realloc(object, size);
		assert_non_null(object);
		for (i = 0; i < size * 2 / 3; i++)
			assert_true(object[i] == 7 || i >= size * 2 / 3 - 2);
		memset(object, 7, size);
	}
	pvmi_free(object);
}

static void blocks_of_the_heap_are_in_its_file(void **state)
{
	static const size_t sizes[] = { 0, 1, 256, 257, 5000, 65536, 100000, 1 << 20, (5 << 20) + 1 };
	struct pvmi_block *blocks[9];
	uint64_t offset;
	uint8_t byte;
	size_t i;

	(void)state;
	for (i = 0; i < 9; i++) {
		blocks[i] = pvmi_block_new(sizes[i]);
		assert_non_null(blocks[i]);
		assert_int_equal(blocks[i]->kind, PVMI_BLOCK_SHARED);
		assert_true(blocks[i]->capacity >= sizes[i]);
		memset(blocks[i]->bytes, (int)i + 1, blocks[i]->capacity);
	}
	for (i = 0; i < 9; i++) {
		assert_true(pvmi_heap_offset(blocks[i]->bytes, &offset));
		assert_int_equal(pread(pvmi_heap()->fd, &byte, 1, (off_t)offset), 1);
		assert_int_equal(byte, i + 1);
		assert_int_equal(blocks[i]->bytes[blocks[i]->capacity - 1], i + 1);
	}
	/* Peers map it: it must not shrink. */
	assert_int_equal(ftruncate(pvmi_heap()->fd, 4096), -1);
	for (i = 0; i < 9; i++)
		pvmi_block_unref(blocks[i]);
	assert_int_equal(pvmi_memory_counts().heap_bytes, 0);
}

static void a_freed_block_serves_the_next_of_its_size(void **state)
{
	struct pvmi_block *block = pvmi_block_new(70000), *second;
	uint8_t *bytes = block->bytes;

	(void)state;
	pvmi_block_ref(block);
	pvmi_block_unref(block);
	second = pvmi_block_new(70000);
	assert_ptr_not_equal(second->bytes, bytes);
	pvmi_block_unref(block);
	block = pvmi_block_new(69999);
	assert_ptr_equal(block->bytes, bytes);
	pvmi_block_unref(block);
	pvmi_block_unref(second);
}

static void private_blocks_of_any_size_work(void **state)
{
	struct pvmi_block *small = pvmi_block_private(100), *huge = pvmi_block_private(1UL << 30);
	uint64_t offset;

	(void)state;
	assert_int_equal(small->kind, PVMI_BLOCK_PRIVATE);
	assert_false(pvmi_heap_offset(small->bytes, &offset));
	huge->bytes[0] = huge->bytes[(1UL << 30) - 1] = 1;
	pvmi_block_unref(huge);
	pvmi_block_unref(small);
	assert_int_equal(pvmi_memory_counts().private_bytes, 0);
}

static int released;

static void release(struct pvmi_foreign_block *foreign)
{
	released += (int)foreign->index;
}

static void a_lent_block_is_released_with_its_last_reference(void **state)
{
	uint8_t bytes[10];
	struct pvmi_foreign_block *foreign = pvmi_block_foreign(bytes, sizeof(bytes));

	(void)state;
	foreign->release = release;
	foreign->index = 3;
	pvmi_block_ref(&foreign->block);
	pvmi_block_unref(&foreign->block);
	assert_int_equal(released, 0);
	pvmi_block_unref(&foreign->block);
	assert_int_equal(released, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
		cmocka_unit_test(an_object_that_grows_keeps_its_content),
		cmocka_unit_test(blocks_of_the_heap_are_in_its_file),
		cmocka_unit_test(a_freed_block_serves_the_next_of_its_size),
		cmocka_unit_test(private_blocks_of_any_size_work),
		cmocka_unit_test(a_lent_block_is_released_with_its_last_reference),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
