/*
 * Locks on files (fcntl, of a process or of an open file; flock). The kernel gives a lock back when its
 * holder ends, and two kernels never both have it: so the source's is gone before the destination takes
 * it anew. What was held travels in the task's own memory (ckpt_engine.locks); the main thread takes
 * it before any thread goes on. Somebody else may have had it in between: then the task waits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "capture.h"

#define FIRST_PAUSE_NS 100000u
#define LONGEST_PAUSE_NS 10000000u
#define PATIENCE_NS 200000000u          /* of a move that finds the task still waiting for a lock */

static const char *next_word(const char *at)
{
	while (*at && *at != ' ' && *at != '\n')
		at++;
	while (*at == ' ')
		at++;
	return at;
}

/* "1: POSIX  ADVISORY  WRITE 27940 fe:01:4711 0 EOF" */
static int note_lock(struct ckpt_job *job, int fd, const char *path, const char *at)
{
	struct ckpt_locks *locks = &ckpt_engine.locks;
	struct ckpt_lock *lock = &locks->at[locks->count];
	int skip;

	at = next_word(at);
	if (ckpt_starts(at, "-> "))
		return 0;               /* somebody waits for it */
	if (locks->count == CKPT_MAX_LOCKS)
		return ckpt_refuse(job, fd, path, "the task holds too many locks");
	*lock = (struct ckpt_lock){ .fd = fd };
	if (ckpt_starts(at, "POSIX "))
		lock->command = F_SETLK;
	else if (ckpt_starts(at, "OFDLCK "))
		lock->command = F_OFD_SETLK;
	else if (!ckpt_starts(at, "FLOCK "))
		return ckpt_refuse(job, fd, path, "a lease on it cannot move");
	at = next_word(next_word(at));
	lock->write = ckpt_starts(at, "WRITE");
	for (skip = 0; skip < 3; skip++)
		at = next_word(at);
	lock->start = ckpt_parse(&at, 10);
	at = next_word(at);
	if (!ckpt_starts(at, "EOF"))
		lock->length = ckpt_parse(&at, 10) + 1 - lock->start;
	locks->count++;
	return 0;
}

int ckpt_note_locks(struct ckpt_job *job, int fd, const char *path)
{
	struct ckpt_workspace *work = ckpt_engine.work;
	const char *at = work->line;
	char name[64];
	int error = 0;

	ckpt_format(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	if (ckpt_read_file(name, work->line, sizeof(work->line)) <= 0)
		return 0;
	if (ckpt_length(work->line) + 1 == sizeof(work->line))
		return ckpt_refuse(job, fd, path, "it has too many locks on it");
	while (!error && (at = ckpt_find_line(at, "lock:")))
		error = note_lock(job, fd, path, at);
	return error;
}

static long take(const struct ckpt_lock *lock)
{
	struct flock range = { .l_type = lock->write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET,
			       .l_start = lock->start, .l_len = lock->length };

	if (!lock->command)
		return SYS(flock, lock->fd, (lock->write ? LOCK_EX : LOCK_SH) | LOCK_NB);
	return SYS(fcntl, lock->fd, lock->command, &range);
}

static void pause_for(uint64_t ns)
{
	struct timespec time = { 0, ns };

	SYS(nanosleep, &time, NULL);
}

/* At the destination, on the main thread. */
void ckpt_take_locks(void)
{
	struct ckpt_locks *locks = &ckpt_engine.locks;
	uint64_t pause = FIRST_PAUSE_NS;
	size_t i;
	long error;

	for (i = 0; i < locks->count; i++) {
		while ((error = take(&locks->at[i])) == -EAGAIN || error == -EACCES || error == -EINTR) {
			pause_for(pause);
			if (pause < LONGEST_PAUSE_NS)
				pause *= 2;
		}
	}
	ckpt_set_word(&locks->wanted, 0);
}

/* The next move may begin before the last one is over. */
int ckpt_await_locks(struct ckpt_job *job)
{
	struct ckpt_locks *locks = &ckpt_engine.locks;
	uint64_t deadline = ckpt_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;

	while (ckpt_get_word(&locks->wanted)) {
		if (ckpt_clock_ns(CLOCK_MONOTONIC) > deadline)
			return ckpt_fail(job, CKPT_E_UNSUPPORTED, "it still waits for a lock on a file that another "
					 "process has taken while it moved");
		ckpt_futex_wait(&locks->wanted, 1, FIRST_PAUSE_NS);
	}
	return 0;
}
