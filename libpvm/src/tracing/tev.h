/*
 * tev.h: events of the public functions, for whoever collects them (pvm_setopt(PvmTraceTid), a
 * tracer, the console's trace). When nobody does, a call costs one look at pvmi->traced.
 *
 *   events.c    the tables: names, and the fields of each event's records
 *   tev.c       records: made, gathered, sent
 */
#ifndef PVMI_TEV_H
#define PVMI_TEV_H

#include <pvmtev.h>
#include <stdarg.h>
#include <stdbool.h>

#include "../pvmi.h"

/*
 * Fields of the record made on entry and on return, in the order of the arguments of
 * pvmi_tev_record. kind: i int, l long, s string, I ints (an array and how many), S strings (likewise).
 */
struct pvmi_tev_field {
	short did;              /* -1: the end */
	char kind;
};
#define PVMI_TEV_FIELDS 9
struct pvmi_tev_form {
	struct pvmi_tev_field entry[PVMI_TEV_FIELDS], exit[PVMI_TEV_FIELDS];
};
extern const struct pvmi_tev_form pvmi_tev_forms[TEV_MAX + 1];

struct pvmi_tracing {
	bool busy;                      /* a record is being made: what it calls is no event */
	unsigned int nested;            /* inside functions that are made of others: theirs are none either */
	struct pvmi_message *gathered;
	uint32_t described_to;          /* the collector that knows the forms */
};

void pvmi_tev_record(int event, int phase, ...);

#define pvmi_tev_entry(event, ...)                                              \
	do {                                                                    \
		if (__builtin_expect(pvmi->traced, 0))                           \
			pvmi_tev_record((event), TEV_EVENT_ENTRY, ##__VA_ARGS__); \
	} while (0)
#define pvmi_tev_exit(event, ...)                                               \
	do {                                                                    \
		if (__builtin_expect(pvmi->traced, 0))                           \
			pvmi_tev_record((event), TEV_EVENT_EXIT, ##__VA_ARGS__); \
	} while (0)

/* The same for a function that calls other public ones, which make no events meanwhile: both are always called. */
void pvmi_tev_outer(int event, int phase, ...);
void pvmi_tev_outer_list(int event, int phase, va_list *values);

/* Where events go, or which, has changed. */
void pvmi_tev_update(void);
/* What has been gathered goes out: before the task leaves. */
void pvmi_tev_flush(void);

#endif
