/* ring_test.c: the ring of shared memory, the frames and acknowledgements of TCP, SipHash, greetings:
 * what is true of them, and that garbage from the other side does no harm. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/plane/greeting.h"
#include "../src/plane/shm/ring.h"
#include "../src/plane/siphash.h"
#include "../src/plane/tcp/frame.h"

static struct pvmi_ring_shared *fresh(struct pvmi_ring *sender, struct pvmi_ring *receiver)
{
	/* Exactly its size, so that the sanitizer sees one byte too far. */
	struct pvmi_ring_shared *shared = aligned_alloc(64, sizeof(*shared));

	memset(shared, 0, sizeof(*shared));
	*sender = *receiver = (struct pvmi_ring){ .shared = shared };
	return shared;
}

static bool push(struct pvmi_ring *ring, uint64_t number, size_t length)
{
	static uint8_t body[PVMI_RING_LONGEST];
	enum pvmi_record_kind kind = number % 2 ? PVMI_RECORD_WHOLE : PVMI_RECORD_INLINE;
	struct pvmi_record *record;
	bool fault;

	memset(body, (int)number, length);
	record = pvmi_ring_begin(ring, kind, body, length, &fault);
	if (!record)
		return false;
	record->kind = kind;
	record->number = number;
	record->length = (uint32_t)length;
	pvmi_ring_commit(ring, record);
	return true;
}

/* The next record and its body, in memory of exactly its length; NULL: none, or nonsense. */
static uint8_t *pull(struct pvmi_ring *ring, struct pvmi_record *record)
{
	uint8_t *body;

	if (pvmi_ring_next(ring, record) != 1)
		return NULL;
	if (record->kind > PVMI_RECORD_INLINE)
		record->length = 0;
	body = malloc(record->length);
	pvmi_ring_body(ring, record, body);
	pvmi_ring_taken(ring, record);
	return body;
}

static void records_come_out_as_they_went_in(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	struct pvmi_record record;
	uint64_t in = 0, out = 0;
	uint8_t *body;
	size_t i;

	(void)state;
	srandom(3);
	while (out < 20000) {
		while (random() % 4 && push(&sender, in, in * 131 % 9000))
			in++;
		while (random() % 4 && (body = pull(&receiver, &record))) {
			assert_int_equal(record.number, out);
			assert_int_equal(record.length, out * 131 % 9000);
			for (i = 0; i < record.length; i++)
				assert_int_equal(body[i], (uint8_t)out);
			free(body);
			out++;
		}
	}
	free(shared);
}

static void a_full_ring_says_so_and_takes_more_later(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	struct pvmi_record record;
	uint64_t count = 0;

	(void)state;
	while (push(&sender, count, 1000))
		count++;
	assert_in_range(count, 50, 64);
	free(pull(&receiver, &record));
	assert_true(push(&sender, count, 900));
	free(shared);
}

static void *pusher(void *argument)
{
	struct pvmi_ring *ring = argument;
	uint64_t i = 0;

	while (i < 300000)
		if (push(ring, i, i % 200))
			i++;
	return NULL;
}

static void two_threads_agree(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	struct pvmi_record record;
	pthread_t thread;
	uint8_t *body;
	uint64_t i = 0;

	(void)state;
	pthread_create(&thread, NULL, pusher, &sender);
	while (i < 300000) {
		body = pull(&receiver, &record);
		if (!body)
			continue;
		assert_int_equal(record.number, i);
		assert_true(!record.length || (body[0] == (uint8_t)i && body[record.length - 1] == (uint8_t)i));
		free(body);
		i++;
	}
	pthread_join(thread, NULL);
	free(shared);
}

/* Bodies full of what is a stamp of the next lap somewhere: nothing is there until it is pushed. */
static void what_a_lap_leaves_behind_is_no_record(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	struct pvmi_record record, *place;
	uint32_t body[1000];
	uint64_t i;
	size_t at;
	bool fault;

	(void)state;
	for (i = 0; i < 5000; i++) {
		for (at = 0; at < 1000; at++)
			body[at] = pvmi_ring_stamp(sender.head + PVMI_RING_DATA) + (uint32_t)(at / 16);
		place = pvmi_ring_begin(&sender, PVMI_RECORD_WHOLE, body, i * 64 % 4000, &fault);
		assert_non_null(place);
		place->kind = PVMI_RECORD_WHOLE;
		place->length = (uint32_t)(i * 64 % 4000);
		pvmi_ring_commit(&sender, place);
		free(pull(&receiver, &record));
		assert_int_equal(pvmi_ring_next(&receiver, &record), 0);
	}
	free(shared);
}

/* Whatever a peer writes, nothing outside the ring is touched and the loop ends. */
static void a_receiver_survives_garbage(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	struct pvmi_record record;
	volatile uint8_t sum = 0;
	int round, steps;
	uint8_t *body;
	size_t i;

	(void)state;
	srandom(5);
	for (round = 0; round < 30000; round++) {
		receiver = (struct pvmi_ring){ .shared = shared };
		for (i = 0; i < 16; i++) {
			size_t unit = round % 2 ? (size_t)random() % 1024 : i * (size_t)(round % 5);
			struct pvmi_record *at = (struct pvmi_record *)(shared->data + unit % 1024 * 64);

			at->stamp = random() % 4 ? (uint32_t)unit + 1 : (uint32_t)random();
			at->kind = (uint8_t)(random() % 7);
			at->length = random() % 2 ? (uint32_t)random() % 40000 : (uint32_t)random();
			at->lend = (uint32_t)random() % 1024;
		}
		for (steps = 0; steps < 5000; steps++) {
			body = pull(&receiver, &record);
			if (!body)
				break;
			for (i = 0; i < record.length; i++)
				sum ^= body[i];
			free(body);
			assert_true(record.kind != PVMI_RECORD_LENT || record.lend < PVMI_RING_LENDS);
		}
		/* What is stamped for this lap is none of the next. */
		assert_in_range(steps, 0, 1024);
	}
	free(shared);
}

