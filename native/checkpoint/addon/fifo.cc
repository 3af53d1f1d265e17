// Named pipes, which Node cannot make.
#include "addon.h"

#include <cerrno>
#include <sys/stat.h>

namespace mpvm {

// makeFifo(path, mode): a new one; EEXIST when something has that name.
Napi::Value make_fifo(const Napi::CallbackInfo &info)
{
	const std::string path = string_argument(info, 0, "path");

	if (mkfifo(path.c_str(), mode_t(integer_argument(info, 1, "mode"))) < 0)
		throw failure(info.Env(), errno, path);
	return info.Env().Undefined();
}

}  // namespace mpvm
