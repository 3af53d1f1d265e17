#define _GNU_SOURCE
#include "mini.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../arch/x86_64/syscall.h"
#include "ckpt_job.h"

__thread volatile int mini_inside;
volatile unsigned mini_moves;
static int link_fd = -1;
static struct ckpt_handoff handoff;
static uint8_t agent_stack[65536] __attribute__((aligned(64)));
static struct mini_message message;

static bool may_park(void *self)
{
	(void)self;
	return !mini_inside;
}

static enum ckpt_fd_class descriptor(void *self, int fd)
{
	(void)self;
	return fd == link_fd ? CKPT_FD_DAEMON : CKPT_FD_CARRY;
}

static void say(uint32_t kind)
{
	message.kind = kind;
	SYS(sendto, link_fd, &message, sizeof(message), MSG_NOSIGNAL);
}

static bool hear(int timeout)
{
	struct pollfd poll = { link_fd, POLLIN, 0 };
	size_t done = 0;
	long n;

	if (timeout >= 0 && SYS(poll, &poll, 1, timeout) <= 0)
		return false;
	while (done < sizeof(message)) {
		n = SYS(read, link_fd, (char *)&message + done, sizeof(message) - done);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			SYS(exit_group, 99);
		done += n;
	}
	return true;
}

static void progress(void *self)
{
	struct pollfd poll = { link_fd, POLLIN, 0 };

	(void)self;
	if (SYS(poll, &poll, 1, 0) > 0)         /* all that can come now is an abort */
		ckpt_the_job.abort = 1;
}

static void arrived(void *self, const struct ckpt_handoff *from);

static const struct ckpt_client client = {
	.may_park = may_park, .descriptor = descriptor, .arrived = arrived, .progress = progress,
};

static int move(struct ckpt_job *job)
{
	int error = ckpt_open(job);

	while (!error && job->max_rounds && !job->converged)
		error = ckpt_copy_round(job);
	if (!error)
		error = ckpt_freeze(job, 5000);
	if (!error)
		error = ckpt_send_image(job);
	while (!error && (error = ckpt_wait_arrived(job, 100)) == CKPT_PENDING) {
		struct pollfd poll = { link_fd, POLLIN, 0 };

		error = SYS(poll, &poll, 1, 0) > 0 ? CKPT_E_ABORTED : 0;
	}
	return error;
}

static void agent_main(void)
{
	struct ckpt_job *job = &ckpt_the_job;

	for (;;) {
		hear(-1);
		if (message.kind != MINI_START)
			continue;
		memset(job, 0, sizeof(*job));
		memcpy(job->id, message.id, sizeof(message.id));
		memcpy(job->address, "127.0.0.1", 10);
		job->port = message.port;
		memcpy(job->secret, message.secret, 16);
		job->max_downtime_ms = message.downtime_ms;
		job->tracking = message.tracking;
		job->on_no_convergence = message.policy;
		job->bytes_per_second = message.pace;
		job->max_rounds = message.rounds;
		memcpy(job->fault_point, message.fault_point, sizeof(job->fault_point));
		job->fault_action = message.fault_action;
		message.code = move(job);
		memcpy(message.text, job->text, sizeof(message.text));
		message.bytes = job->transferred;
		message.pages = job->pages;
		message.frozen_at_us = job->frozen_at_us;
		message.sent_at_us = job->sent_at_us;
		message.stream_us = job->stream_us;
		message.passes = job->rounds;
		message.tracking = job->tracking;
		message.throttle = job->throttle_percent;
		say(message.code ? MINI_FAILED : MINI_SENT);
		while (!message.code || message.kind != MINI_ABORT) {
			hear(-1);
			if (message.kind == MINI_COMMIT)
				ckpt_vanish(job);
			if (message.kind == MINI_ABORT)
				break;
		}
		ckpt_thaw(job);
		ckpt_close(job);
		say(MINI_THAWED);
	}
}

/* A raw clone in the thread group: libc does not learn of it. */
static void start_agent(void)
{
	uint64_t all = ~0ull, mask;
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long result;

	SYS(rt_sigprocmask, SIG_SETMASK, &all, &mask, 8);
	__asm__ volatile("syscall\n\ttest %%eax, %%eax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tcall *%[entry]\n\thlt\n1:"
			 : "=a"(result)
			 : "0"((long)__NR_clone), "D"(flags), "S"(agent_stack + sizeof(agent_stack) - 64),
			   "d"(0L), "r"(r10), "r"(r8), [entry] "r"(agent_main)
			 : "rcx", "r11", "memory");
	SYS(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

static void arrived(void *self, const struct ckpt_handoff *from)
{
	(void)self;
	SYS(munmap, from->zone_start, from->zone_length);
	link_fd = from->daemon_fd;
	mini_moves++;
	memset(&message, 0, sizeof(message));
	message.resumed_at_us = from->resumed_at_us;
	message.resumed_pid = SYS(getpid);
	memcpy(message.text, from->place, from->place_length < 255 ? from->place_length : 255);
	say(MINI_RESUMED);
	start_agent();
}

void mini_leave(void)
{
	mini_inside = 0;
	if (ckpt_freezing())
		ckpt_park();
}

void mini_start(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, getenv("MINI_SOCK"), sizeof(to.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("connect");
		exit(98);
	}
	link_fd = fcntl(fd, F_DUPFD_CLOEXEC, 20);
	close(fd);
	ckpt_init(&client, &handoff);
	say(MINI_HELLO);
	start_agent();
}
