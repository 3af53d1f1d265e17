/*
 * trace.h: the last thousand things that happened in the library, and assertions that show them.
 *
 * The ring is always on (a store of four words). It is written to the file that MPVM_TRACE names
 * when the process ends or an assertion fails; a debugger finds it as pvmi_trace_ring.
 */
#ifndef PVMI_TRACE_H
#define PVMI_TRACE_H

#include <stdint.h>

/* name, what the two words are */
#define PVMI_TRACE_EVENTS(EVENT) \
	EVENT(NONE, "-") \
	EVENT(COLLISION, "collisions so far, -") \
	EVENT(CHANNEL, "receiver, old state << 8 | new state") \
	EVENT(SEND, "receiver, number") \
	EVENT(ACKED, "receiver, number") \
	EVENT(ROUTE, "tid, state << 32 | epoch") \
	EVENT(ARRIVED, "sender, number") \
	EVENT(DUPLICATE, "sender, number") \
	EVENT(INLET_OPEN, "sender, its position") \
	EVENT(INLET_CLOSED, "sender, reason") \
	EVENT(BREAK, "receiver, reason") \
	EVENT(DUTY, "old, new") \
	EVENT(NOTICE_HELD, "about, -") \
	EVENT(NOTICE, "about, -") \
	EVENT(MOVE, "step, result") \
	EVENT(AFTER_MOVE, "epoch, host") \
	EVENT(BOUND_WAIT, "receiver, bytes queued") \
	EVENT(STRANGER, "reason, descriptor") \
	EVENT(SLEEP, "deadline, -") \
	EVENT(WOKEN, "events, -") \
	EVENT(PRIVATISED, "peer, bytes in use") \
	EVENT(ASSERT, "line, -")

enum pvmi_trace_event {
#define EVENT(name, text) PVMI_TRACE_##name,
	PVMI_TRACE_EVENTS(EVENT)
#undef EVENT
	PVMI_TRACE_EVENT_COUNT
};

void pvmi_trace_put(enum pvmi_trace_event event, uint64_t a, uint64_t b);
#define pvmi_trace(event, a, b) \
	pvmi_trace_put(PVMI_TRACE_##event, (uint64_t)(a), (uint64_t)(b))

/* Once, with the value of MPVM_TRACE (or NULL). */
void pvmi_trace_start(const char *path);
/* Writes the ring to the file, if one was named. */
void pvmi_trace_dump(void);
/* Writes it there in any case. */
void pvmi_trace_write(int fd);

void pvmi_assert_failed(const char *text, const char *file, int line) __attribute__((noreturn));
#define pvmi_assert(condition) \
	((condition) ? (void)0 : pvmi_assert_failed(#condition, __FILE__, __LINE__))

#endif
