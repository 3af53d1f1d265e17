// Who is at the other end of a unix socket: what the kernel says, not what the peer says.
#include "addon.h"

#include <cerrno>
#include <sys/socket.h>

namespace mpvm {

Napi::Value peer_credentials(const Napi::CallbackInfo &info)
{
	const int fd = integer_argument(info, 0, "fd");
	struct ucred who;
	socklen_t length = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0)
		throw failure(info.Env(), errno, "SO_PEERCRED");
	// A socket that is no unix socket answers pid 0: nobody, not root.
	if (who.pid == 0)
		throw failure(info.Env(), ENOTCONN, "SO_PEERCRED");
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("pid", Napi::Number::New(info.Env(), who.pid));
	result.Set("uid", Napi::Number::New(info.Env(), who.uid));
	result.Set("gid", Napi::Number::New(info.Env(), who.gid));
	return result;
}

}  // namespace mpvm