static void a_sender_survives_garbage(void **state)
{
	struct pvmi_ring sender, receiver;
	struct pvmi_ring_shared *shared = fresh(&sender, &receiver);
	bool fault;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		push(&sender, 1, 600);
	shared->tail = sender.head + 64;
	while (push(&sender, 1, 600))
		;
	assert_null(pvmi_ring_begin(&sender, PVMI_RECORD_WHOLE, shared->data, 30000, &fault));
	assert_true(fault);
	free(shared);
}

static void siphash_is_siphash(void **state)
{
	/* The first of the published vectors: key 00..0f, no input. */
	static const uint8_t expected[16] = { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
					      0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 };
	uint8_t key[16], tag[16];
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	pvmi_siphash(key, NULL, 0, tag);
	assert_memory_equal(tag, expected, 16);
}

static void a_greeting_needs_the_key(void **state)
{
	static const uint8_t key[16] = "the key of a VM", other[16] = "another VM's ke";
	struct pvmi_challenge challenge, replayed;
	struct pvmi_hello hello = { .sender = 1, .receiver = 2, .incarnation = 3 };
	struct pvmi_welcome welcome = { .last = 7 };

	(void)state;
	pvmi_challenge_make(&challenge);
	pvmi_challenge_make(&replayed);
	pvmi_hello_seal(&hello, key, &challenge);
	assert_true(pvmi_hello_good(&hello, key, &challenge));
	assert_false(pvmi_hello_good(&hello, other, &challenge));
	assert_false(pvmi_hello_good(&hello, key, &replayed));
	pvmi_welcome_seal(&welcome, key, &hello);
	assert_true(pvmi_welcome_good(&welcome, key, &hello));
	welcome.last++;
	assert_false(pvmi_welcome_good(&welcome, key, &hello));
	hello.sender = 9;
	assert_false(pvmi_hello_good(&hello, key, &challenge));
}

static void frames_that_cannot_be_are_refused(void **state)
{
	struct pvmi_tcp_frame frame = { .magic = PVMI_TCP_FRAME_MAGIC, .type = PVMI_TCP_FRAME_MESSAGE,
					.number = 1, .length = 10, .offset = 10 };

	(void)state;
	assert_true(pvmi_tcp_frame_good(&frame));
	frame.offset = 11;
	assert_false(pvmi_tcp_frame_good(&frame));
	frame.offset = 0;
	frame.length = PVMI_TCP_FRAME_LONGEST + 1;
	assert_false(pvmi_tcp_frame_good(&frame));
	frame.length = 0;
	frame.number = 0;
	assert_false(pvmi_tcp_frame_good(&frame));
	frame.number = 1;
	frame.type = 3;
	assert_false(pvmi_tcp_frame_good(&frame));
	frame.type = PVMI_TCP_FRAME_MESSAGE;
	frame.magic++;
	assert_false(pvmi_tcp_frame_good(&frame));
}

static void acknowledgements_may_come_in_any_portions(void **state)
{
	struct pvmi_ack acks[50];
	struct pvmi_ack_parser parser;
	size_t at, part, step;
	uint64_t number;

	(void)state;
	for (at = 0; at < 50; at++)
		acks[at] = (struct pvmi_ack){ .magic = PVMI_ACK_MAGIC, .number = at + 1 };
	for (step = 1; step < 40; step++) {
		memset(&parser, 0, sizeof(parser));
		number = 0;
		for (at = 0; at < sizeof(acks); at += part) {
			part = sizeof(acks) - at < step ? sizeof(acks) - at : step;
			assert_true(pvmi_acks_parse(&parser, (uint8_t *)acks + at, part, &number));
		}
		assert_int_equal(number, 50);
	}
	/* Backwards, or without the mark. */
	number = 60;
	assert_false(pvmi_acks_parse(&parser, (uint8_t *)acks, sizeof(acks), &number));
	memset(&parser, 0, sizeof(parser));
	acks[0].magic = 0;
	number = 0;
	assert_false(pvmi_acks_parse(&parser, (uint8_t *)acks, sizeof(acks), &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_as_they_went_in),
		cmocka_unit_test(a_full_ring_says_so_and_takes_more_later),
		cmocka_unit_test(two_threads_agree),
		cmocka_unit_test(what_a_lap_leaves_behind_is_no_record),
		cmocka_unit_test(a_receiver_survives_garbage),
		cmocka_unit_test(a_sender_survives_garbage),
		cmocka_unit_test(siphash_is_siphash),
		cmocka_unit_test(a_greeting_needs_the_key),
		cmocka_unit_test(frames_that_cannot_be_are_refused),
		cmocka_unit_test(acknowledgements_may_come_in_any_portions),
	};

	return cmocka_run_group_tests_name("ring and frames", tests, NULL, NULL);
}
