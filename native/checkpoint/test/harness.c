/*
 * Moves a program again and again while it runs, playing both daemons:
 *
 *   harness [-n moves] [-r rounds] [-d max delay µs] [-a abort every] [-s seed] [-u uid] [-w refusal] [-v]
 *           [-t tracking] [-c policy] [-m max downtime ms] [-p bytes a second]
 *           RESTORER PROGRAM ARG...
 *
 * The program must end with code 0 and its last line must be "ok". Prints one line of result.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ckpt.h"
#include "mini.h"

#define COOKIE "c00c1e"

static char directory[] = "/tmp/ckpt-test-XXXXXX", socket_path[128], fifo_path[128];
static int listener, output = -1, verbose;
static pid_t task;
static char **program;
static const char *restorer_path;
static char printed[1 << 20];
static size_t printed_used;
static uid_t user;
static unsigned seed;
static const char *fault_point = "";
static int fault_action;
static struct mini_message wanted = { .downtime_ms = 20 };      /* how memory is copied */
static const char *may_refuse[4];        /* any of these words in a refusal */

static void allow(const char *refusal)
{
	size_t i = 0;

	while (may_refuse[i])
		i++;
	if (i + 1 < sizeof(may_refuse) / sizeof(may_refuse[0]))
		may_refuse[i] = refusal;
}

static bool is_allowed(const char *refusal)
{
	size_t i;

	for (i = 0; may_refuse[i]; i++)
		if (strstr(refusal, may_refuse[i]))
			return true;
	return false;
}

static void leave(int code)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		perror("rm");
	exit(code);
}

static void fail(const char *what)
{
	printf("FAILED %s (-s %u): %s; output: %.300s\n", program ? program[1] : "", seed, what, printed);
	fflush(stdout);
	if (task > 0)
		kill(task, SIGKILL);
	leave(1);
}

static void drain(void)
{
	ssize_t n;

	while (printed_used + 1 < sizeof(printed) &&
	       (n = read(output, printed + printed_used, sizeof(printed) - 1 - printed_used)) > 0)
		printed_used += n;
	printed[printed_used] = 0;
}

static void setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char out[100];

	if (!mkdtemp(directory))
		fail("mkdtemp");
	snprintf(out, sizeof(out), "%s/out", directory);
	mkdir(out, 0700);
	snprintf(fifo_path, sizeof(fifo_path), "%s/out/1", directory);
	mkfifo(fifo_path, 0600);
	if (user && (chown(directory, user, user) || chown(out, user, user) || chown(fifo_path, user, user)))
		fail("chown");
	output = open(fifo_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(socket_path, sizeof(socket_path), "%s/task.sock", directory);
	strcpy(at.sun_path, socket_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 8))
		fail("bind");
	if (user && chown(socket_path, user, user))
		fail("chown");
	setenv("MINI_SOCK", socket_path, 1);
}

static pid_t spawn(char **argv, int input)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(fifo_path, O_WRONLY);
	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
	dup2(input, 0);
	close_range(3, ~0u, 0);
	if (user && (setgid(user) || setuid(user)))
		_exit(96);
	execv(argv[0], argv);
	_exit(97);
}

static pid_t spawn_program(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = spawn(program, null);

	close(null);
	return pid;
}

/* With a socket that listens; *port is its own. */
static pid_t spawn_restorer(uint16_t *port)
{
	char *argv[] = { (char *)restorer_path, "--socket", socket_path, "--cookie", COOKIE, NULL };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (bind(stream, (struct sockaddr *)&at, size) || listen(stream, 4) ||
	    getsockname(stream, (struct sockaddr *)&at, &size))
		fail("listen");
	*port = ntohs(at.sin_port);
	pid = spawn(argv, stream);
	close(stream);
	return pid;
}

static int accept_one(void)
{
	struct pollfd poll_ = { listener, POLLIN, 0 };

	if (poll(&poll_, 1, 20000) <= 0)
		fail("nobody connects");
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static bool read_all(int fd, void *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		struct pollfd poll_ = { fd, POLLIN, 0 };
		ssize_t got;

		if (poll(&poll_, 1, 1000) == 0) {
			drain();
			continue;
		}
		got = read(fd, (char *)to + done, n - done);
		if (got <= 0)
			return false;
		done += got;
	}
	return true;
}

