// Sockets that are handed to other programs.
#include "addon.h"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpvm {

// socketPair(): two connected unix stream sockets, which no program that is started inherits by accident.
Napi::Value socket_pair(const Napi::CallbackInfo &info)
{
	Napi::Array result = Napi::Array::New(info.Env(), 2);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		throw failure(info.Env(), errno, "socketpair");
	result[uint32_t(0)] = Napi::Number::New(info.Env(), ends[0]);
	result[uint32_t(1)] = Napi::Number::New(info.Env(), ends[1]);
	return result;
}

// streamForOthers(fd): a TCP connection as programs expect it that wait for each read and write.
// Cubic, where it is allowed: the usual default of today is slow on a link with no losses.
Napi::Value stream_for_others(const Napi::CallbackInfo &info)
{
	const int fd = integer_argument(info, 0, "fd");
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		throw failure(info.Env(), errno, "fcntl");
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	return info.Env().Undefined();
}

// listenForOthers(address): { fd, port } of a TCP socket that listens at this IPv4 address, for a
// program that is given it and waits for each connection. Cubic, as above.
Napi::Value listen_for_others(const Napi::CallbackInfo &info)
{
	const std::string address = string_argument(info, 0, "address");
	sockaddr_in at = {};
	socklen_t size = sizeof(at);

	at.sin_family = AF_INET;
	if (inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1)
		throw failure(info.Env(), EINVAL, address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		throw failure(info.Env(), errno, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	if (bind(fd, reinterpret_cast<sockaddr *>(&at), sizeof(at)) < 0 || listen(fd, 4) < 0 ||
	    getsockname(fd, reinterpret_cast<sockaddr *>(&at), &size) < 0) {
		const int error = errno;

		close(fd);
		throw failure(info.Env(), error, "listening at " + address);
	}
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("fd", Napi::Number::New(info.Env(), fd));
	result.Set("port", Napi::Number::New(info.Env(), ntohs(at.sin_port)));
	return result;
}

}  // namespace mpvm
