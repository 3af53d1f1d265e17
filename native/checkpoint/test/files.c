/* Files that a program holds while it is moved: files NAME [MOVES]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

static char *named(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/ckpt-%s-%d", name, getpid());
	return path;
}

/* Files that are open and have no name any more. */
static void deleted(void)
{
	char name[64], data[16], back[16];
	int fd, copy, append, reader, temporary;
	unsigned i = 0, k;
	struct stat stat;
	FILE *stream = tmpfile();

	snprintf(name, sizeof(name), "/tmp/ckpt-deleted-%d", getpid());
	fd = open(name, O_RDWR | O_CREAT, 0600);
	copy = dup(fd);
	append = open(name, O_WRONLY | O_APPEND);
	reader = open(name, O_RDONLY);
	CHECK(!unlink(name));
	temporary = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	CHECK(pwrite(temporary, "at the end", 10, 5 << 20) == 10);
	while (more()) {
		snprintf(data, sizeof(data), "%014u\n", i++);
		CHECK(write(append, data, 15) == 15);
		fprintf(stream, "%s", data);
		CHECK(lseek(fd, i * 5, SEEK_SET) == i * 5 && lseek(copy, 0, SEEK_CUR) == i * 5);
		usleep(200);
	}
	for (k = 0; k < i; k++) {
		snprintf(data, sizeof(data), "%014u\n", k);
		CHECK(read(reader, back, 15) == 15 && !memcmp(data, back, 15));
	}
	CHECK(read(reader, back, 1) == 0);
	rewind(stream);
	for (k = 0; k < i; k++)
		CHECK(fgets(back, sizeof(back), stream) && (unsigned)atoi(back) == k);
	CHECK(!fstat(fd, &stat) && !stat.st_nlink && stat.st_size == (off_t)i * 15);
	CHECK(pread(temporary, back, 10, 5 << 20) == 10 && !memcmp(back, "at the end", 10));
	CHECK(pread(temporary, back, 1, 0) == 1 && !back[0]);
}

/* Who asks through an open file of its own is told of all locks, also of this process's. */
static void expect_lock(int fd, off_t at, int type, off_t start, off_t length)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	CHECK(!fcntl(fd, F_OFD_GETLK, &lock));
	CHECK(lock.l_type == type);
	CHECK(type == F_UNLCK || (lock.l_start == start && lock.l_len == length));
}

static void set_lock(int fd, int command, int type, off_t start, off_t length)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	CHECK(!fcntl(fd, command, &lock));
}

static void locks(void)
{
	int of_process = open(named("process"), O_RDWR | O_CREAT, 0600), asks = open(named("process"), O_RDWR);
	int of_file = open(named("file"), O_RDWR | O_CREAT, 0600), asks_file = open(named("file"), O_RDWR);
	int whole = open(named("whole"), O_RDONLY | O_CREAT, 0600), copy = dup(whole), asks_whole = open(named("whole"), O_RDONLY);
	unsigned round;

	unlink(named("whole"));
	set_lock(of_process, F_SETLK, F_WRLCK, 10, 5);
	set_lock(of_process, F_SETLK, F_RDLCK, 100, 0);
	for (round = 0; more(); round++) {
		set_lock(of_file, F_OFD_SETLK, round % 2 ? F_RDLCK : F_WRLCK, round, 7);
		CHECK(!flock(copy, round % 2 ? LOCK_SH : LOCK_EX));
		until_moved();
		expect_lock(asks, 12, F_WRLCK, 10, 5);
		expect_lock(asks, 20, F_UNLCK, 0, 0);
		expect_lock(asks, 1000, F_RDLCK, 100, 0);
		expect_lock(asks_file, round + 1, round % 2 ? F_RDLCK : F_WRLCK, round, 7);
		set_lock(of_file, F_OFD_SETLK, F_UNLCK, 0, 0);
		expect_lock(asks_file, round + 1, F_UNLCK, 0, 0);
	}
	CHECK(!flock(whole, LOCK_EX));
	CHECK(flock(asks_whole, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	close(copy);
	close(whole);
	CHECK(!flock(asks_whole, LOCK_EX | LOCK_NB));
}

/* Another process that wants the same lock: it takes it whenever it can, marks the file meanwhile, and
 * ends when it finds an 'e' there, or after a minute. */
static void rival(const char *path)
{
	int fd, fds;

	for (fds = 0; fds < 256; fds++)
		close(fds);
	fd = open(path, O_RDWR);
	alarm(60);
	for (;;) {
		char end = 0;

		set_lock(fd, F_SETLKW, F_WRLCK, 0, 1);
		if (pread(fd, &end, 1, 1) == 1 && end == 'e')
			_exit(0);
		if (pwrite(fd, "r", 1, 0) != 1 || usleep(3000) || pwrite(fd, "-", 1, 0) != 1)
			_exit(1);
		set_lock(fd, F_SETLK, F_UNLCK, 0, 1);
		usleep(100);
	}
}

/* It may have the lock while the task is nowhere, but never while the task believes it has it. */
static void contended(void)
{
	char *path = strdup(named("contended")), mark;
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	pid_t child = fork();

	if (!child) {
		if (!fork())
			rival(path);
		_exit(0);
	}
	CHECK(waitpid(child, NULL, 0) == child);
	while (more()) {
		unsigned start = mini_moves;

		set_lock(fd, F_SETLKW, F_WRLCK, 0, 1);
		while (mini_moves < start + 3 && more())
			CHECK(pread(fd, &mark, 1, 0) < 1 || mark == '-');
		CHECK(more() || pwrite(fd, "e", 1, 1) == 1);
		set_lock(fd, F_SETLK, F_UNLCK, 0, 1);
	}
	unlink(path);
}

/* One position for all who share an open file, and one for each who does not. */
static void offsets(void)
{
	int fds[40], i;
	unsigned round;

	fds[0] = open(named("offsets"), O_RDWR | O_CREAT, 0600);
	for (i = 1; i < 40; i++)
		fds[i] = i % 4 ? dup(fds[i - 1]) : open(named("offsets"), O_RDONLY);
	unlink(named("offsets"));
	for (round = 0; more(); round++) {
		for (i = 0; i < 40; i += 4)
			CHECK(lseek(fds[i + 3], round + i, SEEK_SET) == (off_t)(round + i));
		until_moved();
		for (i = 0; i < 40; i++)
			CHECK(lseek(fds[i], 0, SEEK_CUR) == (off_t)(round + i / 4 * 4));
	}
}

/* A mapped file is what everybody sees of it, here and there. */
static void mapped(void)
{
	int fd = open(named("mapped"), O_RDWR | O_CREAT, 0600), other = open(named("mapped"), O_RDONLY);
	size_t n = 1 << 20, i;
	uint32_t *shared, *private, value, round;

	CHECK(!ftruncate(fd, n));
	shared = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	private[512] = 77;
	close(fd);
	for (round = 0; more(); round++) {
		for (i = 1024; i < n / 4; i += 512)
			shared[i] = i + round;
		for (i = 1024; i < n / 4; i += 512)
			CHECK(pread(other, &value, 4, i * 4) == 4 && value == i + round && private[i] == i + round);
		CHECK(private[512] == 77 && !shared[512]);
	}
	CHECK(!msync(shared, n, MS_SYNC));
	unlink(named("mapped"));
}

static const struct test_case table[] = {
	{ "deleted", deleted }, { "locks", locks }, { "contended", contended }, { "offsets", offsets }, { "mapped", mapped }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