/* ------------------------------------------------------------------ task.proto, by hand */

static uint8_t frame[65536];

static uint32_t varint(const uint8_t **at)
{
	uint32_t value = 0, shift = 0;

	do
		value |= (uint32_t)(**at & 127) << shift, shift += 7;
	while (*(*at)++ & 128);
	return value;
}

/* Field number of the frame's body; *body points into it. */
static uint32_t read_frame(int fd, const uint8_t **body, uint32_t *length)
{
	uint32_t size;
	const uint8_t *at = frame;

	if (!read_all(fd, &size, 4) || size > sizeof(frame) || !read_all(fd, frame, size))
		return 0;
	uint32_t tag = varint(&at);

	*length = varint(&at);
	*body = at;
	return tag >> 3;
}

static uint8_t *put_varint(uint8_t *at, uint32_t value)
{
	for (; value > 127; value >>= 7)
		*at++ = value | 128;
	*at++ = value;
	return at;
}

static uint8_t *put_bytes(uint8_t *at, uint32_t field, const void *bytes, uint32_t n)
{
	at = put_varint(put_varint(at, field << 3 | 2), n);
	memcpy(at, bytes, n);
	return at + n;
}

static void send_frame(int fd, uint32_t field, const uint8_t *body, uint32_t n)
{
	uint8_t out[2048], *end = put_bytes(out + 4, field, body, n);
	uint32_t size = end - out - 4;

	memcpy(out, &size, 4);
	if (write(fd, out, size + 4) != (ssize_t)size + 4)
		fail("write to the restorer");
}

/* ------------------------------------------------------------------ a move */

static uint64_t downtime_sum, downtime_most, moved;

static void say(int fd, struct mini_message *m, uint32_t kind)
{
	m->kind = kind;
	if (write(fd, m, sizeof(*m)) != sizeof(*m))
		fail("write to the agent");
}

enum outcome { MOVED, ABORTED, ENDED, REFUSED };

/* The program may end at any time: then the agent's link is closed. */
static enum outcome ended(pid_t restorer)
{
	kill(restorer, SIGKILL);
	waitpid(restorer, NULL, 0);
	return ENDED;
}

/* For now: the program goes on, and the move is tried again. */
static enum outcome refused(pid_t restorer, int connection, int link)
{
	struct mini_message m = { 0 };

	kill(restorer, SIGKILL);
	waitpid(restorer, NULL, 0);
	close(connection);
	say(link, &m, MINI_ABORT);
	if (!read_all(link, &m, sizeof(m)) || m.kind != MINI_THAWED)
		return ENDED;
	return REFUSED;
}

static enum outcome move(int *link, uint32_t rounds, bool abort_it)
{
	uint16_t port;
	pid_t restorer = spawn_restorer(&port);
	int connection = accept_one();
	struct mini_message m = wanted;
	const uint8_t *body;
	uint32_t length, field;
	uint8_t receive[256], *end, secret[16], go[64];
	int status;

	if (read_frame(connection, &body, &length) != 60)
		fail("no RestorerHello");
	if (getrandom(secret, 16, 0) != 16)
		fail("getrandom");
	end = put_bytes(receive, 1, "m1", 2);
	end = put_bytes(end, 3, secret, 16);
	end = put_varint(put_varint(end, 4 << 3), 20000);
	send_frame(connection, 60, receive, end - receive);
	m.port = port;
	m.rounds = rounds;
	memcpy(m.secret, secret, 16);
	strcpy(m.id, "m1");
	strncpy(m.fault_point, fault_point, sizeof(m.fault_point) - 1);
	m.fault_action = fault_action;
	m.kind = MINI_START;
	if (send(*link, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m) || !read_all(*link, &m, sizeof(m)))
		return ended(restorer);
	if (m.kind != MINI_SENT) {
		char text[400];

		if (is_allowed(m.text) || (may_refuse[0] && m.code == CKPT_E_FREEZE))
			return refused(restorer, connection, *link);
		snprintf(text, sizeof(text), "capture failed: %d %s", m.code, m.text);
		fail(text);
	}
	field = read_frame(connection, &body, &length);
	if (field != 62) {
		printf("restorer said %u: %.*s\n", field, (int)length, (const char *)body);
		fail("no RestorerArrived");
	}
	if (abort_it) {
		struct mini_message a = { 0 };

		send_frame(connection, 62, (const uint8_t *)"", 0);
		waitpid(restorer, &status, 0);
		close(connection);
		say(*link, &a, MINI_ABORT);
		if (!read_all(*link, &a, sizeof(a)) || a.kind != MINI_THAWED)
			return ENDED;
		return ABORTED;
	}
	struct mini_message c = { 0 };

