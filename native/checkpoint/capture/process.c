/* What belongs to the process: attributes, signals, timers, and the parked threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "capture.h"

/* ------------------------------------------------------------------ checks */

/* Of any thread; one that has ended and is not waited for counts, too. */
static int check_children(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const struct ckpt_threads *threads = ckpt_engine.threads;
	const char *at = work->line;
	siginfo_t info;
	char path[64];
	size_t i;

	if (SYS(waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) == -ECHILD)
		return 0;
	work->line[0] = 0;
	for (i = 0; i < threads->count && !work->line[0]; i++) {
		ckpt_format(path, sizeof(path), "/proc/self/task/%u/children", threads->at[i].tid);
		if (threads->at[i].tid)
			ckpt_read_file(path, work->line, sizeof(work->line));
	}
	return ckpt_fail(job, CKPT_E_UNSUPPORTED, "it has a child process (%lu)", ckpt_parse(&at, 10));
}

int ckpt_check_process(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const char *at;
	long n;

	n = ckpt_read_file("/proc/self/status", work->line, sizeof(work->line));
	if (n < 0)
		return ckpt_fail(job, CKPT_E_SYSTEM, "reading /proc/self/status: %e", n);
	at = ckpt_find_line(work->line, "TracerPid:");
	if (at && ckpt_parse(&at, 10))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "a debugger is attached to it");
	n = SYS(readlinkat, AT_FDCWD, "/proc/self/root", work->line, sizeof(work->line) - 1);
	if (n != 1)
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "it has a root directory of its own");
	n = SYS(readlinkat, AT_FDCWD, "/proc/self/cwd", work->line, sizeof(work->line) - 1);
	work->line[n < 0 ? 0 : n] = 0;
	if (n < 0 || ckpt_ends(work->line, " (deleted)"))
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "its working directory is deleted");
	return check_children(job);
}

/* ------------------------------------------------------------------ attributes */

/* Fields of /proc/self/stat, counted from 1 as in proc(5). */
static void read_stat(uint64_t *fields, size_t count)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const char *at = work->line, *p;
	size_t i;

	memset(fields, 0, count * sizeof(*fields));
	if (ckpt_read_file("/proc/self/stat", work->line, sizeof(work->line)) <= 0)
		return;
	for (p = at; *p; p++)           /* the name may hold anything: fields go on behind its last ')' */
		if (*p == ')')
			at = p + 1;
	for (i = 3; i < count && *at; i++) {
		while (*at == ' ' || *at == '-')
			at++;
		fields[i] = ckpt_parse(&at, 10);
		while (*at && *at != ' ')
			at++;
	}
}

static void describe_memory(mpvm_image_Process *process)
{
	uint64_t stat[56];

	read_stat(stat, 56);
	process->start_code = stat[26];
	process->end_code = stat[27];
	process->start_stack = stat[28];
	process->start_data = stat[45];
	process->end_data = stat[46];
	process->start_brk = stat[47];
	process->brk = SYS(brk, 0);
	process->arg_start = stat[48];
	process->arg_end = stat[49];
	process->env_start = stat[50];
	process->env_end = stat[51];
}

static uint32_t read_umask(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const char *at;

	ckpt_read_file("/proc/self/status", work->line, sizeof(work->line));
	at = ckpt_find_line(work->line, "Umask:");
	return at ? ckpt_parse(&at, 8) : 022;
}

static void read_link(const char *path, char *out, size_t size)
{
	long n = SYS(readlinkat, AT_FDCWD, path, out, size - 1);

	out[n < 0 ? 0 : n] = 0;
}

static void describe_limits(mpvm_image_Process *process)
{
	struct rlimit64 limit;
	uint32_t i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		if (SYS(prlimit64, 0, i, NULL, &limit))
			continue;
		process->limits[process->limits_count++] =
			(mpvm_image_Limit){ i, limit.rlim_cur, limit.rlim_max };
	}
}

static int send(struct ckpt_job *job, uint32_t type, const pb_msgdesc_t *fields, const void *message)
{
	if (ckpt_out_record(&ckpt_engine.work->out, type, fields, message))
		return ckpt_stream_error(job, "sending the process");
	return 0;
}

static bool is_subreaper(void)
{
	int answer = 0;

	SYS(prctl, PR_GET_CHILD_SUBREAPER, &answer, 0, 0, 0);
	return answer;
}

