#include "text.h"

#include <errno.h>

static const char *errno_name(long number)
{
	switch (number) {
#define NAME(e) case e: return #e
	NAME(EPERM); NAME(ENOENT); NAME(ESRCH); NAME(EINTR); NAME(EIO); NAME(ENXIO); NAME(E2BIG);
	NAME(EBADF); NAME(ECHILD); NAME(EAGAIN); NAME(ENOMEM); NAME(EACCES); NAME(EFAULT);
	NAME(EBUSY); NAME(EEXIST); NAME(ENODEV); NAME(ENOTDIR); NAME(EISDIR); NAME(EINVAL);
	NAME(ENFILE); NAME(EMFILE); NAME(ENOTTY); NAME(ETXTBSY); NAME(EFBIG); NAME(ENOSPC);
	NAME(ESPIPE); NAME(EROFS); NAME(EPIPE); NAME(ERANGE); NAME(ENAMETOOLONG); NAME(ENOSYS);
	NAME(ELOOP); NAME(EOVERFLOW); NAME(EPROTO); NAME(ENOTSOCK); NAME(EADDRINUSE);
	NAME(EADDRNOTAVAIL); NAME(ENETUNREACH); NAME(ECONNABORTED); NAME(ECONNRESET);
	NAME(ENOTCONN); NAME(ETIMEDOUT); NAME(ECONNREFUSED); NAME(EHOSTUNREACH); NAME(EOPNOTSUPP);
	NAME(EINPROGRESS);
#undef NAME
	default: return NULL;
	}
}

size_t ckpt_length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

bool ckpt_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool ckpt_starts(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return false;
	return true;
}

bool ckpt_ends(const char *text, const char *suffix)
{
	size_t n = ckpt_length(text), m = ckpt_length(suffix);

	return n >= m && ckpt_equal(text + n - m, suffix);
}

bool ckpt_copy_text(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		out[i] = text[i];
	out[i] = 0;
	return !text[i];
}

uint64_t ckpt_parse(const char **cursor, unsigned int base)
{
	uint64_t value = 0;
	unsigned int digit;

	for (;; (*cursor)++) {
		char c = **cursor;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			return value;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

struct sink {
	char *out;
	size_t size, used;
};

static void put(struct sink *sink, char c)
{
	if (sink->used + 1 < sink->size)
		sink->out[sink->used++] = c;
}

static void put_text(struct sink *sink, const char *text)
{
	while (text && *text)
		put(sink, *text++);
}

static void put_number(struct sink *sink, uint64_t value, unsigned int base)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(sink, digits[--n]);
}

static void put_signed(struct sink *sink, long value)
{
	if (value < 0)
		put(sink, '-');
	put_number(sink, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

static void put_errno(struct sink *sink, long error)
{
	const char *name = errno_name(-error);

	if (name) {
		put_text(sink, name);
	} else {
		put_text(sink, "errno ");
		put_signed(sink, -error);
	}
}

size_t ckpt_format_list(char *out, size_t size, const char *format, va_list arguments)
{
	struct sink sink = { out, size, 0 };
	bool wide;

	for (; *format; format++) {
		if (*format != '%') {
			put(&sink, *format);
			continue;
		}
		wide = format[1] == 'l';
		format += 1 + wide;
		switch (*format) {
		case 's':
			put_text(&sink, va_arg(arguments, const char *));
			break;
		case 'd':
			put_signed(&sink, wide ? va_arg(arguments, long) : va_arg(arguments, int));
			break;
		case 'u':
			put_number(&sink, wide ? va_arg(arguments, unsigned long) :
				   va_arg(arguments, unsigned int), 10);
			break;
		case 'x':
			put_number(&sink, wide ? va_arg(arguments, unsigned long) :
				   va_arg(arguments, unsigned int), 16);
			break;
		case 'e':
			put_errno(&sink, va_arg(arguments, long));
			break;
		default:
			put(&sink, *format);
		}
	}
	if (size)
		out[sink.used] = 0;
	return sink.used;
}

size_t ckpt_format(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t n;

	va_start(arguments, format);
	n = ckpt_format_list(out, size, format, arguments);
	va_end(arguments);
	return n;
}
