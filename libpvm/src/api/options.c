/*
 * options.c: pvm_setopt, pvm_getopt. A task has two sets of destinations for output and traces:
 * its own, given by its parent, and what its children will be given, at first the same.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "officers.h"

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
	case PvmTraceOptions: return BETWEEN(children->trace_options, PvmTraceFull, PvmTraceCount);
	case PvmFragSize: return BETWEEN(o->fragment_size, 52, 1048576);
	case PvmResvTids: return ANY(o->reserved_tids);
	case PvmSelfOutputTid: return TO(self->output.tid, self->output.tid);
	case PvmSelfOutputCode: return ANY(self->output.tag);
	case PvmSelfOutputContext: return FIXED(self->output.context);
	case PvmSelfTraceTid: return ANY(self->trace.tid);
	case PvmSelfTraceCode: return ANY(self->trace.tag);
	case PvmSelfTraceContext: return FIXED(self->trace.context);
	case PvmSelfTraceBuffer: return ANY(self->trace_buffer);
	case PvmSelfTraceOptions: return BETWEEN(self->trace_options, PvmTraceFull, PvmTraceCount);
	case PvmShowTids: return ANY(o->show_tids);
	case PvmNoReset: return ANY(o->no_reset);
	default: return any;
	}
}

/* What is to be traced, and where to. */
static void trace_changed(void)
{
	const struct pvmi_sinks *children = &pvmi->options->children;

	pvmctrc = (struct Pvmtracer){
		.trctid = children->trace.tid, .trcctx = children->trace.context, .trctag = children->trace.tag,
		.outtid = children->output.tid, .outctx = children->output.context, .outtag = children->output.tag,
		.trcbuf = children->trace_buffer, .trcopt = children->trace_options,
	};
	memcpy(pvmctrc.tmask, children->trace_mask, sizeof(pvmctrc.tmask));
	pvmi_tev_update();
}

/* The daemon sends our output, and says when we end. */
static int tell_daemon(void)
{
	const struct pvmi_sinks *self = &pvmi->options->self;
	mpvm_task_SetSinks body = { .has_sinks = true };

	if (!pvmi->tid)
		return PvmOk;
	body.sinks = pvmi_enrolled.inherited;
	body.sinks.output_tid = (uint32_t)self->output.tid;
	body.sinks.output_tag = self->output.tag;
	body.sinks.output_context = (uint32_t)self->output.context;
	body.sinks.trace_tid = (uint32_t)self->trace.tid;
	body.sinks.trace_tag = self->trace.tag;
	body.sinks.trace_context = (uint32_t)self->trace.context;
	return pvmi_link_request(mpvm_task_ToDaemon_set_sinks_tag, mpvm_task_SetSinks_fields, &body, PVMI_REPEAT, NULL);
}

/* Of what concerns others than this library: they are told. */
static int spread(int what, int value)
{
	switch (what) {
	case PvmNoReset:
		return pvmi->tid ? pvmi_no_reset(value) : PvmBadParam;
	case PvmSelfOutputTid:
	case PvmSelfOutputCode:
	case PvmSelfTraceTid:
	case PvmSelfTraceCode:
		return tell_daemon();
	default:
		return PvmOk;
	}
}

/* PvmOk, or why not; *old: the value before, which may be negative without being an error. */
static int setopt(int what, int value, int *old)
{
	struct choice c = choice(what);
	int error;

	if (what == PvmPollType || what == PvmPollTime || c.fixed)
		return PvmNotImpl;      /* as PVM answers here */
	if (!c.value || value < c.least || value > c.most)
		return PvmBadParam;
	if (c.destination && value && value != (int)pvmi->tid && value != c.inherited)
		return PvmBadParam;
	*old = *c.value;
	*c.value = value;
	error = value == *old ? PvmOk : spread(what, value);
	if (error) {
		*c.value = *old;
		return error;
	}
	trace_changed();
	pvmi_publish_options();
	return PvmOk;
}

