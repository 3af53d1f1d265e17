/*
 * source.h: what a receiver remembers of each sender: how far it has come, whatever the
 * connections were that brought it here.
 */
#ifndef PVMI_SOURCE_H
#define PVMI_SOURCE_H

#include "plane.h"

struct pvmi_source {
	struct pvmi_source *next;
	uint32_t sender;
	uint64_t incarnation;
	uint64_t last;                  /* number of the last message that is here whole */
	struct pvmi_message *partial;   /* the one after it, as far as it has come */
	size_t have;
	struct pvmi_inlet *inlet;       /* the connection it has now, or NULL */
	uint64_t used;                  /* when it last connected: the oldest are forgotten first */
};

struct pvmi_source *pvmi_source_find(uint32_t sender);
/* For a sender that has proven who it is; another incarnation begins anew. NULL: no memory. */
struct pvmi_source *pvmi_source_get(uint32_t sender, uint64_t incarnation);
/* It will never speak again. */
void pvmi_source_forget(struct pvmi_source *source);
void pvmi_source_drop_partial(struct pvmi_source *source);

/* Message number `number` begins (or goes on, when it is the partial one). The header's fields are
 * the caller's to fill in. NULL: out of order, or no memory. */
struct pvmi_message *pvmi_source_begin(struct pvmi_source *source, uint64_t number);
/* All of it is here: hand it on. */
void pvmi_source_complete(struct pvmi_source *source);

#endif