	say(*link, &c, MINI_COMMIT);
	if (waitpid(task, &status, 0) != task || !WIFEXITED(status) || WEXITSTATUS(status))
		fail("the source did not end well");
	close(*link);
	task = restorer;
	*link = connection;
	end = put_varint(put_varint(go, 1 << 3), moved + 1);
	end = put_bytes(end, 2, "place", 5);
	send_frame(connection, 61, go, end - go);
	if (!read_all(connection, &c, sizeof(c)) || c.kind != MINI_RESUMED) {
		waitpid(task, &status, 0);
		printf("status %x\n", status);
		drain();
		fail("it did not resume");
	}
	if (strcmp(c.text, "place"))
		fail("the place did not arrive");
	moved++;
	uint64_t downtime = c.resumed_at_us - m.frozen_at_us;

	downtime_sum += downtime;
	if (downtime > downtime_most)
		downtime_most = downtime;
	if (verbose)
		printf("move %lu: %lu KiB, %lu pages, %u passes, frozen %lu us, sent in %lu us\n", moved,
		       m.bytes >> 10, m.pages, m.passes, downtime, m.sent_at_us - m.frozen_at_us);
	return MOVED;
}

int main(int argc, char **argv)
{
	unsigned moves = 20, rounds = 0, delay = 5000, abort_every = 0, i, aborted = 0;
	int option, status, link;
	struct mini_message hello;

	seed = getpid();
	while ((option = getopt(argc, argv, "+n:r:d:a:s:u:vf:F:w:t:c:m:p:")) != -1) {
		switch (option) {
		case 'n': moves = atoi(optarg); break;
		case 'r': rounds = atoi(optarg); break;
		case 'd': delay = atoi(optarg); break;
		case 'a': abort_every = atoi(optarg); break;
		case 's': seed = atoi(optarg); break;
		case 'u': user = atoi(optarg); break;
		case 'f': fault_point = optarg; break;
		case 'F': fault_action = atoi(optarg); break;
		case 'w': allow(optarg); break;
		case 'v': verbose = 1; break;
		case 't': wanted.tracking = atoi(optarg); break;
		case 'c': wanted.policy = atoi(optarg); break;
		case 'm': wanted.downtime_ms = atoi(optarg); break;
		case 'p': wanted.pace = atoll(optarg); break;
		default: return 2;
		}
	}
	restorer_path = argv[optind];
	program = argv + optind + 1;
	srand(seed);
	signal(SIGPIPE, SIG_IGN);
	setup();
	task = spawn_program();
	link = accept_one();
	if (!read_all(link, &hello, sizeof(hello)))
		fail("the program did not begin");
	for (i = 0; moved < moves; i++) {
		struct timespec pause = { 0, delay ? rand() % delay * 1000L : 0 };
		enum outcome outcome;

		nanosleep(&pause, NULL);
		drain();
		outcome = move(&link, rounds, abort_every && i % abort_every == abort_every - 1);
		if (outcome == ENDED)
			break;
		aborted += outcome == ABORTED;
	}
	while (waitpid(task, &status, WNOHANG) == 0) {
		struct timespec pause = { 0, 1000000 };

		drain();
		nanosleep(&pause, NULL);
	}
	drain();
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("status %x after %lu moves, ", status, moved);
		fail("the program did not end well");
	}
	if (printed_used < 3 || strcmp(printed + printed_used - 3, "ok\n"))
		fail("it did not say ok");
	printf("ok %-12s %3lu moves, %2u aborts, downtime mean %5lu us, most %6lu us\n", program[1], moved,
	       aborted, moved ? downtime_sum / moved : 0, downtime_most);
	leave(0);
}
