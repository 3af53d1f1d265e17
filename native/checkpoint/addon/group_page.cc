// A group's page (libpvm/src/group/page.h): the daemon makes it and withdraws it; tasks do the rest.
#include "addon.h"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../libpvm/src/group/page.h"

namespace mpvm {

// An open file, mapped whole for as long as this lives.
class Mapping {
public:
	Mapping(Napi::Env env, const std::string &path, int flags, size_t size)
	{
		int fd = open(path.c_str(), flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat file;

		if (fd < 0)
			throw failure(env, errno, path);
		if ((size && ftruncate(fd, off_t(size)) < 0) || fstat(fd, &file) < 0) {
			int error = errno;
			close(fd);
			throw failure(env, error, path);
		}
		length = size_t(file.st_size);
		at = mmap(nullptr, length ? length : 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (at == MAP_FAILED)
			throw failure(env, errno, path);
	}
	~Mapping() { munmap(at, length ? length : 1); }
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;
	pvmi_group_page *page() { return static_cast<pvmi_group_page *>(at); }

	size_t length;

private:
	void *at;
};

static uint64_t id_argument(const Napi::CallbackInfo &info, size_t index)
{
	if (index >= info.Length() || !info[index].IsNumber() || info[index].As<Napi::Number>().DoubleValue() < 1)
		throw failure(info.Env(), EINVAL, "page must be a positive number");
	return uint64_t(info[index].As<Napi::Number>().Int64Value());
}

// groupPageMake(path, page, counts, tids): a new file; EEXIST when something has that name.
Napi::Value group_page_make(const Napi::CallbackInfo &info)
{
	const std::string path = string_argument(info, 0, "path");
	const uint64_t id = id_argument(info, 1);

	if (info.Length() < 4 || !info[2].IsBoolean() || !info[3].IsArray() ||
	    info[3].As<Napi::Array>().Length() > PVMI_PAGE_MOST)
		throw failure(info.Env(), EINVAL, "counts must be a boolean, tids an array of at most 65535");
	const Napi::Array tids = info[3].As<Napi::Array>();
	const uint32_t members = tids.Length();
	Mapping mapping(info.Env(), path, O_CREAT | O_EXCL, pvmi_page_size(members));
	pvmi_group_page *page = mapping.page();

	page->magic = PVMI_PAGE_MAGIC;
	page->members = members;
	page->id = id;
	page->counts = info[2].As<Napi::Boolean>() ? 1 : 0;
	page->word = pvmi_page_word(1, 0, 0);
	for (uint32_t i = 0; i < members; i++)
		page->member[i].tid = tids.Get(i).As<Napi::Number>().Uint32Value();
	return info.Env().Undefined();
}

// groupPageWithdraw(path): { count, waiting }; ENOENT where there is none, EINVAL for a file that is no page.
Napi::Value group_page_withdraw(const Napi::CallbackInfo &info)
{
	const std::string path = string_argument(info, 0, "path");
	Mapping mapping(info.Env(), path, 0, 0);
	pvmi_group_page *page = mapping.page();
	uint32_t generation, found = 0;

	if (mapping.length < sizeof(*page) || page->magic != PVMI_PAGE_MAGIC || page->members > PVMI_PAGE_MOST ||
	    mapping.length < pvmi_page_size(page->members))
		throw failure(info.Env(), EINVAL, path + " is no page of a group");
	const uint32_t members = page->members;
	const uint32_t count = pvmi_page_withdraw(page, &generation);
	Napi::Array waiting = Napi::Array::New(info.Env());

	for (uint32_t i = 0; i < members && count; i++)
		if (__atomic_load_n(&page->member[i].mark, __ATOMIC_SEQ_CST) == generation && page->member[i].tid)
			waiting.Set(found++, Napi::Number::New(info.Env(), page->member[i].tid));
	syscall(SYS_futex, pvmi_page_futex(page), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);

	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("count", Napi::Number::New(info.Env(), count));
	result.Set("waiting", waiting);
	return result;
}

}  // namespace mpvm
