/*
 * sys.h: system calls without libc. Each returns what the kernel returns: a value >= 0, or a
 * negative errno. Safe on any thread, also on one that libc does not know of.
 */
#ifndef PVMI_SYS_H
#define PVMI_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "arch/x86_64/processor.h"
#include "arch/x86_64/syscall.h"

#define PVMI_PAGE 4096UL

static inline void *sys_mmap(void *at, size_t length, int protection, int flags, int fd, uint64_t offset)
{
	return (void *)pvmi_syscall6(SYS_mmap, (long)at, (long)length, protection, flags, fd, (long)offset);
}

static inline bool sys_mmap_failed(const void *result)
{
	return (unsigned long)result >= (unsigned long)-4095L;
}

static inline long sys_munmap(void *at, size_t length)
{
	return pvmi_syscall3(SYS_munmap, (long)at, (long)length, 0);
}

static inline long sys_mprotect(void *at, size_t length, int protection)
{
	return pvmi_syscall3(SYS_mprotect, (long)at, (long)length, protection);
}

static inline long sys_madvise(void *at, size_t length, int advice)
{
	return pvmi_syscall3(SYS_madvise, (long)at, (long)length, advice);
}

static inline long sys_memfd_create(const char *name, unsigned int flags)
{
	return pvmi_syscall3(SYS_memfd_create, (long)name, flags, 0);
}

static inline long sys_ftruncate(int fd, uint64_t length)
{
	return pvmi_syscall3(SYS_ftruncate, fd, (long)length, 0);
}

static inline long sys_fcntl(int fd, int command, long argument)
{
	return pvmi_syscall3(SYS_fcntl, fd, command, argument);
}

static inline long sys_fstat(int fd, struct stat *out)
{
	return pvmi_syscall3(SYS_fstat, fd, (long)out, 0);
}

static inline long sys_open(const char *path, int flags, int mode)
{
	return pvmi_syscall6(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

static inline long sys_close(int fd)
{
	return pvmi_syscall3(SYS_close, fd, 0, 0);
}

static inline long sys_read(int fd, void *into, size_t length)
{
	return pvmi_syscall3(SYS_read, fd, (long)into, (long)length);
}

static inline long sys_write(int fd, const void *from, size_t length)
{
	return pvmi_syscall3(SYS_write, fd, (long)from, (long)length);
}

static inline long sys_writev(int fd, const struct iovec *parts, int count)
{
	return pvmi_syscall3(SYS_writev, fd, (long)parts, count);
}

static inline long sys_unlink(const char *path)
{
	return pvmi_syscall3(SYS_unlink, (long)path, 0, 0);
}

static inline long sys_socket(int family, int type, int protocol)
{
	return pvmi_syscall3(SYS_socket, family, type, protocol);
}

static inline long sys_bind(int fd, const void *address, size_t length)
{
	return pvmi_syscall3(SYS_bind, fd, (long)address, (long)length);
}

static inline long sys_listen(int fd, int backlog)
{
	return pvmi_syscall3(SYS_listen, fd, backlog, 0);
}

static inline long sys_connect(int fd, const void *address, size_t length)
{
	return pvmi_syscall3(SYS_connect, fd, (long)address, (long)length);
}

static inline long sys_accept4(int fd, void *address, socklen_t *length, int flags)
{
	return pvmi_syscall6(SYS_accept4, fd, (long)address, (long)length, flags, 0, 0);
}

static inline long sys_getsockname(int fd, void *address, socklen_t *length)
{
	return pvmi_syscall3(SYS_getsockname, fd, (long)address, (long)length);
}

static inline long sys_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	return pvmi_syscall6(SYS_getsockopt, fd, level, name, (long)value, (long)length, 0);
}

static inline long sys_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	return pvmi_syscall6(SYS_setsockopt, fd, level, name, (long)value, length, 0);
}

static inline long sys_shutdown(int fd, int how)
{
	return pvmi_syscall3(SYS_shutdown, fd, how, 0);
}

static inline long sys_recv(int fd, void *into, size_t length, int flags)
{
	return pvmi_syscall6(SYS_recvfrom, fd, (long)into, (long)length, flags, 0, 0);
}

static inline long sys_send(int fd, const void *from, size_t length, int flags)
{
	return pvmi_syscall6(SYS_sendto, fd, (long)from, (long)length, flags, 0, 0);
}

static inline long sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return pvmi_syscall3(SYS_sendmsg, fd, (long)message, flags);
}

static inline long sys_recvmsg(int fd, struct msghdr *message, int flags)
{
	return pvmi_syscall3(SYS_recvmsg, fd, (long)message, flags);
}

static inline long sys_eventfd(unsigned int initial, int flags)
{
	return pvmi_syscall3(SYS_eventfd2, initial, flags, 0);
}

static inline long sys_epoll_create(void)
{
	return pvmi_syscall3(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0);
}

static inline long sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return pvmi_syscall6(SYS_epoll_ctl, epoll, operation, fd, (long)event, 0, 0);
}

/* timeout NULL: without limit. Linux 5.11 and later; -ENOSYS before, and under valgrind. */
static inline long sys_epoll_wait(int epoll, struct epoll_event *events, int max, const struct timespec *timeout)
{
	return pvmi_syscall6(SYS_epoll_pwait2, epoll, (long)events, max, (long)timeout, 0, 0);
}

/* The same to the millisecond, never less than asked for. */
static inline long sys_epoll_wait_ms(int epoll, struct epoll_event *events, int max, const struct timespec *timeout)
{
	long ms = timeout ? timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000 : -1;

	return pvmi_syscall6(SYS_epoll_pwait, epoll, (long)events, max, ms < INT32_MAX ? ms : INT32_MAX, 0, 0);
}

static inline long sys_futex_wait(uint32_t *word, uint32_t expected, const struct timespec *timeout)
{
	return pvmi_syscall6(SYS_futex, (long)word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, expected, (long)timeout, 0, 0);
}

static inline long sys_futex_wake(uint32_t *word, int count)
{
	return pvmi_syscall6(SYS_futex, (long)word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, 0, 0, 0);
}

static inline long sys_membarrier(int command)
{
	return pvmi_syscall3(SYS_membarrier, command, 0, 0);
}

static inline long sys_sched_yield(void)
{
	return pvmi_syscall3(SYS_sched_yield, 0, 0, 0);
}

static inline long sys_getrandom(void *into, size_t length)
{
	return pvmi_syscall3(SYS_getrandom, (long)into, (long)length, 0);
}

static inline long sys_getpid(void)
{
	return pvmi_syscall3(SYS_getpid, 0, 0, 0);
}

static inline long sys_gettid(void)
{
	return pvmi_syscall3(SYS_gettid, 0, 0, 0);
}

static inline int64_t sys_clock_ns(int clock)
{
	struct timespec now;

	pvmi_syscall3(SYS_clock_gettime, clock, (long)&now, 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t sys_now_ns(void)
{
	return sys_clock_ns(CLOCK_MONOTONIC);
}

static inline void sys_exit_group(int code) __attribute__((noreturn));
static inline void sys_exit_group(int code)
{
	for (;;)
		pvmi_syscall3(SYS_exit_group, code, 0, 0);
}

#endif
