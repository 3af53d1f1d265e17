/*
 * options.c: pvm_setopt, pvm_getopt. A task has two sets of destinations for output and traces:
 * its own, given by its parent, and what its children will be given, at first the same.
 */
#include <limits.h>

#include "api.h"

struct choice {
	int *value;             /* NULL: there is no such option */
	int least, most;
	bool fixed;             /* PvmNotImpl to set */
	bool destination;       /* a tid: 0, ourselves, or what we were given */
	int inherited;
};

static struct choice choice(int what)
{
	struct pvmi_options *o = pvmi->options;
	struct pvmi_sinks *self = &o->self, *children = &o->children;
	struct choice any = { .least = INT_MIN, .most = INT_MAX };

#define ANY(place) (any.value = &(place), any)
#define BETWEEN(place, low, high) (struct choice){ .value = &(place), .least = (low), .most = (high) }
#define TO(place, given) (struct choice){ .value = &(place), .destination = true, .inherited = (given), \
					  .least = INT_MIN, .most = INT_MAX }
#define FIXED(place) (struct choice){ .value = &(place), .fixed = true }
	switch (what) {
	case PvmRoute: return BETWEEN(o->route, PvmDontRoute, PvmRouteDirect);
	case PvmDebugMask: return ANY(o->debug_mask);
	case PvmAutoErr: return ANY(o->auto_error);
	case PvmOutputTid: return TO(children->output.tid, self->output.tid);
	case PvmOutputCode: return ANY(children->output.tag);
	case PvmOutputContext: return ANY(children->output.context);
	case PvmTraceTid: return TO(children->trace.tid, self->trace.tid);
	case PvmTraceCode: return ANY(children->trace.tag);
	case PvmTraceContext: return ANY(children->trace.context);
	case PvmTraceBuffer: return ANY(children->trace_buffer);
	case PvmTraceOptions: return BETWEEN(children->trace_options, 0, PvmTraceCount);
	case PvmFragSize: return BETWEEN(o->fragment_size, 52, 1048576);
	case PvmResvTids: return ANY(o->reserved_tids);
	case PvmSelfOutputTid: return TO(self->output.tid, self->output.tid);
	case PvmSelfOutputCode: return ANY(self->output.tag);
	case PvmSelfOutputContext: return FIXED(self->output.context);
	case PvmSelfTraceTid: return ANY(self->trace.tid);
	case PvmSelfTraceCode: return ANY(self->trace.tag);
	case PvmSelfTraceContext: return FIXED(self->trace.context);
	case PvmSelfTraceBuffer: return ANY(self->trace_buffer);
	case PvmSelfTraceOptions: return BETWEEN(self->trace_options, 0, PvmTraceCount);
	case PvmShowTids: return ANY(o->show_tids);
	case PvmNoReset: return ANY(o->no_reset);
	default: return any;
	}
}

/* PvmOk, or why not; *old: the value before, which may be negative without being an error. */
static int setopt(int what, int value, int *old)
{
	struct choice c = choice(what);

	if (what == PvmPollType || what == PvmPollTime || c.fixed)
		return PvmNotImpl;      /* as PVM answers here */
	if (!c.value || value < c.least || value > c.most)
		return PvmBadParam;
	if (c.destination && value && value != (int)pvmi->tid && value != c.inherited)
		return PvmBadParam;
	*old = *c.value;
	*c.value = value;
	pvmi_publish_options();
	return PvmOk;
}

int pvm_setopt(int what, int value)
{
	int error, old = 0;

	pvmi_begin(PVMI_ANYWHERE);
	error = setopt(what, value, &old);
	if (error)
		return pvmi_end("pvm_setopt", error);
	pvmi_end_quietly(PvmOk);
	return old;
}

int pvm_getopt(int what)
{
	struct choice c;

	pvmi_begin(PVMI_ANYWHERE);
	c = choice(what);
	if (!c.value)
		return pvmi_end("pvm_getopt", PvmBadParam);
	pvmi_end_quietly(PvmOk);
	return *c.value;
}

void pvmi_options_enrolled(void)
{
	const mpvm_task_Inherited *from = &pvmi_enrolled.inherited;
	struct pvmi_sinks given = {
		.output = { (int)from->output_tid, from->output_tag, (int)from->output_context },
		.trace = { (int)from->trace_tid, from->trace_tag, (int)from->trace_context },
		.trace_buffer = from->trace_buffer,
		.trace_options = from->trace_options,
	};

	pvmi->options->self = pvmi->options->children = given;
}

void pvmi_options_inherit(mpvm_task_Inherited *to)
{
	const struct pvmi_sinks *from = &pvmi->options->children;

	to->output_tid = (uint32_t)from->output.tid;
	to->output_tag = from->output.tag;
	to->output_context = (uint32_t)from->output.context;
	to->trace_tid = (uint32_t)from->trace.tid;
	to->trace_tag = from->trace.tag;
	to->trace_context = (uint32_t)from->trace.context;
	to->trace_buffer = from->trace_buffer;
	to->trace_options = from->trace_options;
}
