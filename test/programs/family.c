/*
 * family N
 *
 * A master asks a member N questions. The member has what only an engine from outside can take
 * along: a child, with which it speaks over a socketpair and a pipe, and which answers the questions.
 * Every answer carries the child's own count of them, so one that is lost, doubled or answered by
 * another copy of the child is seen. Both say how far they are; the master says "all answered".
 */
#include "common.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define TAG_ASK 21
#define TAG_ANSWER 22
#define TAG_END 23
#define BALLAST (8 << 20)

static int whole(int fd, void *at, size_t bytes, int out)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = out ? write(fd, (char *)at + done, bytes - done) : read(fd, (char *)at + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		done += (size_t)n;
	}
	return 1;
}

/* Questions come by the socketpair, answers go by the pipe. */
static void child(int in, int out)
{
	uint64_t question, count = 0;
	unsigned char *memory = malloc(BALLAST);
	const uint64_t seed = key(7, (uint64_t)getpid(), 1);

	fill(memory, BALLAST, seed);
	while (whole(in, &question, sizeof(question), 0)) {
		uint64_t answer[3] = { mix(question), ++count, (uint64_t)getpid() };

		if (count % 64 == 0 && differs(memory, BALLAST, seed) >= 0)
			_exit(3);
		if (!whole(out, answer, sizeof(answer), 1))
			_exit(4);
	}
	_exit(0);
}

static int member(void)
{
	int ends[2], pipes[2], master = pvm_parent(), tag, status;
	uint64_t question, answer[3];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || pipe(pipes) < 0)
		die("no pipes");
	pid = fork();
	if (!pid) {
		close(ends[0]);
		close(pipes[0]);
		child(ends[1], pipes[1]);
	}
	close(ends[1]);
	close(pipes[1]);
	for (;;) {
		pvm_recv(master, -1);
		pvm_bufinfo(pvm_getrbuf(), NULL, &tag, NULL);
		if (tag == TAG_END)
			break;
		pvm_upkulong(&question, 1, 1);
		if (!whole(ends[0], &question, sizeof(question), 1) || !whole(pipes[0], answer, sizeof(answer), 0))
			die("the child does not answer");
		if (answer[2] != (uint64_t)pid)
			die("the child says that it is process %lu, it was made as %d", answer[2], (int)pid);
		pvm_initsend(PvmDataRaw);
		pvm_pkulong(answer, 2, 1);
		pvm_send(master, TAG_ANSWER);
	}
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		die("the child has ended badly: %x", status);
	printf("family complete\n");
	fflush(stdout);
	pvm_exit();
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t questions, i, question, answer[2];
	int tid;

	if (pvm_mytid() < 0)
		return 1;
	if (pvm_parent() > 0)
		return member();
	questions = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
	pvm_catchout(stdout);
	if (pvm_spawn(own_name(argv), NULL, PvmTaskDefault, NULL, 1, &tid) != 1)
		die("no member");
	printf("member t%x\n", tid);
	fflush(stdout);
	for (i = 1; i <= questions; i++) {
		question = key(3, 1, i);
		pvm_initsend(PvmDataRaw);
		pvm_pkulong(&question, 1, 1);
		pvm_send(tid, TAG_ASK);
		pvm_recv(tid, TAG_ANSWER);
		pvm_upkulong(answer, 2, 1);
		if (answer[0] != mix(question) || answer[1] != i)
			die("answer %lu is %lx, number %lu", i, answer[0], answer[1]);
		if (i % 500 == 0) {
			printf("asked %lu\n", i);
			fflush(stdout);
		}
		usleep(200);
	}
	pvm_initsend(PvmDataRaw);
	pvm_send(tid, TAG_END);
	pvm_exit();
	printf("all answered\n");
	return 0;
}