int pvm_setopt(int what, int value)
{
	int error, old = 0;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_SETOPT, what, value);
	error = setopt(what, value, &old);
	pvmi_tev_exit(TEV_SETOPT, old);
	if (error)
		return pvmi_end("pvm_setopt", error);
	pvmi_end_quietly(PvmOk);
	return old;
}

int pvm_getopt(int what)
{
	struct choice c;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_GETOPT, what);
	c = choice(what);
	pvmi_tev_exit(TEV_GETOPT, c.value ? *c.value : 0);
	if (!c.value)
		return pvmi_end("pvm_getopt", PvmBadParam);
	pvmi_end_quietly(PvmOk);
	return *c.value;
}

/* A mask is as long as one is; what is not is none. */
static bool take_mask(char *to, const char *mask)
{
	bool good = mask && strlen(mask) == TEV_MASK_LENGTH - 1;

	if (good)
		memcpy(to, mask, TEV_MASK_LENGTH);
	else
		TEV_MASK_INIT(to);
	return good;
}

void pvmi_options_left(void)
{
	struct pvmi_sinks none = { .trace_options = 0 };

	TEV_MASK_INIT(none.trace_mask);
	pvmi->options->self = pvmi->options->children = none;
	trace_changed();
}

/* TC_SETTRACE and its relatives: a console or tracer tells a task that runs. */
int pvmi_trace_told(int mid)
{
	struct pvmi_message *message = pvmi_mid_message(mid);
	struct pvmi_sinks *self = &pvmi->options->self;
	int sinks[6], more[2];
	char *mask = NULL;

	if (!message)
		return 0;
	switch (message->tag) {
	case PVMI_TC_SETTRACE:
		if (pvmi_unpack(message, sinks, 6, 1, PVM_INT))
			return 0;
		mask = pvmi_unpack_text(message);
		if (sinks[0]) {
			self->trace = (struct pvmi_sink){ sinks[0], sinks[2], sinks[1] };
			take_mask(self->trace_mask, mask);
			memcpy(pvmi->options->children.trace_mask, self->trace_mask, TEV_MASK_LENGTH);
			if (!pvmi_unpack(message, more, 2, 1, PVM_INT)) {
				self->trace_buffer = more[0] > 0 ? more[0] : 0;
				self->trace_options = more[1] > 0 ? more[1] : 0;
			}
		}
		if (sinks[3])
			self->output = (struct pvmi_sink){ sinks[3], sinks[5], sinks[4] };
		tell_daemon();
		break;
	case PVMI_TC_SETTMASK:
		mask = pvmi_unpack_text(message);
		take_mask(self->trace_mask, mask);
		break;
	default:
		pvmi_unpack(message, message->tag == PVMI_TC_SETTRCBUF ? &self->trace_buffer : &self->trace_options, 1, 1, PVM_INT);
	}
	free(mask);
	trace_changed();
	return 0;
}

static int tmask(int who, struct pvmi_sinks **sinks)
{
	*sinks = who == PvmTaskSelf ? &pvmi->options->self : &pvmi->options->children;
	return who == PvmTaskSelf || who == PvmTaskChild ? PvmOk : PvmBadParam;
}

int pvm_settmask(int who, Pvmtmask mask)
{
	struct pvmi_sinks *sinks;
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result)
		result = tmask(who, &sinks);
	if (!result) {
		take_mask(sinks->trace_mask, mask);
		trace_changed();
	}
	return pvmi_end("pvm_settmask", result);
}

int pvm_gettmask(int who, Pvmtmask mask)
{
	struct pvmi_sinks *sinks;
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result)
		result = tmask(who, &sinks);
	if (!result)
		memcpy(mask, sinks->trace_mask, TEV_MASK_LENGTH);
	return pvmi_end("pvm_gettmask", result);
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

	take_mask(given.trace_mask, from->trace_mask);
	pvmi->options->self = pvmi->options->children = given;
	trace_changed();
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
	memcpy(to->trace_mask, from->trace_mask, TEV_MASK_LENGTH);
}
