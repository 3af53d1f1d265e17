/* trace.c: see trace.h. Runs on any thread, in any state of the process: no libc but memcpy. */
#include <string.h>

#include "../sys/sys.h"
#include "../pvmi.h"
#include "trace.h"

struct pvmi_trace_ring pvmi_trace_ring;

static char dump_path[256];

static const char *const names[] = {
#define EVENT(name, text) #name,
	PVMI_TRACE_EVENTS(EVENT)
#undef EVENT
};

void pvmi_trace_put(enum pvmi_trace_event event, uint64_t a, uint64_t b)
{
	pvmi_trace_ring.ticks = pvmi_ticks();
	pvmi_trace_at(event, pvmi_trace_ring.ticks, a, b);
}

void pvmi_trace_start(const char *path)
{
	size_t length = path ? strlen(path) : 0;

	if (length && length < sizeof(dump_path))
		memcpy(dump_path, path, length + 1);
}

static char *put_text(char *to, const char *text)
{
	size_t length = strlen(text);

	memcpy(to, text, length);
	return to + length;
}

static char *put_hex(char *to, uint64_t value)
{
	int shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

static void write_entry(int fd, const struct pvmi_trace_entry *entry, uint64_t base)
{
	char line[160], *at = line;

	if (entry->event >= PVMI_TRACE_EVENT_COUNT || !entry->event)
		return;
	at = put_hex(at, entry->sequence);
	at = put_text(at, " +");
	at = put_hex(at, entry->ticks - base);
	at = put_text(at, " ");
	at = put_text(at, names[entry->event]);
	at = put_text(at, " ");
	at = put_hex(at, entry->a);
	at = put_text(at, " ");
	at = put_hex(at, entry->b);
	at = put_text(at, "\n");
	sys_write(fd, line, (size_t)(at - line));
}

void pvmi_trace_write(int fd)
{
	uint32_t next = pvmi_trace_ring.next, i = next > PVMI_TRACE_ENTRIES ? next - PVMI_TRACE_ENTRIES : 0;
	uint64_t base = pvmi_trace_ring.entries[i % PVMI_TRACE_ENTRIES].ticks;
	char line[64], *at = line;

	at = put_text(at, "# t");
	at = put_hex(at, pvmi ? pvmi->tid : 0);
	at = put_text(at, " pid ");
	at = put_hex(at, (uint64_t)sys_getpid());
	at = put_text(at, " (all in hex)\n");
	sys_write(fd, line, (size_t)(at - line));
	for (; i != next; i++)
		write_entry(fd, &pvmi_trace_ring.entries[i % PVMI_TRACE_ENTRIES], base);
}

void pvmi_trace_dump(void)
{
	int fd;

	if (!dump_path[0])
		return;
	fd = (int)sys_open(dump_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	pvmi_trace_write(fd);
	sys_close(fd);
}

void pvmi_assert_failed(const char *text, const char *file, int line)
{
	char message[512], *at = message;
	size_t length = strlen(text);

	pvmi_trace(ASSERT, line, 0);
	at = put_text(at, "libpvm: broken invariant: ");
	memcpy(at, text, length > 300 ? 300 : length);
	at += length > 300 ? 300 : length;
	at = put_text(at, " (");
	length = strlen(file);
	at = put_text(at, length > 80 ? file + length - 80 : file);
	at = put_text(at, " 0x");
	at = put_hex(at, (uint64_t)line);
	at = put_text(at, ")\n");
	sys_write(2, message, (size_t)(at - message));
	pvmi_trace_dump();
	__builtin_trap();
}
