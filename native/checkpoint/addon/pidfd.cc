// Processes without the race of a reused pid, and which descriptors share one open file.
#include "addon.h"

#include <cerrno>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4    // since Linux 6.9; before: EINVAL
#endif

namespace mpvm {

Napi::Value pidfd_open(const Napi::CallbackInfo &info)
{
	const int fd = int(syscall(SYS_pidfd_open, integer_argument(info, 0, "pid"), 0));

	if (fd < 0)
		throw failure(info.Env(), errno, "pidfd_open");
	return Napi::Number::New(info.Env(), fd);
}

// pidfdKill(pidfd, signal, group): false when the process has ended. group: with all processes of the
// group that it leads; false when it leads none.
Napi::Value pidfd_kill(const Napi::CallbackInfo &info)
{
	const int fd = integer_argument(info, 0, "pidfd");
	const int signal = integer_argument(info, 1, "signal");
	const bool group = info.Length() > 2 && info[2].ToBoolean();

	if (syscall(SYS_pidfd_send_signal, fd, signal, nullptr, group ? PIDFD_SIGNAL_PROCESS_GROUP : 0) == 0)
		return Napi::Boolean::New(info.Env(), true);
	if (errno != ESRCH)
		throw failure(info.Env(), errno, "pidfd_send_signal");
	return Napi::Boolean::New(info.Env(), false);
}

// compareFiles(pidA, fdA, pidB, fdB): do both name one open file (dup, fork)?
Napi::Value compare_files(const Napi::CallbackInfo &info)
{
	const long result = syscall(SYS_kcmp, integer_argument(info, 0, "pid"), integer_argument(info, 2, "pid"),
				    KCMP_FILE, long(integer_argument(info, 1, "fd")), long(integer_argument(info, 3, "fd")));

	if (result < 0)
		throw failure(info.Env(), errno, "kcmp");
	return Napi::Boolean::New(info.Env(), result == 0);
}

Napi::Value close_descriptor(const Napi::CallbackInfo &info)
{
	if (close(integer_argument(info, 0, "fd")) < 0)
		throw failure(info.Env(), errno, "close");
	return info.Env().Undefined();
}

}  // namespace mpvm
