/* plane_test.c: messages between real processes over both routes; every byte is checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "../src/plane/plane.h"
#include "fake_node.h"

#define CHECK(condition) \
	((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), _exit(99)))

static pid_t start(int number, int node, void (*body)(int number))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(120);
	/* A crash must end this process, not the test that cmocka believes it is in. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	fake_enrol(number, node);
	body(number);
	fake_leave();
	_exit(0);
}

static void assert_ends_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	(void)state;
	fake_open();
	return 0;
}

static const unsigned long sizes[] = { 0, 1, 7, 100, 900, 1016, 1017, 1100, 5000, 65536, 300000, 3000000, 20000000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* ------------------------------------------------------------------ echo */

static void echo(int number)
{
	unsigned long length;
	uint64_t seed;
	int tag, from;

	(void)number;
	do {
		from = fake_receive(&tag, &seed, &length);
		CHECK(fake_send(from, tag, seed, length) == 0);
	} while (tag != 99);
}

static void ask(int number)
{
	unsigned long length, i;
	uint64_t seed;
	int tag;

	(void)number;
	for (i = 0; i < SIZES * 2; i++) {
		CHECK(fake_send(2, (int)i, i * 77, sizes[i % SIZES]) == 0);
		CHECK(fake_receive(&tag, &seed, &length) == 2);
		CHECK(tag == (int)i && seed == i * 77 && length == sizes[i % SIZES]);
	}
	for (i = 0; i < 3000; i++) {
		CHECK(fake_send(2, i == 2999 ? 99 : 5, i, i % 50) == 0);
		CHECK(fake_receive(&tag, &seed, &length) == 2);
		CHECK(seed == i);
	}
}

static void on_one_node_messages_of_all_sizes_come_back(void **state)
{
	pid_t a = start(1, 1, ask), b = start(2, 1, echo);

	(void)state;
	assert_ends_well(a);
	assert_ends_well(b);
}

static void between_nodes_messages_of_all_sizes_come_back(void **state)
{
	pid_t a = start(1, 1, ask), b = start(2, 2, echo);

	(void)state;
	assert_ends_well(a);
	assert_ends_well(b);
}

/* ------------------------------------------------------------------ everybody to everybody */

#define MANY 5
#define ROUNDS 400

static int cuts;

static void exchange(int number)
{
	uint64_t next[MANY + 1] = { 0 }, seed, sent[MANY + 1] = { 0 };
	unsigned long length;
	int tag, from, i, round, left = (MANY - 1) * ROUNDS;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 1; i <= MANY; i++)
			if (i != number)
				CHECK(fake_send(i, round, sent[i]++, (unsigned long)(round * 97 % 6000)) == 0);
		if (cuts && round % 20 == number)
			fake_cut();
		for (i = 0; i < 3 && left; i++, left--) {
			from = fake_receive(&tag, &seed, &length);
			CHECK(seed == next[from]);
			next[from]++;
		}
	}
	for (; left; left--) {
		from = fake_receive(&tag, &seed, &length);
		CHECK(seed == next[from]);
		next[from]++;
	}
}

static void run_exchange(int nodes)
{
	pid_t pids[MANY + 1];
	int i;

	for (i = 1; i <= MANY; i++)
		pids[i] = start(i, 1 + i % nodes, exchange);
	for (i = 1; i <= MANY; i++)
		assert_ends_well(pids[i]);
}

static void all_to_all_on_one_node_keeps_order(void **state)
{
	(void)state;
	run_exchange(1);
}

static void all_to_all_on_three_nodes_keeps_order(void **state)
{
	(void)state;
	run_exchange(3);
}

static void connections_that_are_cut_lose_and_repeat_nothing(void **state)
{
	(void)state;
	cuts = 1;
	run_exchange(2);
	cuts = 0;
}

/* ------------------------------------------------------------------ a stream that is cut in the middle of messages */

static void pour(int number)
{
	unsigned long i;

	(void)number;
	for (i = 0; i < 60; i++) {
		CHECK(fake_send(2, 1, i, 1000000 + i) == 0);
		if (i % 7 == 3)
			fake_cut();
	}
}

static void catch(int number)
{
	unsigned long length, i;
	uint64_t seed;
	int tag;

	(void)number;
	for (i = 0; i < 60; i++) {
		CHECK(fake_receive(&tag, &seed, &length) == 1);
		CHECK(seed == i && length == 1000000 + i);
		if (i % 11 == 5)
			fake_cut();
	}
}

static void a_large_stream_resumes_after_each_cut(void **state)
{
	pid_t a, b;
	int nodes;

	(void)state;
	for (nodes = 1; nodes <= 2; nodes++) {
		memset(fake->entries, 0, sizeof(fake->entries));
		a = start(1, 1, pour);
		b = start(2, nodes, catch);
		assert_ends_well(a);
		assert_ends_well(b);
	}
}

/* ------------------------------------------------------------------ a receiver that computes */