static int send_attributes(struct ckpt_job *job)
{
	mpvm_image_Process *process = &ckpt_engine.work->message.process;
	long n;

	memset(process, 0, sizeof(*process));
	process->umask = read_umask();
	describe_memory(process);
	describe_limits(process);
	read_link("/proc/self/cwd", process->directory, sizeof(process->directory));
	read_link("/proc/self/exe", process->executable, sizeof(process->executable));
	n = ckpt_read_file("/proc/self/auxv", (char *)process->auxv.bytes, sizeof(process->auxv.bytes));
	process->auxv.size = n > 0 ? n : 0;
	process->dumpable = SYS(prctl, PR_GET_DUMPABLE);
	process->personality = SYS(personality, 0xffffffff);
	process->subreaper = is_subreaper();
	process->no_huge_pages = SYS(prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
	process->locks_future = ckpt_engine.work->locks_future;
	return send(job, mpvm_image_RecordType_PROCESS, mpvm_image_Process_fields, process);
}

static uint32_t count_bits(const uint8_t *bytes, size_t n)
{
	uint32_t count = 0;

	while (n--)
		count += __builtin_popcount(bytes[n]);
	return count;
}

static uint32_t count_processors(void)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const char *at = work->line;
	uint32_t processors = 0;
	uint64_t first, last;

	if (ckpt_read_file("/sys/devices/system/cpu/online", work->line, sizeof(work->line)) <= 0)
		return 0;
	while (*at >= '0' && *at <= '9') {      /* "0-3,6" */
		first = last = ckpt_parse(&at, 10);
		if (*at == '-') {
			at++;
			last = ckpt_parse(&at, 10);
		}
		processors += last - first + 1;
		if (*at == ',')
			at++;
	}
	return processors;
}

/* glibc's threads have registered what lies at a fixed distance from their thread pointer. */
static bool has_rseq(const struct ckpt_parked *thread)
{
	int32_t processor;

	if (!ckpt_engine.rseq_size || thread->tid_address - thread->tls >= CKPT_PAGE)
		return false;
	memcpy(&processor, (void *)(thread->tls + ckpt_engine.rseq_offset + 4), sizeof(processor));
	return processor >= 0;
}

static int send_thread(struct ckpt_job *job, const struct ckpt_parked *thread, uint32_t processors)
{
	static mpvm_image_Thread message;
	int i;

	memset(&message, 0, sizeof(message));
	message.tid = thread->tid;
	message.main = thread->tid == (uint32_t)SYS(getpid);
	message.ip = thread->registers.ip;
	message.sp = thread->registers.sp;
	message.saved_count = CKPT_SAVED;
	for (i = 0; i < CKPT_SAVED; i++)
		message.saved[i] = thread->registers.saved[i];
	message.tls = thread->tls;
	message.gs = thread->gs;
	message.tid_address = thread->tid_address;
	message.robust_list = thread->robust_list;
	message.robust_list_size = thread->robust_list_size;
	if (has_rseq(thread)) {
		message.rseq = thread->tls + ckpt_engine.rseq_offset;
		message.rseq_size = ckpt_engine.rseq_size;
	}
	message.signal_mask = thread->mask;
	message.altstack = (uintptr_t)thread->altstack.ss_sp;
	message.altstack_size = thread->altstack.ss_size;
	message.altstack_flags = thread->altstack.ss_flags;
	message.context = thread->context;
	memcpy(message.name, thread->name, sizeof(message.name));
	message.name[15] = 0;
	message.policy = thread->policy;
	message.priority = thread->priority;
	message.niceness = thread->niceness;
	message.timer_slack_ns = thread->timer_slack;
	message.parent_death_signal = thread->death_signal;
	message.no_new_privileges = thread->no_new_privileges;
	/* One that may run anywhere here may do so there. */
	if (count_bits(thread->affinity, thread->affinity_size) < processors) {
		message.affinity.size = thread->affinity_size;
		memcpy(message.affinity.bytes, thread->affinity, thread->affinity_size);
	}
	return send(job, mpvm_image_RecordType_THREAD, mpvm_image_Thread_fields, &message);
}

static int send_threads(struct ckpt_job *job)
{
	const struct ckpt_threads *threads = ckpt_engine.threads;
	uint32_t processors = count_processors();
	size_t i;
	int error = 0;

	for (i = 0; i < threads->count && !error; i++)
		if (threads->at[i].tid)
			error = send_thread(job, &threads->at[i], processors);
	return error;
}

/* ------------------------------------------------------------------ signals */

static int send_actions(struct ckpt_job *job)
{
	mpvm_image_SignalAction message;
	struct kernel_sigaction action;
	int signal, error = 0;

	for (signal = 1; signal <= 64 && !error; signal++) {
		if (signal == SIGKILL || signal == SIGSTOP)
			continue;
		if (signal == CKPT_PARK_SIGNAL)
			memcpy(&action, ckpt_engine.old_action, sizeof(action));
		else if (SYS(rt_sigaction, signal, NULL, &action, 8))
			continue;
		if (!action.handler && !action.flags)
			continue;       /* the default, as in the restorer */
		message = (mpvm_image_SignalAction){ signal, action.handler, action.flags,
						     action.restorer, action.mask };
		error = send(job, mpvm_image_RecordType_SIGNAL_ACTION, mpvm_image_SignalAction_fields,
			     &message);
	}
	return error;
}

