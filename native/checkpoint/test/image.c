/* The image stream: framing, checksum, limits; SipHash; texts. Runs under ASan and UBSan. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../image/siphash.h"
#include "../image/stream.h"
#include "../image/text.h"
#include "image.pb.h"

static struct ckpt_out out;
static struct ckpt_in in;
static int ends[2];

static int open_ends(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int close_ends(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void siphash_is_the_reference(void **state)
{
	/* From the reference implementation: key 00..0f, input 00..0e. */
	static const uint8_t expected[16] = { 0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11,
					      0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9 };
	uint8_t key[16], input[15], got[16];
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		key[i] = i;
	for (i = 0; i < 15; i++)
		input[i] = i;
	ckpt_siphash128(key, input, sizeof(input), got);
	assert_memory_equal(got, expected, 16);
}

static void text_is_cut_never_overrun(void **state)
{
	char small[8];

	(void)state;
	ckpt_format(small, sizeof(small), "%s %d", "long text", 5);
	assert_string_equal(small, "long te");
	char large[100];
	ckpt_format(large, sizeof(large), "%d %u %lx %e %e", -7, 8u, 0xabcul, (long)-ENOENT, -9999l);
	assert_string_equal(large, "-7 8 abc ENOENT errno 9999");
}

static void *write_image(void *damage)
{
	mpvm_image_Pages pages = { 0x1000, 300 };
	mpvm_image_Round round = { 3, true };
	mpvm_image_End end = mpvm_image_End_init_zero;
	size_t left = 300 * CKPT_PAGE, room, i = 0;

	(void)damage;
	ckpt_out_start(&out, ends[0], NULL, NULL);
	ckpt_out_record(&out, mpvm_image_RecordType_ROUND, mpvm_image_Round_fields, &round);
	ckpt_out_record(&out, mpvm_image_RecordType_PAGES, mpvm_image_Pages_fields, &pages);
	while (left) {
		uint8_t *to = ckpt_out_room(&out, 1, &room);

		if (room > left)
			room = left;
		for (size_t k = 0; k < room; k++)
			to[k] = (uint8_t)(i++ * 31 >> 3);
		ckpt_out_used(&out, room);
		left -= room;
	}
	end.checksum = ckpt_out_checksum(&out);
	ckpt_out_record(&out, mpvm_image_RecordType_END, mpvm_image_End_fields, &end);
	ckpt_out_flush(&out);
	shutdown(ends[0], SHUT_WR);
	return NULL;
}

static void an_image_arrives_as_it_was(void **state)
{
	struct ckpt_record record;
	mpvm_image_Round round;
	mpvm_image_End end;
	uint8_t *pages = malloc(300 * CKPT_PAGE);
	pthread_t writer;
	size_t i, got;

	(void)state;
	pthread_create(&writer, NULL, write_image, NULL);
	ckpt_in_start(&in, ends[1], NULL, NULL);
	assert_int_equal(ckpt_in_record(&in, &record, mpvm_image_RecordType_END), 0);
	assert_int_equal(record.type, mpvm_image_RecordType_ROUND);
	assert_true(ckpt_decode(&record, mpvm_image_Round_fields, &round));
	assert_int_equal(round.number, 3);
	assert_int_equal(ckpt_in_record(&in, &record, mpvm_image_RecordType_END), 0);
	assert_int_equal(record.type, mpvm_image_RecordType_PAGES);
	for (i = 0; i < 300 * CKPT_PAGE; i += got) {
		const uint8_t *piece = ckpt_in_piece(&in, 300 * CKPT_PAGE - i, &got);

		assert_non_null(piece);
		memcpy(pages + i, piece, got);
	}
	for (i = 0; i < 300 * CKPT_PAGE; i++)
		if (pages[i] != (uint8_t)(i * 31 >> 3))
			fail_msg("byte %zu", i);
	assert_int_equal(ckpt_in_record(&in, &record, mpvm_image_RecordType_END), 0);
	assert_true(ckpt_decode(&record, mpvm_image_End_fields, &end));
	assert_true(end.checksum == ckpt_hash_value(&in.hash));
	assert_int_equal(ckpt_in_record(&in, &record, mpvm_image_RecordType_END), 1);
	pthread_join(writer, NULL);
	free(pages);
}

static void a_record_too_long_is_refused(void **state)
{
	uint32_t head[2] = { mpvm_image_RecordType_AREA, 0xffffffff };
	struct ckpt_record record;

	(void)state;
	assert_int_equal(write(ends[0], head, 8), 8);
	ckpt_in_start(&in, ends[1], NULL, NULL);
	assert_int_equal(ckpt_in_record(&in, &record, 0), -EPROTO);
}

static void an_end_inside_a_record_is_an_error(void **state)
{
	uint32_t head[2] = { mpvm_image_RecordType_AREA, 100 };
	struct ckpt_record record;

	(void)state;
	assert_int_equal(write(ends[0], head, 8), 8);
	close(ends[0]);
	ckpt_in_start(&in, ends[1], NULL, NULL);
	assert_int_equal(ckpt_in_record(&in, &record, 0), -ECONNRESET);
}

static void noise_never_breaks_the_reader(void **state)
{
	unsigned seed = 1, i, k;

	(void)state;
	for (i = 0; i < 3000; i++) {
		static mpvm_image_Area area;
		static mpvm_image_Process process;
		static mpvm_image_Descriptor descriptor;
		static mpvm_image_Thread thread;
		static mpvm_image_Data data;
		static mpvm_image_Watch watch;
		static mpvm_image_PendingSignal pending;
		uint8_t bytes[200];
		struct ckpt_record record = { 3, (seed = seed * 1103515245 + 12345) >> 16 & 127, bytes };

		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = (seed = seed * 1103515245 + 12345) >> 16;
		ckpt_decode(&record, mpvm_image_Area_fields, &area);
		ckpt_decode(&record, mpvm_image_Process_fields, &process);
		ckpt_decode(&record, mpvm_image_Descriptor_fields, &descriptor);
		ckpt_decode(&record, mpvm_image_Thread_fields, &thread);
		ckpt_decode(&record, mpvm_image_Data_fields, &data);
		ckpt_decode(&record, mpvm_image_Watch_fields, &watch);
		ckpt_decode(&record, mpvm_image_PendingSignal_fields, &pending);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_the_reference),
		cmocka_unit_test(text_is_cut_never_overrun),
		cmocka_unit_test_setup_teardown(an_image_arrives_as_it_was, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(a_record_too_long_is_refused, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(an_end_inside_a_record_is_an_error, open_ends, close_ends),
		cmocka_unit_test(noise_never_breaks_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