static void compute(int number)
{
	unsigned long length, i;
	volatile unsigned long work = 0;
	uint64_t seed;
	int tag;

	(void)number;
	/* Until the senders have left: only the agent can have taken their messages in. */
	while (__atomic_load_n(&fake->words[0], __ATOMIC_SEQ_CST) < 2)
		work++;
	for (i = 0; i < 2 * 200; i++)
		fake_receive(&tag, &seed, &length);
}

static void send_and_leave(int number)
{
	unsigned long i;

	for (i = 0; i < 200; i++)
		CHECK(fake_send(2, number, i, 20000) == 0);
	fake_leave();
	__atomic_fetch_add(&fake->words[0], 1, __ATOMIC_SEQ_CST);
	_exit(0);
}

static void senders_to_a_computing_task_can_leave(void **state)
{
	pid_t a = start(1, 1, send_and_leave), b = start(2, 1, compute), c = start(3, 2, send_and_leave);

	(void)state;
	assert_ends_well(a);
	assert_ends_well(c);
	assert_ends_well(b);
}

/* ------------------------------------------------------------------ traffic */

static void report(bool heard)
{
	pvmi_enter();
	fake_deaf = !heard;
	pvmi_plane_tell_traffic();
	pvmi_leave();
}

/* A message's seed travels in front of it: 8 bytes. */
static void tell(int number)
{
	int i;

	(void)number;
	for (i = 0; i < 10; i++)
		CHECK(fake_send(2, 1, (uint64_t)i, 92) == 0);
	CHECK(fake_send(3, 1, 0, 4992) == 0);
	report(false);                  /* what was not heard is told again */
	report(true);
	CHECK(fake_told[2].messages == 10 && fake_told[2].bytes == 1000);
	CHECK(fake_told[3].messages == 1 && fake_told[3].bytes == 5000);
	CHECK(fake_send(3, 1, 0, 0) == 0);
	report(true);
	CHECK(fake_told[2].messages == 0 && fake_told[2].bytes == 0);
	CHECK(fake_told[3].messages == 1 && fake_told[3].bytes == 8);
	report(true);
	CHECK(fake_told[3].messages == 0);
}

static void hear(int number)
{
	unsigned long length;
	uint64_t seed;
	int tag, i;

	for (i = 0; i < (number == 2 ? 10 : 2); i++)
		fake_receive(&tag, &seed, &length);
}

static void a_task_tells_once_whom_it_has_sent_to(void **state)
{
	pid_t a = start(1, 1, tell), b = start(2, 1, hear), c = start(3, 2, hear);

	(void)state;
	assert_ends_well(a);
	assert_ends_well(b);
	assert_ends_well(c);
}

/* ------------------------------------------------------------------ ends */

