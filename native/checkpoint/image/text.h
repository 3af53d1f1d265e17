/* Strings and messages without libc. */
#ifndef CKPT_TEXT_H
#define CKPT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* %s %d %ld %u %lu %x %lx %e; %e takes a negative errno and prints its name. Always terminates. */
size_t ckpt_format(char *out, size_t size, const char *format, ...);
size_t ckpt_format_list(char *out, size_t size, const char *format, va_list arguments);

bool ckpt_equal(const char *a, const char *b);
bool ckpt_starts(const char *text, const char *prefix);
bool ckpt_ends(const char *text, const char *suffix);
size_t ckpt_length(const char *text);
/* Copies as much as fits; false when it was cut. */
bool ckpt_copy_text(char *out, size_t size, const char *text);

/* Numbers at *cursor, which moves behind them. */
uint64_t ckpt_parse(const char **cursor, unsigned int base);
#endif
