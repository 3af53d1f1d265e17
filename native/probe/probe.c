/*
 * mpvm-probe: what this kernel lets an ordinary process do, found by doing it. One line a
 * question: its name, then "yes" or "no", then the error's text. Read by `mpvm doctor`.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newer than the headers of some distributions we build on. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define FEATURE_WP_UNPOPULATED (1u << 13)
#define FEATURE_WP_ASYNC (1u << 15)

struct page_region {
	uint64_t start, end, categories;
};
struct pm_scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct pm_scan)
#define SCAN_WP_MATCHING 1
#define SCAN_CHECK_WPASYNC 2
#define SCAN_WRITTEN 2

static void say(const char *name, int ok)
{
	if (ok)
		printf("%s yes\n", name);
	else
		printf("%s no %s\n", name, strerror(errno));
}

static int try_scan(char *memory, size_t size)
{
	struct page_region region;
	struct pm_scan scan = {
		.size = sizeof(scan), .start = (uintptr_t)memory, .end = (uintptr_t)memory + size,
		.flags = SCAN_WP_MATCHING | SCAN_CHECK_WPASYNC, .vec = (uintptr_t)&region, .vec_len = 1,
		.category_mask = SCAN_WRITTEN, .return_mask = SCAN_WRITTEN,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int ok = fd >= 0 && ioctl(fd, SCAN_IOCTL, &scan) >= 0;

	if (fd >= 0) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return ok;
}

/* The dirty tracking of moves: asynchronous write protection, and one call that collects and re-arms it. */
static void dirty_tracking(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	size_t size = 16 * 4096;
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED };
	char *memory;

	say("userfaultfd", fd >= 0);
	if (fd < 0)
		return;
	int armed = ioctl(fd, UFFDIO_API, &api) == 0;
	say("userfaultfd-wp-async", armed);
	if (!armed)
		return;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register area = {
		.range = { .start = (uintptr_t)memory, .len = size }, .mode = UFFDIO_REGISTER_MODE_WP,
	};
	say("pagemap-scan", memory != MAP_FAILED && ioctl(fd, UFFDIO_REGISTER, &area) == 0 &&
				    try_scan(memory, size));
	close(fd);
}

static void soft_dirty(void)
{
	uint64_t entry = 0;
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	errno = ENOTSUP;
	if (page != MAP_FAILED && fd >= 0) {
		*page = 1;
		if (pread(fd, &entry, 8, (off_t)((uintptr_t)page / 4096 * 8)) != 8)
			entry = 0;
	}
	errno = ENOTSUP;
	say("soft-dirty", (entry >> 55) & 1);
	if (fd >= 0)
		close(fd);
}

static void processes(void)
{
	int fd;

	say("membarrier", syscall(SYS_membarrier, 16, 0, 0) == 0);
	fd = (int)syscall(SYS_memfd_create, "probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	say("memfd-seals", fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	if (fd >= 0)
		close(fd);
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	say("pidfd", fd >= 0);
	if (fd >= 0)
		close(fd);
	/* With a zero size the kernel only looks whether the option exists and who asks. */
	unsigned size = 0;
	say("prctl-set-mm-map", prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == 0 && size > 0);
}

static void cubic(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	say("tcp-cubic", fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) == 0);
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	dirty_tracking();
	soft_dirty();
	processes();
	cubic();
	return 0;
}
