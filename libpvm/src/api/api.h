/*
 * api.h: what the public functions have in common.
 *
 * A public function is: pvmi_begin (takes the context over from the agent, enrols when the function
 * needs a daemon), the work as a static function that returns a value or an error, pvmi_end
 * (gives the context back, reports the error). So no function reports an error twice.
 */
#ifndef PVMI_API_H
#define PVMI_API_H

#include <stdio.h>

#pragma GCC visibility push(default)
#include <pvm3.h>
#include "compat.h"
#pragma GCC visibility pop

#include "../link/link.h"
#include "../message/message.h"
#include "../pvmi.h"
#include "../tracing/tev.h"
#include "errors.h"

#define PVMI_TID_HOST		0x3ffc0000
#define PVMI_TID_LOCAL		0x0003ffff
#define PVMI_FRAGMENT_SIZE	4080            /* unless PvmFragSize says otherwise */
#define PVMI_TID_SPECIAL	0xc0000000      /* daemons, multicast addresses */

/* Where captured output or trace data goes. */
struct pvmi_sink {
	int tid, tag, context;
};
struct pvmi_sinks {
	struct pvmi_sink output, trace;
	int trace_buffer, trace_options;
	char trace_mask[36];            /* Pvmtmask: which events */
};

struct pvmi_options {
	int route, debug_mask, auto_error, fragment_size, reserved_tids, show_tids, no_reset;
	struct pvmi_sinks self, children;
	struct pvmi_office {            /* by mpvm_task_Office: held, and where word of it is in the mailbox */
		bool held;
		int index;
	} offices[4];
	bool has_spawned;               /* its first messages go to tasks that may not have begun */
	int no_reset_word;              /* the same for PvmNoReset: index + 1, or 0 */
};

/* Whether the function is of use without a daemon. */
enum pvmi_need { PVMI_ANYWHERE, PVMI_AS_TASK };

int pvmi_begin(enum pvmi_need need);            /* PvmOk, or why this cannot be a task */
int pvmi_end(const char *function, int result); /* reports result when it is negative */
/* The same, but an error is not printed (calls that answer a question with an error code). */
int pvmi_end_quietly(int result);

static inline bool pvmi_is_task_tid(int tid)
{
	return !((unsigned int)tid & PVMI_TID_SPECIAL) && (tid & PVMI_TID_LOCAL);
}

void pvmi_options_left(void);           /* pvm_exit */
int pvmi_trace_told(int mid);           /* handler of messages that turn tracing on and off */
void pvmi_options_enrolled(void);       /* what the parent has set for us */
void pvmi_options_inherit(mpvm_task_Inherited *to);
int pvmi_no_reset(bool on);             /* pvm_setopt(PvmNoReset) */
void pvmi_output_finish(void);          /* pvm_exit: children may still write */
void pvmi_api_set_context(uint32_t context);

/* The variables that programs look at: see variables.c. */
void pvmi_publish_enrolled(void);
void pvmi_publish_options(void);

/* A message of tag and context to the daemon with this tid (host part or none), not kept. */
int pvmi_link_post(uint32_t to, struct pvmi_message *message);

/* The mailbox, for the library's own entries: an index, or an error. */
int pvmi_mailbox_put(const char *name, struct pvmi_message *message, int flags);
int pvmi_mailbox_get(const char *name, int index, int flags, struct pvmi_message **message);
int pvmi_mailbox_delete(const char *name, int index);

/* Lists in answers. */
struct pvmi_tid_list {
	int *tids;
	int count, limit;
};
bool pvmi_read_signed(pb_istream_t *stream, const pb_field_t *field, void **list);
bool pvmi_read_unsigned(pb_istream_t *stream, const pb_field_t *field, void **list);
bool pvmi_read_text(pb_istream_t *stream, const pb_field_t *field, void **text); /* char **, malloc */

#endif