static void die_after_sending(int number)
{
	unsigned long i;

	for (i = 0; i < 50; i++)
		CHECK(fake_send(2, number, i, 100) == 0);
	__atomic_store_n(&fake->words[1], 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static pid_t doomed;

static void hear_of_death(int number)
{
	unsigned long length, i;
	uint64_t seed;
	int tag;

	(void)number;
	CHECK(fake_receive(&tag, &seed, &length) == 1);
	while (!__atomic_load_n(&fake->words[1], __ATOMIC_SEQ_CST))
		;
	kill(doomed, SIGKILL);
	fake_notice(1, 1000);
	for (i = 1; i < 50; i++) {
		CHECK(fake_receive(&tag, &seed, &length) == 1);
		CHECK(seed == i && tag == 1);
	}
	fake_receive(&tag, &seed, &length);
	CHECK(tag == 1000);
	/* PVM drops what is sent to a task that has ended. */
	__atomic_store_n(&fake->entries[1].state, 2, __ATOMIC_SEQ_CST);
	for (i = 0; i < 1000; i++)
		CHECK(fake_send(1, 1, i, 100000) == 0);
}

static void a_notice_of_death_comes_after_the_messages(void **state)
{
	pid_t b;
	int nodes;

	(void)state;
	for (nodes = 1; nodes <= 2; nodes++) {
		memset(fake, 0, sizeof(*fake));
		doomed = start(1, 1, die_after_sending);
		b = start(2, nodes, hear_of_death);
		assert_ends_well(b);
		waitpid(doomed, NULL, 0);
	}
}

static void speak_then_die(int number)
{
	fake->words[2] = pvmi->incarnation;
	die_after_sending(number);
}

static void hear_a_will(int number)
{
	unsigned long length, i;
	uint64_t seed, incarnation;
	int tag;

	(void)number;
	CHECK(fake_receive(&tag, &seed, &length) == 1);
	while (!__atomic_load_n(&fake->words[1], __ATOMIC_SEQ_CST))
		;
	kill(doomed, SIGKILL);
	incarnation = fake->words[2];
	fake_will(1, incarnation, 49, 7);
	fake_will(1, incarnation, 50, 7);
	fake_will(1, incarnation, 51, 8);
	fake_will(1, incarnation, 51, 7);
	fake_will(1, incarnation, 53, 7);
	fake_notice(1, 1000);
	for (i = 1; i < 50; i++) {
		CHECK(fake_receive(&tag, &seed, &length) == 1);
		CHECK(seed == i && tag == 1);
	}
	CHECK(fake_receive(&tag, &seed, &length) == 1 && tag == 8);
	fake_receive(&tag, &seed, &length);
	CHECK(tag == 1000);
}

static void a_will_adds_what_has_not_come_and_nothing_else(void **state)
{
	pid_t b;

	(void)state;
	memset(fake, 0, sizeof(*fake));
	doomed = start(1, 1, speak_then_die);
	b = start(2, 1, hear_a_will);
	assert_ends_well(b);
	waitpid(doomed, NULL, 0);
}

static long size_of_will(void)
{
	struct stat file;

	return stat(pvmi->plane->will.path, &file) ? -1 : (long)file.st_size;
}

static void send_to_the_absent(int number)
{
	int i;

	for (i = 0; i < 3; i++)
		CHECK(fake_send(3, number, 0, 92) == 0);
	CHECK(size_of_will() == 3 * (48 + 100));
	CHECK(fake_send(2, number, 0, 92) == 0);
	__atomic_store_n(&fake->words[1], 1, __ATOMIC_SEQ_CST);
	while (size_of_will() >= 0) {
		pvmi_enter();
		pvmi_plane_wait(INT64_MAX);
		pvmi_leave();
	}
}

static void come_late(int number)
{
	unsigned long length;
	uint64_t seed;
	int tag, i;

	(void)number;
	for (i = 0; i < (number == 3 ? 3 : 1); i++)
		CHECK(fake_receive(&tag, &seed, &length) == 1);
}

static void a_will_lasts_until_all_can_be_reached(void **state)
{
	pid_t a, b, c;

	(void)state;
	memset(fake, 0, sizeof(*fake));
	b = start(2, 2, come_late);
	a = start(1, 1, send_to_the_absent);
	while (!__atomic_load_n(&fake->words[1], __ATOMIC_SEQ_CST))
		;
	c = start(3, 1, come_late);
	assert_ends_well(a);
	assert_ends_well(b);
	assert_ends_well(c);
}

/* ------------------------------------------------------------------ strangers */

static int connect_to(const struct fake_entry *entry, int tcp)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in remote = { .sin_family = AF_INET, .sin_port = htons(entry->port) };
	int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);

	strcpy(local.sun_path, entry->local_path);
	remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (tcp)
		CHECK(connect(fd, (struct sockaddr *)&remote, sizeof(remote)) == 0);
	else
		CHECK(connect(fd, (struct sockaddr *)&local, sizeof(local)) == 0);
	return fd;
}

static void annoy(int number)
{
	char garbage[4096];
	int i, fd;

	(void)number;
	while (__atomic_load_n(&fake->entries[2].state, __ATOMIC_SEQ_CST) != 1)
		usleep(1000);
	signal(SIGPIPE, SIG_IGN);
	srandom(7);
	for (i = 0; i < 400; i++) {
		fd = connect_to(&fake->entries[2], i % 2);
		for (size_t j = 0; j < sizeof(garbage); j++)
			garbage[j] = (char)random();
		if (write(fd, garbage, (size_t)(i % 100)) < 0)
			continue;
		if (i % 3)
			close(fd);
	}
	CHECK(fake_send(2, 1, 4711, 10) == 0);
}

static void keep_calm(int number)
{
	unsigned long length;
	uint64_t seed;
	int tag;

	(void)number;
	CHECK(fake_receive(&tag, &seed, &length) == 1);
	CHECK(seed == 4711);
}

static void garbage_on_its_sockets_does_not_disturb_a_task(void **state)
{
	pid_t a, b;

	(void)state;
	memset(fake, 0, sizeof(*fake));
	a = start(1, 1, annoy);
	b = start(2, 1, keep_calm);
	assert_ends_well(a);
	assert_ends_well(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(on_one_node_messages_of_all_sizes_come_back, setup),
		cmocka_unit_test_setup(between_nodes_messages_of_all_sizes_come_back, setup),
		cmocka_unit_test_setup(all_to_all_on_one_node_keeps_order, setup),
		cmocka_unit_test_setup(all_to_all_on_three_nodes_keeps_order, setup),
		cmocka_unit_test_setup(connections_that_are_cut_lose_and_repeat_nothing, setup),
		cmocka_unit_test_setup(a_large_stream_resumes_after_each_cut, setup),
		cmocka_unit_test_setup(senders_to_a_computing_task_can_leave, setup),
		cmocka_unit_test_setup(a_task_tells_once_whom_it_has_sent_to, setup),
		cmocka_unit_test_setup(a_notice_of_death_comes_after_the_messages, setup),
		cmocka_unit_test_setup(a_will_adds_what_has_not_come_and_nothing_else, setup),
		cmocka_unit_test_setup(a_will_lasts_until_all_can_be_reached, setup),
		cmocka_unit_test_setup(garbage_on_its_sockets_does_not_disturb_a_task, setup),
	};

	return cmocka_run_group_tests_name("plane", tests, NULL, NULL);
}
