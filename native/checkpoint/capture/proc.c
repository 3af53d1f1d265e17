#define _GNU_SOURCE
#include <fcntl.h>

#include "capture.h"

long ckpt_read_file(const char *path, char *out, size_t size)
{
	long fd = SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), n;
	size_t used = 0;

	if (fd < 0)
		return fd;
	while (used + 1 < size && (n = SYS(read, fd, out + used, size - 1 - used)) > 0)
		used += n;
	out[used] = 0;
	SYS(close, fd);
	return used;
}

const char *ckpt_find_line(const char *text, const char *name)
{
	while (*text) {
		if (ckpt_starts(text, name)) {
			text += ckpt_length(name);
			while (*text == ' ' || *text == '\t')
				text++;
			return text;
		}
		while (*text && *text++ != '\n')
			;
	}
	return NULL;
}
