/*
 * The recipe: hello, receive, rebuild, tell, wait for the word, become the task. The socket at which
 * the image comes in listens already: it is the standard input.
 */
#include "restorer.h"

#include <asm/prctl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define STACK_ROOM 262144

struct restorer restorer;
static uint8_t stack[STACK_ROOM] __attribute__((aligned(64), used));
__asm__(".globl restorer_stack_top\n.hidden restorer_stack_top\n"
	".set restorer_stack_top, stack + 262144\n");
/* fs:0x28 is where code compiled elsewhere looks for its stack canary. */
static uint64_t thread_block[32] __attribute__((aligned(64)));

static void end(int code) __attribute__((noreturn));
static void end(int code)
{
	for (;;)
		SYS(exit_group, code);
}

/* A socket that is closed with bytes unread is reset, and the reason would be lost: read on until
 * the agent hangs up, for a while. */
static void refuse(const mpvm_image_Refused *refused)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 2000000000ull;
	struct pollfd poll = { .fd = restorer.stream, .events = POLLIN };

	answer(mpvm_image_RecordType_REFUSED, mpvm_image_Refused_fields, refused);
	SYS(shutdown, restorer.stream, SHUT_WR);
	while (ckpt_clock_ns(CLOCK_MONOTONIC) < deadline) {
		if (SYS(poll, &poll, 1, 100) > 0 &&
		    SYS(read, restorer.stream, restorer.in.buffer, CKPT_IN_ROOM) <= 0)
			return;
	}
}

void give_up(const char *code, const char *format, ...)
{
	static bool before;
	mpvm_image_Refused refused = mpvm_image_Refused_init_zero;
	va_list arguments;

	if (before)
		end(1);
	before = true;
	va_start(arguments, format);
	ckpt_format_list(refused.text, sizeof(refused.text), format, arguments);
	va_end(arguments);
	ckpt_copy_text(refused.code, sizeof(refused.code), code);
	link_say_failed(code, refused.text);
	if (restorer.authenticated && !restorer.arrived)
		refuse(&refused);
	end(1);
}

bool fault(enum ckpt_fault point)
{
	if (!restorer.fault_action || !ckpt_equal(restorer.fault_point, ckpt_fault_name(point)))
		return false;
	switch (restorer.fault_action) {
	case 1:
		SYS(kill, SYS(getpid), SIGKILL);
		return true;
	case 2:
		SYS(kill, SYS(getpid), SIGSTOP);
		return true;
	case 3:
		if (restorer.stream < 0)
			give_up("FAULT_INJECTED", "injected fault at %s", ckpt_fault_name(point));
		SYS(shutdown, restorer.stream, SHUT_RDWR);
		return true;
	default:
		/* Once the daemon knows of the arrival it may commit at any moment: no step fails any more. */
		if (point >= CKPT_FAULT_RESTORER_ARRIVED)
			return true;
		give_up("FAULT_INJECTED", "injected fault at %s", ckpt_fault_name(point));
	}
}

uint32_t keep_text(const char *text)
{
	size_t length = ckpt_length(text) + 1;
	uint32_t at = restorer.text_used;

	if (at + length > TEXT_ROOM)
		give_up("IMAGE_TOO_LARGE", "paths of more than %u bytes", TEXT_ROOM);
	memcpy(restorer.text + at, text, length);
	restorer.text_used += length;
	return at;
}

const char *text_at(uint32_t at)
{
	return restorer.text + at;
}

/* mpvm-restorer [--socket] PATH [--cookie] COOKIE */
static void take_arguments(uint64_t *start)
{
	int argc = start[0], i, taken = 0;
	char **argv = (char **)(start + 1);

	for (i = 1; i < argc; i++) {
		if (ckpt_equal(argv[i], "--socket") || ckpt_equal(argv[i], "--cookie"))
			continue;
		if (taken == 0)
			ckpt_copy_text(restorer.socket, sizeof(restorer.socket), argv[i]);
		else if (taken == 1)
			ckpt_copy_text(restorer.cookie, sizeof(restorer.cookie), argv[i]);
		taken++;
	}
	if (taken != 2) {
		static const char usage[] = "usage: mpvm-restorer --socket PATH --cookie COOKIE\n";

		SYS(write, 2, usage, sizeof(usage) - 1);
		end(2);
	}
}

