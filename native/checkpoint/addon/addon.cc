// The module's face: names, and the two helpers every function uses.
#include "addon.h"

#include <cerrno>
#include <cstring>

namespace mpvm {

Napi::Error failure(Napi::Env env, int error, const std::string &what)
{
	Napi::Error thrown = Napi::Error::New(env, what + ": " + strerror(error));
	const char *name = strerrorname_np(error);
	thrown.Set("code", Napi::String::New(env, name ? name : "EUNKNOWN"));
	thrown.Set("errno", Napi::Number::New(env, error));
	return thrown;
}

int32_t integer_argument(const Napi::CallbackInfo &info, size_t index, const char *name)
{
	if (index >= info.Length() || !info[index].IsNumber())
		throw failure(info.Env(), EINVAL, std::string(name) + " must be a number");
	return info[index].As<Napi::Number>().Int32Value();
}

std::string string_argument(const Napi::CallbackInfo &info, size_t index, const char *name)
{
	if (index >= info.Length() || !info[index].IsString())
		throw failure(info.Env(), EINVAL, std::string(name) + " must be a string");
	return info[index].As<Napi::String>().Utf8Value();
}

static Napi::Object initialise(Napi::Env env, Napi::Object exports)
{
	exports.Set("unixSocket", Napi::Function::New(env, unix_socket));
	exports.Set("peerCredentials", Napi::Function::New(env, peer_credentials));
	exports.Set("buildId", Napi::Function::New(env, build_id));
	exports.Set("vdsoId", Napi::Function::New(env, vdso_id));
	exports.Set("xsaveSize", Napi::Function::New(env, xsave_size));
	exports.Set("pidfdOpen", Napi::Function::New(env, pidfd_open));
	exports.Set("pidfdKill", Napi::Function::New(env, pidfd_kill));
	exports.Set("compareFiles", Napi::Function::New(env, compare_files));
	exports.Set("makeFifo", Napi::Function::New(env, make_fifo));
	exports.Set("socketPair", Napi::Function::New(env, socket_pair));
	exports.Set("streamForOthers", Napi::Function::New(env, stream_for_others));
	exports.Set("listenForOthers", Napi::Function::New(env, listen_for_others));
	exports.Set("groupPageMake", Napi::Function::New(env, group_page_make));
	exports.Set("groupPageWithdraw", Napi::Function::New(env, group_page_withdraw));
	exports.Set("closeDescriptor", Napi::Function::New(env, close_descriptor));
	exports.Set("startProcess", Napi::Function::New(env, start_process));
	return exports;
}

}  // namespace mpvm

static Napi::Object module_init(Napi::Env env, Napi::Object exports)
{
	return mpvm::initialise(env, exports);
}
NODE_API_MODULE(mpvm_native, module_init)
