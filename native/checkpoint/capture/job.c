/* One migration from its beginning to its end, and the opening of the stream. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "capture.h"

#define CONNECT_MS 5000
#define OPENING_MS 15000        /* what listens may have to be started first */
#define PROGRESS_NS 50000000u

struct ckpt_engine ckpt_engine;
struct ckpt_job ckpt_the_job = { .stream = -1 };

/* glibc 2.35 and newer: where it has registered restartable sequences, relative to FS. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

void ckpt_init(const struct ckpt_client *client, struct ckpt_handoff *handoff)
{
	ckpt_engine.client = client;
	ckpt_engine.handoff = handoff;
	ckpt_engine.threads = NULL;     /* in a forked child it is the parent's */
	if (&__rseq_size && __rseq_size) {
		ckpt_engine.rseq_offset = __rseq_offset;
		ckpt_engine.rseq_size = __rseq_size < 32 ? 32 : __rseq_size;
	}
}

int ckpt_fail(struct ckpt_job *job, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	ckpt_format_list(job->text, sizeof(job->text), format, arguments);
	va_end(arguments);
	return code;
}

/* Between pieces of work: tell the client, look whether the job is to end. */
int ckpt_tick_job(void *self)
{
	struct ckpt_job *job = self;
	struct ckpt_workspace *work = ckpt_engine.work;
	uint64_t now = ckpt_clock_ns(CLOCK_MONOTONIC);

	ckpt_pace(job);
	ckpt_throttle(job);
	/* Not while the program stands still: it may have been stopped inside the library. */
	if (now - work->last_progress >= PROGRESS_NS && !work->throttle.stopped) {
		work->last_progress = now;
		job->transferred = work->out.sent;
		job->stream_us = work->out.nanoseconds / 1000;
		if (ckpt_engine.client->progress)
			ckpt_engine.client->progress(ckpt_engine.client->self);
	}
	return job->abort ? -ECANCELED : 0;
}

/* The restorer's reason, when it has sent one before the stream broke. */
static bool read_refusal(struct ckpt_job *job)
{
	struct ckpt_in *in = &ckpt_engine.work->answers;
	struct pollfd poll = { .fd = job->stream, .events = POLLIN };
	mpvm_image_Refused refused = mpvm_image_Refused_init_zero;
	struct ckpt_record record;

	while (SYS(poll, &poll, 1, 0) > 0 && ckpt_in_record(in, &record, 0) == 0) {
		if (record.type != mpvm_image_RecordType_REFUSED)
			continue;
		if (!ckpt_decode(&record, mpvm_image_Refused_fields, &refused))
			return false;
		ckpt_format(job->text, sizeof(job->text), "%s: %s", refused.code, refused.text);
		return true;
	}
	return false;
}

int ckpt_stream_error(struct ckpt_job *job, const char *what)
{
	int error = ckpt_engine.work->out.error;

	if (job->abort)
		return ckpt_fail(job, CKPT_E_ABORTED, "aborted while %s", what);
	if (read_refusal(job))
		return CKPT_E_REFUSED;
	if (error == -EOVERFLOW)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "%s: a record is too large", what);
	return ckpt_fail(job, CKPT_E_STREAM, "%s: %e", what, (long)error);
}

bool ckpt_fault(struct ckpt_job *job, enum ckpt_fault point)
{
	if (!job->fault_action || !ckpt_equal(job->fault_point, ckpt_fault_name(point)))
		return false;
	switch (job->fault_action) {
	case CKPT_FAULT_KILL:
		SYS(kill, SYS(getpid), SIGKILL);
		return false;
	case CKPT_FAULT_STOP:
		SYS(kill, SYS(getpid), SIGSTOP);
		return false;
	case CKPT_FAULT_CUT:
		if (job->stream < 0)
			return true;    /* nothing to cut yet: it cannot be connected */
		SYS(shutdown, job->stream, SHUT_RDWR);
		return false;
	default:
		return true;
	}
}

