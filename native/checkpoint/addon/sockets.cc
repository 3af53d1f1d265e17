// Who is at the other end of another process's unix socket, as the kernel tells over netlink.
#include "addon.h"

#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpvm {

namespace {

struct Question {
	nlmsghdr header;
	unix_diag_req request;
};

struct Descriptor {
	const int fd;
	~Descriptor() { if (fd >= 0) close(fd); }
};

// The answer's attributes: a name, and the inode of the peer (0: closed; none: not connected).
void read_attributes(Napi::Env env, Napi::Object result, const uint8_t *at, const uint8_t *end)
{
	while (at + sizeof(nlattr) <= end) {
		const auto *attribute = reinterpret_cast<const nlattr *>(at);

		if (attribute->nla_len < sizeof(nlattr) || at + attribute->nla_len > end)
			return;
		if (attribute->nla_type == UNIX_DIAG_NAME && attribute->nla_len > sizeof(nlattr))
			result.Set("named", Napi::Boolean::New(env, true));
		if (attribute->nla_type == UNIX_DIAG_PEER) {
			uint32_t peer;

			memcpy(&peer, at + sizeof(nlattr), sizeof(peer));
			result.Set("peer", Napi::Number::New(env, peer));
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
}

}  // namespace

// unixSocket(inode): { named, peer? }; null when it is no unix socket of this network namespace.
Napi::Value unix_socket(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	Question question{};
	alignas(nlmsghdr) uint8_t answer[1024];
	const Descriptor diag{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};

	question.header.nlmsg_len = sizeof(question);
	question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	question.header.nlmsg_flags = NLM_F_REQUEST;
	question.request.sdiag_family = AF_UNIX;
	question.request.udiag_states = ~0u;
	question.request.udiag_ino = integer_argument(info, 0, "inode");
	question.request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER;
	question.request.udiag_cookie[0] = question.request.udiag_cookie[1] = ~0u;
	if (diag.fd < 0 || send(diag.fd, &question, sizeof(question), 0) < 0)
		throw failure(env, errno, "NETLINK_SOCK_DIAG");
	const ssize_t n = recv(diag.fd, answer, sizeof(answer), 0);
	const auto *header = reinterpret_cast<const nlmsghdr *>(answer);

	if (n < static_cast<ssize_t>(sizeof(*header)))
		throw failure(env, n < 0 ? errno : EIO, "NETLINK_SOCK_DIAG");
	if (header->nlmsg_type == NLMSG_ERROR) {
		int error;

		memcpy(&error, header + 1, sizeof(error));
		if (error == -ENOENT)
			return env.Null();
		throw failure(env, -error, "unix_diag");
	}
	Napi::Object result = Napi::Object::New(env);
	result.Set("named", Napi::Boolean::New(env, false));
	read_attributes(env, result, answer + sizeof(*header) + sizeof(unix_diag_msg), answer + n);
	return result;
}

}  // namespace mpvm
