// What each file of the addon gives to addon.cc. Every function checks its arguments and throws
// a JavaScript Error whose `code` is the name of the errno (or EINVAL, ENOEXEC) and whose text
// says which call failed.
#pragma once
#include <napi.h>

namespace mpvm {

Napi::Error failure(Napi::Env env, int error, const std::string &what);
int32_t integer_argument(const Napi::CallbackInfo &info, size_t index, const char *name);
std::string string_argument(const Napi::CallbackInfo &info, size_t index, const char *name);

Napi::Value peer_credentials(const Napi::CallbackInfo &info);
Napi::Value unix_socket(const Napi::CallbackInfo &info);
Napi::Value build_id(const Napi::CallbackInfo &info);
Napi::Value vdso_id(const Napi::CallbackInfo &info);
Napi::Value xsave_size(const Napi::CallbackInfo &info);
Napi::Value pidfd_open(const Napi::CallbackInfo &info);
Napi::Value pidfd_kill(const Napi::CallbackInfo &info);
Napi::Value compare_files(const Napi::CallbackInfo &info);
Napi::Value make_fifo(const Napi::CallbackInfo &info);
Napi::Value socket_pair(const Napi::CallbackInfo &info);
Napi::Value stream_for_others(const Napi::CallbackInfo &info);
Napi::Value listen_for_others(const Napi::CallbackInfo &info);
Napi::Value group_page_make(const Napi::CallbackInfo &info);
Napi::Value group_page_withdraw(const Napi::CallbackInfo &info);
Napi::Value close_descriptor(const Napi::CallbackInfo &info);
Napi::Value start_process(const Napi::CallbackInfo &info);

}  // namespace mpvm
