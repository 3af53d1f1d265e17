/* frame_test.c: envelopes between task and daemon, also those that no daemon would send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/link.h"

/* ToTask { request: 7, status: -5, tids { tids: [1, -1] } } */
static const uint8_t answer[] = { 0x08, 7, 0x10, 9, 0x2a, 4, 0x0a, 2, 2, 1 };

static void an_envelope_is_taken_apart(void **state)
{
	struct pvmi_frame frame;

	(void)state;
	assert_true(pvmi_frame_parse(answer, sizeof(answer), &frame));
	assert_int_equal(frame.request, 7);
	assert_int_equal(frame.status, -5);
	assert_int_equal(frame.tag, mpvm_task_ToTask_tids_tag);
	assert_int_equal(frame.length, 4);
	assert_ptr_equal(frame.body, answer + 6);
}

static void an_empty_envelope_is_a_success_without_a_body(void **state)
{
	struct pvmi_frame frame;

	(void)state;
	assert_true(pvmi_frame_parse(answer, 0, &frame));
	assert_int_equal(frame.status, 0);
	assert_int_equal(frame.tag, 0);
}

static void a_truncated_envelope_is_refused(void **state)
{
	struct pvmi_frame frame;
	uint8_t *exact;
	size_t length;

	(void)state;
	for (length = 1; length < sizeof(answer); length++) {
		if (length == 2 || length == 4)         /* ends between two fields: whole */
			continue;
		exact = malloc(length);                 /* so that ASan sees a byte too many */
		memcpy(exact, answer, length);
		assert_false(pvmi_frame_parse(exact, length, &frame));
		free(exact);
	}
}

static void garbage_is_survived(void **state)
{
	mpvm_task_MigrationStart start = mpvm_task_MigrationStart_init_zero;
	mpvm_task_Enrolled place = mpvm_task_Enrolled_init_zero;
	struct pvmi_frame frame;
	unsigned int seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		size_t length = (size_t)rand_r(&seed) % 96, i;
		uint8_t *bytes = malloc(length + !length);

		for (i = 0; i < length; i++)
			bytes[i] = (uint8_t)(rand_r(&seed) >> 8);
		if (pvmi_frame_parse(bytes, length, &frame) && frame.body) {
			assert_true(frame.body >= bytes && frame.body + frame.length <= bytes + length);
			pvmi_frame_decode(&frame, mpvm_task_MigrationStart_fields, &start);
			pvmi_frame_decode(&frame, mpvm_task_Enrolled_fields, &place);
		}
		free(bytes);
	}
}

static void a_frame_is_as_long_as_it_says(void **state)
{
	char *argv[] = { "one", "two", NULL };
	struct pvmi_strings arguments = { argv, 2 };
	mpvm_task_Spawn body = mpvm_task_Spawn_init_zero;
	uint8_t *frame;
	uint32_t length;
	size_t size;

	(void)state;
	body.program = PVMI_SEND_STRING("program");
	body.argv = (pb_callback_t){ .funcs.encode = pvmi_encode_strings, .arg = &arguments };
	body.count = 3;
	size = pvmi_frame_size(9, mpvm_task_ToDaemon_spawn_tag, mpvm_task_Spawn_fields, &body);
	assert_true(size > 4);
	frame = malloc(size);
	assert_true(pvmi_frame_encode(frame, size, 9, mpvm_task_ToDaemon_spawn_tag, mpvm_task_Spawn_fields, &body));
	memcpy(&length, frame, 4);
	assert_int_equal(length, size - 4);
	assert_non_null(memmem(frame, size, "program", 7));
	assert_non_null(memmem(frame, size, "two", 3));
	free(frame);
}

static void a_frame_beyond_the_limit_is_not_made(void **state)
{
	struct pvmi_bytes bytes = { calloc(1, PVMI_FRAME_LIMIT + 1), PVMI_FRAME_LIMIT + 1 };
	mpvm_task_MailboxPut body = mpvm_task_MailboxPut_init_zero;

	(void)state;
	body.body = PVMI_SEND_BYTES(&bytes);
	assert_int_equal(pvmi_frame_size(1, mpvm_task_ToDaemon_mailbox_put_tag, mpvm_task_MailboxPut_fields, &body), 0);
	free((void *)bytes.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_envelope_is_taken_apart),
		cmocka_unit_test(an_empty_envelope_is_a_success_without_a_body),
		cmocka_unit_test(a_truncated_envelope_is_refused),
		cmocka_unit_test(garbage_is_survived),
		cmocka_unit_test(a_frame_is_as_long_as_it_says),
		cmocka_unit_test(a_frame_beyond_the_limit_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