static void set_up(void)
{
	uint64_t all = ~0ull;

	SYS(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
	thread_block[0] = (uintptr_t)thread_block;
	SYS(arch_prctl, ARCH_SET_FS, thread_block);
	/* Memory appears in small pages: huge ones that the host has to find first are slow. */
	SYS(prctl, PR_SET_THP_DISABLE, 1);
	restorer.daemon = restorer.stream = -1;
	restorer.text_used = 1;
	restorer.listener = SYS(fcntl, 0, F_DUPFD_CLOEXEC, 64);
	restorer.output = SYS(fcntl, 1, F_DUPFD_CLOEXEC, 64);
	SYS(close, 0);
}

static int tick_opening(void *self)
{
	return ckpt_clock_ns(CLOCK_MONOTONIC) > *(uint64_t *)self ? -ETIMEDOUT : 0;
}

/* True when the peer has proved that it knows the secret; then we prove that we do. */
static bool authenticate(int fd)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + 2000000000ull;
	uint8_t ours[16], theirs[32], expected[16];

	if (SYS(getrandom, ours, 16, 0) != 16)
		return false;
	if (ckpt_send_exact(fd, ours, 16, tick_opening, &deadline) ||
	    ckpt_receive_exact(fd, theirs, 32, tick_opening, &deadline))
		return false;
	ckpt_proof(restorer.secret, ours, theirs, "mpvm-image", expected);
	if (memcmp(expected, theirs + 16, 16))
		return false;
	ckpt_proof(restorer.secret, theirs, ours, "mpvm-restorer", expected);
	return ckpt_send_exact(fd, expected, 16, tick_opening, &deadline) == 0;
}

static void heed(enum verdict verdict)
{
	if (verdict == VERDICT_ABORT)
		end(0);
	if (verdict == VERDICT_LOST)
		end(1);
}

/* Strangers who reach the port are hung up on; the agent is waited for. */
static void accept_agent(void)
{
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + restorer.timeout_ms * 1000000ull;
	struct pollfd polls[2] = {
		{ .fd = restorer.listener, .events = POLLIN },
		{ .fd = restorer.daemon, .events = POLLIN },
	};
	long fd;

	if (restorer.listener < 0)
		give_up("RESTORER_FAILED", "the socket for the image: %e", (long)restorer.listener);
	while (restorer.stream < 0) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			give_up("RESTORER_SILENT", "no task has connected within %u ms", restorer.timeout_ms);
		SYS(poll, polls, 2, 100);
		if (polls[1].revents)
			heed(link_look());
		if (!(polls[0].revents & POLLIN))
			continue;
		fd = SYS(accept4, restorer.listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		fault(CKPT_FAULT_RESTORER_ACCEPTED);
		if (authenticate(fd))
			restorer.stream = fd;
		else
			SYS(close, fd);
	}
	restorer.authenticated = true;
	SYS(close, restorer.listener);
	restorer.listener = -1;
}

static void tell_arrived(void)
{
	mpvm_image_Arrived message = { restorer.bytes, restorer.pages };

	fault(CKPT_FAULT_RESTORER_BUILT);
	answer(mpvm_image_RecordType_ARRIVED, mpvm_image_Arrived_fields, &message);
	restorer.arrived = true;
	fault(CKPT_FAULT_RESTORER_TOLD_AGENT);
	link_say_arrived();
	fault(CKPT_FAULT_RESTORER_ARRIVED);
}

static void wait_for_go(void)
{
	for (;;) {
		switch (link_wait(-1)) {
		case VERDICT_GO:
			return;
		case VERDICT_ABORT:
			end(0);
		case VERDICT_LOST:
			link_reconnect();
			break;
		default:
			break;
		}
	}
}

__attribute__((used)) void restorer_main(uint64_t *start)
{
	take_arguments(start);
	set_up();
	make_room();
	link_open();
	link_say_hello(false);
	while (restorer.timeout_ms == 0)
		heed(link_wait(-1));
	fault(CKPT_FAULT_RESTORER_LISTEN);
	accept_agent();
	fault(CKPT_FAULT_RESTORER_OPEN);
	receive_image();
	tell_arrived();
	wait_for_go();
	fault(CKPT_FAULT_RESTORER_GO);
	become_task();
}
