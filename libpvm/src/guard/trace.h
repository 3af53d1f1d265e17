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

#define PVMI_TRACE_ENTRIES 1024

struct pvmi_trace_entry {
	uint64_t ticks;
	uint32_t sequence;
	uint16_t event, reserved;
	uint64_t a, b;
};
extern struct pvmi_trace_ring {
	uint32_t next;
	uint64_t ticks;         /* when the clock was last looked at */
	struct pvmi_trace_entry entries[PVMI_TRACE_ENTRIES];
} pvmi_trace_ring;

/* No locked instruction for what happens with each message: should both threads come here at the
 * same instant, one entry is lost. */
static inline void pvmi_trace_at(enum pvmi_trace_event event, uint64_t ticks, uint64_t a, uint64_t b)
{
	uint32_t at = __atomic_load_n(&pvmi_trace_ring.next, __ATOMIC_RELAXED);
	struct pvmi_trace_entry *entry = &pvmi_trace_ring.entries[at % PVMI_TRACE_ENTRIES];

	__atomic_store_n(&pvmi_trace_ring.next, at + 1, __ATOMIC_RELAXED);
	entry->ticks = ticks;
	entry->sequence = at;
	entry->event = (uint16_t)event;
	entry->a = a;
	entry->b = b;
}

void pvmi_trace_put(enum pvmi_trace_event event, uint64_t a, uint64_t b);
#define pvmi_trace(event, a, b) \
	pvmi_trace_put(PVMI_TRACE_##event, (uint64_t)(a), (uint64_t)(b))
/* For what happens with each message: with the time of the event before, for a look at the clock
 * takes a tenth of the time that a message takes. */
#define pvmi_trace_often(event, a, b) \
	pvmi_trace_at(PVMI_TRACE_##event, pvmi_trace_ring.ticks, (uint64_t)(a), (uint64_t)(b))

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
