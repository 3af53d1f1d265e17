// Identity of ELF images: the GNU build-id of a file on disk, and of this process's vDSO.
#include "addon.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace mpvm {
namespace {

constexpr size_t MAX_PROGRAM_HEADERS = 512;
constexpr size_t MAX_NOTES = 64 * 1024;

struct Descriptor {
	int fd;
	~Descriptor() { if (fd >= 0) close(fd); }
};

std::string hex(const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	std::string text;

	for (size_t i = 0; i < length; i++) {
		text += digits[bytes[i] >> 4];
		text += digits[bytes[i] & 15];
	}
	return text;
}

// The build-id in a run of notes; "" when there is none or the notes are damaged.
std::string find_build_id(const uint8_t *notes, size_t length)
{
	size_t at = 0;

	while (length - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		const size_t name = (size_t(note.n_namesz) + 3) & ~size_t(3);
		const size_t desc = (size_t(note.n_descsz) + 3) & ~size_t(3);
		if (name > length - at || desc > length - at - name)
			break;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(notes + at, "GNU", 4) == 0 && note.n_descsz <= 64)
			return hex(notes + at + name, note.n_descsz);
		at += name + desc;
	}
	return "";
}

bool read_at(int fd, void *into, size_t length, uint64_t offset)
{
	return pread(fd, into, length, off_t(offset)) == ssize_t(length);
}

uint64_t fnv1a(uint64_t hash, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

}  // namespace

// buildId(path): hex, or null for a file that is no 64-bit ELF or has none.
Napi::Value build_id(const Napi::CallbackInfo &info)
{
	const std::string path = string_argument(info, 0, "path");
	Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
	Elf64_Ehdr header;

	if (file.fd < 0)
		throw failure(info.Env(), errno, path);
	if (!read_at(file.fd, &header, sizeof(header), 0) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum > MAX_PROGRAM_HEADERS)
		return info.Env().Null();
	for (size_t i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr part;
		if (!read_at(file.fd, &part, sizeof(part), header.e_phoff + i * sizeof(part)))
			return info.Env().Null();
		if (part.p_type != PT_NOTE || part.p_filesz > MAX_NOTES)
			continue;
		std::vector<uint8_t> notes(part.p_filesz);
		if (!read_at(file.fd, notes.data(), notes.size(), part.p_offset))
			continue;
		const std::string id = find_build_id(notes.data(), notes.size());
		if (!id.empty())
			return Napi::String::New(info.Env(), id);
	}
	return info.Env().Null();
}

// vdsoId(): a hash of the vDSO's bytes and of how many pages it and its data take. A process
// keeps pointers into the vDSO, so it runs only where the same image can be put at the same place.
Napi::Value vdso_id(const Napi::CallbackInfo &info)
{
	const auto *image = reinterpret_cast<const uint8_t *>(getauxval(AT_SYSINFO_EHDR));
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	uint64_t hash = 0xcbf29ce484222325ull;
	std::string layout;

	if (!maps)
		throw failure(info.Env(), errno, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		const char *name = strrchr(line, '[');
		if (!name || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (strncmp(name, "[vdso]", 6) == 0) {
			hash = fnv1a(hash, reinterpret_cast<const uint8_t *>(start), end - start);
			layout += " vdso:" + std::to_string((end - start) / 4096);
		} else if (strncmp(name, "[vvar", 5) == 0) {
			layout += " vvar:" + std::to_string((end - start) / 4096);
		}
	}
	fclose(maps);
	if (!image)
		return Napi::String::New(info.Env(), "none");
	char text[32];
	snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
	return Napi::String::New(info.Env(), text + layout);
}

}  // namespace mpvm