static int send_pending(struct ckpt_job *job)
{
	const struct ckpt_threads *threads = ckpt_engine.threads;
	mpvm_image_PendingSignal message;
	int error = ckpt_take_pending(job), signal;
	size_t i;

	for (i = 0; i < threads->pending_count && !error; i++) {
		const struct ckpt_pending *pending = &threads->pending[i];

		memset(&message, 0, sizeof(message));
		memcpy(&signal, pending->info, sizeof(signal));
		message.signal = signal;
		message.shared = !pending->tid;
		message.tid = pending->tid;
		message.info.size = 128;
		memcpy(message.info.bytes, pending->info, 128);
		error = send(job, mpvm_image_RecordType_PENDING_SIGNAL, mpvm_image_PendingSignal_fields,
			     &message);
	}
	return error;
}

/* ------------------------------------------------------------------ timers */

static uint64_t micro(const struct timeval *time)
{
	return time->tv_sec * 1000000000ull + time->tv_usec * 1000ull;
}

static uint64_t nano(const struct timespec *time)
{
	return time->tv_sec * 1000000000ull + time->tv_nsec;
}

static int send_interval_timers(struct ckpt_job *job)
{
	mpvm_image_Timer message;
	struct itimerval value;
	int which, error = 0;

	for (which = ITIMER_REAL; which <= ITIMER_PROF && !error; which++) {
		if (SYS(getitimer, which, &value))
			continue;
		/* While its SIGALRM waits to be taken, a periodic timer stands still: it goes on then. */
		if (which == ITIMER_REAL && !micro(&value.it_value))
			value.it_value = value.it_interval;
		if (!micro(&value.it_value))
			continue;
		memset(&message, 0, sizeof(message));
		message.kind = which;   /* REAL, VIRTUAL, PROFILE: the same numbers */
		message.value_ns = micro(&value.it_value);
		message.interval_ns = micro(&value.it_interval);
		error = send(job, mpvm_image_RecordType_TIMER, mpvm_image_Timer_fields, &message);
	}
	return error;
}

/* One block of /proc/self/timers: "ID: n", "signal: N/VALUE", "notify: KIND/pid.N", "ClockID: n". */
static int send_posix_timer(struct ckpt_job *job, const char *block)
{
	mpvm_image_Timer message = mpvm_image_Timer_init_zero;
	struct itimerspec value;
	const char *at;

	message.kind = mpvm_image_Timer_Kind_POSIX;
	at = ckpt_find_line(block, "ID:");
	message.id = at ? ckpt_parse(&at, 10) : 0;
	at = ckpt_find_line(block, "signal:");
	if (at) {
		message.signal = ckpt_parse(&at, 10);
		at++;
		message.sigev_value = ckpt_parse(&at, 16);
	}
	at = ckpt_find_line(block, "notify:");
	if (at && ckpt_starts(at, "none"))
		message.notify = SIGEV_NONE;
	else if (at && ckpt_starts(at, "signal/tid.")) {
		at += 11;
		message.notify = SIGEV_THREAD_ID;
		message.tid = ckpt_parse(&at, 10);
	} else if (at && ckpt_starts(at, "signal"))
		message.notify = SIGEV_SIGNAL;
	else
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "POSIX timer %u notifies in an unknown way", message.id);
	at = ckpt_find_line(block, "ClockID:");
	if (at && *at == '-')
		return ckpt_fail(job, CKPT_E_UNSUPPORTED, "POSIX timer %u counts a process's CPU time", message.id);
	message.clock = at ? ckpt_parse(&at, 10) : CLOCK_REALTIME;
	if (SYS(timer_gettime, message.id, &value) == 0) {
		message.value_ns = nano(&value.it_value);
		message.interval_ns = nano(&value.it_interval);
	}
	return send(job, mpvm_image_RecordType_TIMER, mpvm_image_Timer_fields, &message);
}

static int send_posix_timers(struct ckpt_job *job)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	char *block = work->read_buffer, *next;
	int error = 0;

	if (ckpt_read_file("/proc/self/timers", work->read_buffer, sizeof(work->read_buffer)) <= 0)
		return 0;
	while (*block && !error) {
		for (next = block + 1; *next && !(next[-1] == '\n' && ckpt_starts(next, "ID:")); next++)
			;
		if (*next)
			next[-1] = 0;
		error = send_posix_timer(job, block);
		block = next;
	}
	return error;
}

int ckpt_send_process(struct ckpt_job *job)
{
	int error = check_children(job);

	if (!error)
		error = send_threads(job);
	if (!error)
		error = send_attributes(job);
	if (!error)
		error = send_actions(job);
	if (!error)
		error = send_interval_timers(job);
	if (!error)
		error = send_posix_timers(job);
	if (!error)
		error = send_pending(job);
	return error;
}