static bool parse_address(const char *text, struct sockaddr_in *to)
{
	uint8_t bytes[4];
	int i;

	for (i = 0; i < 4; i++) {
		if (*text < '0' || *text > '9')
			return false;
		bytes[i] = ckpt_parse(&text, 10);
		if (*text != (i < 3 ? '.' : 0))
			return false;
		text++;
	}
	memcpy(&to->sin_addr, bytes, 4);
	return true;
}

static int connect_stream(struct ckpt_job *job)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(job->port) };
	struct pollfd poll = { .events = POLLOUT };
	int error = 0, one = 1, waited;
	socklen_t size = sizeof(error);

	if (!parse_address(job->address, &to))
		return ckpt_fail(job, CKPT_E_CONNECT, "not an IPv4 address: %s", job->address);
	job->stream = SYS(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (job->stream < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "socket: %e", (long)job->stream);
	SYS(setsockopt, job->stream, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	SYS(setsockopt, job->stream, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	error = SYS(connect, job->stream, &to, sizeof(to));
	if (error && error != -EINPROGRESS)
		return ckpt_fail(job, CKPT_E_CONNECT, "connect to restorer %s:%u: %e", job->address,
				 (unsigned int)job->port, (long)error);
	poll.fd = job->stream;
	for (waited = 0; waited < CONNECT_MS; waited += 20) {
		if (job->abort)
			return ckpt_fail(job, CKPT_E_ABORTED, "aborted while connecting");
		if (SYS(poll, &poll, 1, 20) > 0)
			break;
		ckpt_tick_job(job);
	}
	if (waited >= CONNECT_MS)
		error = ETIMEDOUT;
	else
		SYS(getsockopt, job->stream, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return ckpt_fail(job, CKPT_E_CONNECT, "connect to restorer %s:%u: %e", job->address,
				 (unsigned int)job->port, (long)-error);
	return 0;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	uint8_t difference = 0;
	int i;

	for (i = 0; i < 16; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

struct opening {
	struct ckpt_job *job;
	uint64_t deadline;
};

static int tick_opening(void *self)
{
	struct opening *opening = self;

	if (ckpt_clock_ns(CLOCK_MONOTONIC) > opening->deadline)
		return -ETIMEDOUT;
	return ckpt_tick_job(opening->job);
}

static int authenticate(struct ckpt_job *job)
{
	struct opening opening = { job, ckpt_clock_ns(CLOCK_MONOTONIC) + OPENING_MS * 1000000ull };
	uint8_t theirs[16], ours[32], proof[16], expected[16];
	int error;

	error = ckpt_receive_exact(job->stream, theirs, 16, tick_opening, &opening);
	if (error)
		return ckpt_fail(job, CKPT_E_AUTH, "restorer's challenge: %e", (long)error);
	if (SYS(getrandom, ours, 16, 0) != 16)
		return ckpt_fail(job, CKPT_E_SYSTEM, "getrandom failed");
	ckpt_proof(job->secret, theirs, ours, "mpvm-image", ours + 16);
	error = ckpt_send_exact(job->stream, ours, 32, tick_opening, &opening);
	if (!error)
		error = ckpt_receive_exact(job->stream, proof, 16, tick_opening, &opening);
	if (error)
		return ckpt_fail(job, CKPT_E_AUTH, "restorer's proof: %e", (long)error);
	ckpt_proof(job->secret, ours, theirs, "mpvm-restorer", expected);
	if (!same(proof, expected))
		return ckpt_fail(job, CKPT_E_AUTH, "what listens at %s:%u does not know the secret",
				 job->address, (unsigned int)job->port);
	return 0;
}

static int send_header(struct ckpt_job *job)
{
	mpvm_image_Header *header = &ckpt_engine.work->message.header;

	memset(header, 0, sizeof(*header));
	header->magic = CKPT_MAGIC;
	header->version = 1;
	ckpt_copy_text(header->migration, sizeof(header->migration), job->id);
	header->page_size = CKPT_PAGE;
	header->handoff = (uintptr_t)ckpt_engine.handoff;
	header->architecture = CKPT_ARCHITECTURE;
	ckpt_out_record(&ckpt_engine.work->out, mpvm_image_RecordType_HEADER, mpvm_image_Header_fields,
			header);
	return ckpt_out_flush(&ckpt_engine.work->out) ? ckpt_stream_error(job, "sending HEADER") : 0;
}

static int map_workspace(struct ckpt_job *job)
{
	struct ckpt_workspace *work;
	long at = SYS(mmap, 0, CKPT_WORKSPACE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at < 0 && at > -4096)
		return ckpt_fail(job, CKPT_E_SYSTEM, "mmap of the workspace: %e", at);
	/* Also so that it does not become one area with a neighbour of the program's. */
	SYS(madvise, at, CKPT_WORKSPACE_SIZE, MADV_NOHUGEPAGE);
	SYS(madvise, at, CKPT_WORKSPACE_SIZE, MADV_DONTFORK);
	work = (struct ckpt_workspace *)at;
	work->path_used = 1;
	work->uffd = work->clear_refs = work->pagemap = work->memory = -1;
	work->last_progress = ckpt_clock_ns(CLOCK_MONOTONIC);
	ckpt_engine.work = work;
	return 0;
}

static int open_memory(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	work->pagemap = SYS(openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	work->memory = SYS(openat, AT_FDCWD, "/proc/self/mem", O_RDONLY | O_CLOEXEC);
	if (work->pagemap < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/pagemap: %e", (long)work->pagemap);
	if (work->memory < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "open /proc/self/mem: %e", (long)work->memory);
	return 0;
}

int ckpt_open_to_stop(struct ckpt_job *job)
{
	int error;

	job->stream = -1;
	job->text[0] = 0;
	error = map_workspace(job);
	return error ? error : ckpt_open_threads(job);
}

int ckpt_open(struct ckpt_job *job)
{
	int error;

	job->stream = -1;
	job->text[0] = 0;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_START);
	error = ckpt_await_locks(job);
	if (!error)
		error = map_workspace(job);
	if (!error)
		error = open_memory(job);
	if (!error)
		error = ckpt_open_threads(job);
	if (!error)
		error = ckpt_check_process(job);
	if (!error)
		ckpt_read_advice();
	if (!error)
		error = ckpt_check_descriptors(job);
	if (!error)
		error = ckpt_read_areas(job);
	if (!error)
		error = connect_stream(job);
	if (error)
		return error;
	ckpt_out_start(&ckpt_engine.work->out, job->stream, ckpt_tick_job, job);
	ckpt_in_start(&ckpt_engine.work->answers, job->stream, ckpt_tick_job, job);
	CKPT_FAULT(job, CKPT_FAULT_AGENT_CONNECTED);
	error = authenticate(job);
	if (!error)
		error = send_header(job);
	if (error)
		return error;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_OPEN);
	return 0;
}

struct patience {
	struct ckpt_job *job;
	uint64_t deadline;
};

static int tick_patience(void *self)
{
	struct patience *patience = self;

	if (ckpt_clock_ns(CLOCK_MONOTONIC) >= patience->deadline)
		return -EAGAIN;
	return ckpt_tick_job(patience->job);
}

/* Reads one record of the restorer's into the workspace; CKPT_PENDING when none comes in time. */
static int read_answer(struct ckpt_job *job, uint32_t timeout_ms, struct ckpt_record *record)
{
	struct ckpt_in *in = &ckpt_engine.work->answers;
	struct patience patience = { job, ckpt_clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ull };
	struct pollfd poll = { .fd = job->stream, .events = POLLIN };
	int error;

	if (in->head == in->tail && SYS(poll, &poll, 1, 0) == 0 && !timeout_ms)
		return CKPT_PENDING;
	in->tick = tick_patience;
	in->self = &patience;
	error = ckpt_in_record(in, record, 0);
	in->error = 0;
	if (error == -EAGAIN)
		return CKPT_PENDING;
	if (job->abort)
		return ckpt_fail(job, CKPT_E_ABORTED, "aborted while waiting for the restorer");
	if (error)
		return ckpt_fail(job, CKPT_E_STREAM, "waiting for the restorer: %e",
				 error > 0 ? (long)-ECONNRESET : (long)error);
	return 0;
}

static int wait_record(struct ckpt_job *job, uint32_t timeout_ms, uint32_t type)
{
	mpvm_image_Refused refused = mpvm_image_Refused_init_zero;
	struct ckpt_record record;
	int error = read_answer(job, timeout_ms, &record);

	if (error)
		return error;
	if (record.type == type)
		return 0;
	if (record.type == mpvm_image_RecordType_REFUSED &&
	    ckpt_decode(&record, mpvm_image_Refused_fields, &refused))
		return ckpt_fail(job, CKPT_E_REFUSED, "%s: %s", refused.code, refused.text);
	return ckpt_fail(job, CKPT_E_STREAM, "the restorer sent a record of type %u", record.type);
}

#define IDLE_ROUNDS 2
#define FIRST_THROTTLE 50
#define MOST_THROTTLE 97
#define FIXED_US 1000           /* of the downtime: what does not depend on memory */

/* A program that writes faster than the network takes is not caught up with by more rounds. */
static bool rounds_stop_helping(const struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (job->rounds == 1 || job->remaining < work->least_remaining / 4 * 3) {
		work->least_remaining = job->remaining;
		work->idle_rounds = 0;
		return false;
	}
	return ++work->idle_rounds >= IDLE_ROUNDS;
}

/* Half of the time that was left to it, until there is hardly any. */
static void slow_down(struct ckpt_job *job)
{
	if (!job->throttle_percent)
		job->throttle_percent = FIRST_THROTTLE;
	else if (job->throttle_percent < MOST_THROTTLE)
		job->throttle_percent += (101 - job->throttle_percent) / 2;
	else
		job->converged = true;  /* no more can be done */
	ckpt_engine.work->least_remaining = job->remaining;
	ckpt_engine.work->idle_rounds = 0;
}

static int follow_policy(struct ckpt_job *job)
{
	bool at_the_end = job->rounds >= job->max_rounds;

	job->no_convergence = true;
	if (job->on_no_convergence == CKPT_NO_CONVERGENCE_GIVE_UP)
		return ckpt_fail(job, CKPT_E_CONVERGENCE, "after %u rounds %lu MiB are left, and it writes %lu MB/s",
				 job->rounds, (unsigned long)(job->remaining >> 20),
				 (unsigned long)(job->dirty_bytes_per_second / 1000000));
	if (job->on_no_convergence == CKPT_NO_CONVERGENCE_THROTTLE && !at_the_end)
		slow_down(job);
	else
		job->converged = true;
	return 0;
}

/* What a freeze would cost now, from the rate of the round that has ended; and whether to go on. */
static int judge_round(struct ckpt_job *job, uint64_t spent)
{
	uint64_t busy = spent - ckpt_engine.work->pace.rested;

	job->remaining = ckpt_engine.work->tracker->dirty_bytes(job);
	job->expected_downtime_us = FIXED_US;
	if (job->round_bytes)
		job->expected_downtime_us += (unsigned __int128)job->remaining * busy / job->round_bytes / 1000;
	/* The first round's time says nothing of it: pages were written at any time before. */
	if (spent)
		job->dirty_bytes_per_second = (unsigned __int128)job->remaining * 1000000000u / spent;
	job->converged = job->expected_downtime_us <= job->max_downtime_ms * 1000ull;
	if (!job->converged && (rounds_stop_helping(job) || job->rounds >= job->max_rounds))
		return follow_policy(job);
	return 0;
}

static int send_round(struct ckpt_job *job)
{
	int error = ckpt_send_areas(job, false);

	if (!error && ckpt_out_flush(&ckpt_engine.work->out))
		error = ckpt_stream_error(job, "copying while the program runs");
	/* Everything must have been taken in, or the last round would wait for it while frozen. */
	while (!error && (error = wait_record(job, 1000, mpvm_image_RecordType_READY)) == CKPT_PENDING)
		error = 0;
	return error;
}

int ckpt_copy_round(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	uint64_t start = ckpt_clock_ns(CLOCK_MONOTONIC), before = job->page_bytes;
	int error = work->tracker ? 0 : ckpt_open_tracker(job);

	if (error)
		return error;
	if (job->tracking == CKPT_TRACK_NONE) {
		job->converged = true;
		return 0;
	}
	if (!job->rounds)
		ckpt_drop_freed();
	work->pace.rested = 0;
	error = send_round(job);
	ckpt_throttle_off();
	if (error)
		return error;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_ROUND_END);
	job->round_bytes = job->page_bytes - before;
	job->transferred = work->out.sent;
	job->stream_us = work->out.nanoseconds / 1000;
	return judge_round(job, ckpt_clock_ns(CLOCK_MONOTONIC) - start);
}

static int send_end(struct ckpt_job *job)
{
	struct ckpt_out *out = &ckpt_engine.work->out;
	mpvm_image_End end = mpvm_image_End_init_zero;

	if (ckpt_out_flush(out))
		return ckpt_stream_error(job, "sending state");
	CKPT_FAULT(job, CKPT_FAULT_AGENT_END);
	end.bytes = out->sent;
	end.pages = job->pages;
	end.checksum = ckpt_out_checksum(out);
	end.frozen_at_us = job->frozen_at_us;
	ckpt_out_record(out, mpvm_image_RecordType_END, mpvm_image_End_fields, &end);
	if (ckpt_out_flush(out))
		return ckpt_stream_error(job, "sending END");
	return 0;
}

int ckpt_send_image(struct ckpt_job *job)
{
	int error;

	error = ckpt_check_descriptors(job);
	ckpt_engine.locks.wanted = 1;
	if (!error)
		error = ckpt_open_windows(job);
	if (!error)
		error = ckpt_send_areas(job, true);
	ckpt_close_windows();
	if (error)
		return error;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_STATE);
	error = ckpt_send_process(job);
	if (!error)
		error = ckpt_send_descriptors(job);
	if (!error)
		error = send_end(job);
	if (error)
		return error;
	job->transferred = ckpt_engine.work->out.sent;
	job->stream_us = ckpt_engine.work->out.nanoseconds / 1000;
	job->remaining = 0;
	job->sent_at_us = ckpt_clock_ns(CLOCK_REALTIME) / 1000;
	return 0;       /* nothing may fail any more: END is out, and the destination might commit */
}

int ckpt_wait_arrived(struct ckpt_job *job, uint32_t timeout_ms)
{
	int error;

	CKPT_FAULT(job, CKPT_FAULT_AGENT_SENT);
	error = wait_record(job, timeout_ms, mpvm_image_RecordType_ARRIVED);
	if (error)
		return error;
	CKPT_FAULT(job, CKPT_FAULT_AGENT_ARRIVED);
	return 0;
}

void ckpt_close(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;

	if (job->stream >= 0)
		SYS(close, job->stream);
	job->stream = -1;
	if (!work)
		return;
	ckpt_throttle_off();
	ckpt_close_tracker();
	if (work->pagemap >= 0)
		SYS(close, work->pagemap);
	if (work->memory >= 0)
		SYS(close, work->memory);
	ckpt_engine.work = NULL;
	SYS(munmap, work, CKPT_WORKSPACE_SIZE);
}

void ckpt_vanish(struct ckpt_job *job)
{
	ckpt_fault(job, CKPT_FAULT_AGENT_VANISH);
	for (;;)
		SYS(exit_group, 0);
}
