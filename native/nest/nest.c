/*
 * mpvm-nest: where criu rebuilds a task. It makes a PID namespace and a mount namespace with a /proc
 * of its own, so that the task can have the process numbers it has always had whoever else has them
 * here, and stays as the namespace's init: it waits for orphans, and ends as the task ends.
 *
 *   mpvm-nest PID LAST
 *
 * PID: number of the task's first process in there. LAST: numbers that the kernel gives out in there
 * come after this one (criu's own must not be in the way). The task sends the init SIGUSR1 when it goes
 * on; one that ends before that takes its children along.
 *
 * Prints one line, the number of the init as its caller sees it, when it is ready. Ends with the exit
 * code of the task's first process, or by the same signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "mpvm-nest: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

/* ------------------------------------------------------------------ inside */

/* What is mounted and unmounted outside later on is seen here, and not the other way round. */
static void own_proc(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		fail("mount --make-rslave /");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fail("mount /proc");
}

static volatile sig_atomic_t goes_on;

static void note(int signal)
{
	(void)signal;
	goes_on = 1;
}

/* The status of the first process is told as soon as there is one. Its children live on, as they do
 * anywhere, if the task has ever run here. */
static void reap(pid_t first, int told)
{
	int status;
	pid_t ended;

	for (;;) {
		ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno == EINTR)
			continue;
		/* Before criu has made the first process there may be none to wait for. */
		if (ended < 0 && told >= 0) {
			usleep(1000);
			continue;
		}
		if (ended < 0)
			return;
		if (ended != first || told < 0)
			continue;
		prctl(PR_SET_PDEATHSIG, 0);
		if (write(told, &status, sizeof(status)) < 0 || !goes_on)
			return;
		close(told);
		told = -1;
	}
}

static int init(char **arguments, int told)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, note);
	own_proc();
	write_to("/proc/sys/kernel/ns_last_pid", arguments[2]);
	if (write(told, "+", 1) != 1)
		return 125;
	reap(atoi(arguments[1]), told);
	return 0;
}

/* ------------------------------------------------------------------ outside */

static void end_like(int status)
{
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		kill(getpid(), WTERMSIG(status));
		pause();
	}
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

int main(int count, char **arguments)
{
	int pipes[2], status;
	char ready;
	pid_t child;

	if (count != 3) {
		fprintf(stderr, "usage: mpvm-nest PID LAST\n");
		return 2;
	}
	if (pipe2(pipes, O_CLOEXEC) < 0)
		fail("pipe");
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		fail("unshare");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipes[0]);
		return init(arguments, pipes[1]);
	}
	close(pipes[1]);
	if (read(pipes[0], &ready, 1) != 1)
		return 125;
	printf("%d\n", (int)child);
	fflush(stdout);
	if (read(pipes[0], &status, sizeof(status)) != sizeof(status))
		return 125;
	end_like(status);
}
