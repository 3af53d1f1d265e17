// Other programs' processes, started without a copy of this one: node's own way forks, and to fork
// a process of this size takes longer than the program needs to start.
#include "addon.h"

#include <cerrno>
#include <csignal>
#include <memory>
#include <spawn.h>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

namespace mpvm {

namespace {

// A child until it has ended and been waited for.
struct Child {
	uv_poll_t poll;
	int pidfd;
	Napi::FunctionReference ended;
	std::unique_ptr<Napi::AsyncContext> context;
};

// What posix_spawn needs beside the program; its calls fail for lack of memory only.
struct Preparation {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	Preparation(const std::string &directory, const int (&descriptors)[3])
	{
		sigset_t none, all;

		sigemptyset(&none);
		sigfillset(&all);
		posix_spawn_file_actions_init(&actions);
		posix_spawnattr_init(&attributes);
		posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
		for (int i = 0; i < 3; i++)
			posix_spawn_file_actions_adddup2(&actions, descriptors[i], i);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		posix_spawnattr_setflags(&attributes, short(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
	}
	~Preparation()
	{
		posix_spawn_file_actions_destroy(&actions);
		posix_spawnattr_destroy(&attributes);
	}
	Preparation(const Preparation &) = delete;
	Preparation &operator=(const Preparation &) = delete;
};

std::vector<std::string> strings(const Napi::CallbackInfo &info, size_t index, const char *name)
{
	std::vector<std::string> result;

	if (index >= info.Length() || !info[index].IsArray())
		throw failure(info.Env(), EINVAL, std::string(name) + " must be an array");
	const Napi::Array array = info[index].As<Napi::Array>();
	for (uint32_t i = 0; i < array.Length(); i++) {
		const Napi::Value value = array.Get(i);
		result.push_back(value.ToString().Utf8Value());
	}
	return result;
}

std::vector<char *> pointers(std::vector<std::string> &texts)
{
	std::vector<char *> result;

	for (std::string &text : texts)
		result.push_back(text.data());
	result.push_back(nullptr);
	return result;
}

void closed(uv_handle_t *handle)
{
	delete static_cast<Child *>(handle->data);
}

// Its pidfd can be read: it has ended. Nobody else waits for it.
void can_be_waited_for(uv_poll_t *poll, int, int)
{
	Child *child = static_cast<Child *>(poll->data);
	const Napi::Env env = child->ended.Env();
	siginfo_t state = {};
	rusage usage = {};

	// The system call itself: libc's waitid does not tell what the process has used.
	if (syscall(SYS_waitid, P_PIDFD, child->pidfd, &state, WEXITED | WNOHANG, &usage) < 0 && errno == EINTR)
		return;
	if (!state.si_pid)
		return;
	uv_poll_stop(poll);
	close(child->pidfd);
	const bool by_itself = state.si_code == CLD_EXITED;
	const Napi::HandleScope scope(env);
	const Napi::Value code = Napi::Number::New(env, by_itself ? state.si_status : 0);
	const Napi::Value signal = Napi::Number::New(env, by_itself ? 0 : state.si_status);
	const Napi::Value user = Napi::Number::New(env, double(usage.ru_utime.tv_sec) * 1e6 + double(usage.ru_utime.tv_usec));
	const Napi::Value system = Napi::Number::New(env, double(usage.ru_stime.tv_sec) * 1e6 + double(usage.ru_stime.tv_usec));
	child->ended.MakeCallback(env.Global(), { code, signal, user, system }, *child->context);
	uv_close(reinterpret_cast<uv_handle_t *>(poll), closed);
}

void watch(const Napi::CallbackInfo &info, pid_t pid, const Napi::Function &ended)
{
	uv_loop_t *loop = nullptr;
	Child *child = new Child{};

	child->pidfd = int(syscall(SYS_pidfd_open, pid, 0));
	if (child->pidfd < 0) {
		const int error = errno;

		delete child;
		kill(pid, SIGKILL);
		waitpid(pid, nullptr, 0);
		throw failure(info.Env(), error, "pidfd_open");
	}
	napi_get_uv_event_loop(info.Env(), &loop);
	child->ended = Napi::Persistent(ended);
	child->context = std::make_unique<Napi::AsyncContext>(info.Env(), "mpvm process");
	child->poll.data = child;
	uv_poll_init(loop, &child->poll, child->pidfd);
	uv_poll_start(&child->poll, UV_READABLE, can_be_waited_for);
}

}  // namespace

// startProcess(path, arguments, environment, directory, stdin, stdout, stderr, ended): its pid.
// argv[0] is the path; environment: NAME=VALUE. It has a session of its own, no signal blocked or
// ignored, and of our descriptors those three. ended(code, signal, user, system) is called once; the
// last two are the processor's time that it has used, in microseconds.
Napi::Value start_process(const Napi::CallbackInfo &info)
{
	std::string path = string_argument(info, 0, "path");
	std::vector<std::string> arguments = strings(info, 1, "arguments");
	std::vector<std::string> environment = strings(info, 2, "environment");
	const int descriptors[3] = { integer_argument(info, 4, "stdin"), integer_argument(info, 5, "stdout"),
				     integer_argument(info, 6, "stderr") };
	const Preparation preparation(string_argument(info, 3, "directory"), descriptors);
	pid_t pid;
	int error;

	if (info.Length() < 8 || !info[7].IsFunction())
		throw failure(info.Env(), EINVAL, "ended must be a function");
	arguments.insert(arguments.begin(), path);
	error = posix_spawn(&pid, path.c_str(), &preparation.actions, &preparation.attributes,
			    pointers(arguments).data(), pointers(environment).data());
	if (error)
		throw failure(info.Env(), error, path);
	watch(info, pid, info[7].As<Napi::Function>());
	return Napi::Number::New(info.Env(), pid);
}

}  // namespace mpvm
