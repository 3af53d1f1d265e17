// What the processor saves in a signal frame: a process carries such frames on its stack.
#include "addon.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mpvm {

// xsaveSize(): bytes of the extended state that the kernel has switched on; 0 when there is no XSAVE.
Napi::Value xsave_size(const Napi::CallbackInfo &info)
{
	unsigned int size = 0;
#if defined(__x86_64__)
	unsigned int a, b, c, d;
	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && __get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		size = b;
#endif
	return Napi::Number::New(info.Env(), size);
}

}  // namespace mpvm
