/*
 * tev.c: records of events: made, gathered into messages, sent to whoever collects them.
 *
 * The first record of an event describes its fields; those that follow have the values alone.
 * PvmTraceTime and PvmTraceCount keep sums instead, which go out when the task leaves.
 */
#include <stdarg.h>
#include <string.h>

#include "../api/api.h"
#include "../sys/sys.h"
#include "tev.h"

extern struct Pvmtevinfo pvmtevinfo[TEV_MAX + 1];
extern struct Pvmtevdid pvmtevdidlist[TEV_DID_MAX + 1];

void pvmi_tev_update(void)
{
	const struct pvmi_options *o = pvmi->options;

	pvmi->traced = pvmi->tid && o->self.trace.tid > 0 && o->self.trace.tid != (int)pvmi->tid &&
		      o->self.trace_mask[strspn(o->self.trace_mask, "@")];
}

/* ------------------------------------------------------------------ records */

static void put(struct pvmi_message *to, int value)
{
	pvmi_pack_int(to, value);
}

static const short data_types[128] = {
	['i'] = TEV_DATA_INT, ['l'] = TEV_DATA_LONG, ['s'] = TEV_DATA_STRING,
	['I'] = TEV_DATA_INT | TEV_DATA_ARRAY, ['S'] = TEV_DATA_STRING | TEV_DATA_ARRAY,
};

static void put_head(struct pvmi_message *to, const struct pvmi_tev_field *field, bool describe)
{
	if (!describe)
		return;
	put(to, field->did);
	put(to, data_types[(unsigned char)field->kind]);
}

static void put_texts(struct pvmi_message *to, char *const *texts, int count)
{
	int i;

	put(to, count);
	for (i = 0; i < count; i++)
		pvmi_pack_string(to, texts[i] ? texts[i] : "");
}

static void put_field(struct pvmi_message *to, const struct pvmi_tev_field *field, bool describe, va_list *values)
{
	const char *text;
	const void *array;
	long address;
	int count;

	put_head(to, field, describe);
	switch (field->kind) {
	case 'i':
		put(to, va_arg(*values, int));
		break;
	case 'l':
		address = va_arg(*values, long);
		pvmi_pack(to, &address, 1, 1, PVM_LONG);
		break;
	case 's':
		text = va_arg(*values, const char *);
		pvmi_pack_string(to, text ? text : "");
		break;
	default:
		array = va_arg(*values, const void *);
		count = va_arg(*values, int);
		if (count < 0 || !array)
			count = 0;
		if (field->kind == 'S') {
			put_texts(to, array, count);
		} else {
			put(to, count);
			pvmi_pack(to, array, count, 1, PVM_INT);
		}
	}
}

/* Mark, number, name when it is described, and what every record begins with. */
static void put_start(struct pvmi_message *to, int id, bool describe)
{
	static const struct pvmi_tev_field first[3] = {
		{ TEV_DID_TS, 'i' }, { TEV_DID_TU, 'i' }, { TEV_DID_TID, 'i' },
	};
	int64_t now = sys_clock_ns(CLOCK_REALTIME);
	int values[3] = { (int)(now / 1000000000), (int)(now % 1000000000 / 1000), (int)pvmi->tid }, i;

	put(to, describe ? TEV_MARK_EVENT_DESC : TEV_MARK_EVENT_RECORD);
	put(to, id);
	if (describe)
		pvmi_pack_string(to, pvmtevinfo[id & ~(TEV_EVENT_ENTRY | TEV_EVENT_EXIT)].name);
	for (i = 0; i < 3; i++) {
		put_head(to, &first[i], describe);
		put(to, values[i]);
	}
}

static struct pvmi_message *message(void)
{
	struct pvmi_message *gathered = pvmi->tracing->gathered;

	if (gathered)
		return gathered;
	gathered = pvmi->tracing->gathered = pvmi_message_new();
	if (!gathered)
		return NULL;
	gathered->encoding = PVMI_ENC_XDR;
	if (pvmi->options->self.trace_buffer)
		put(gathered, TEV_MARK_EVENT_BUFFER);
	return gathered;
}

static void send_to_collector(struct pvmi_message *out)
{
	const struct pvmi_sinks *self = &pvmi->options->self;

	out->tag = self->trace.tag;
	out->context = (uint32_t)self->trace.context;
	out->source = pvmi->tid;
	out->destination = (uint32_t)self->trace.tid;
	pvmi_plane_send((uint32_t)self->trace.tid, out);
	pvmi_message_unref(out);
}

static void send_gathered(void)
{
	struct pvmi_message *out = pvmi->tracing->gathered;

	if (!out)
		return;
	pvmi->tracing->gathered = NULL;
	if (pvmi->options->self.trace_buffer)
		put(out, TEV_MARK_EVENT_BUFFER_END);
	send_to_collector(out);
}

static void record(int event, int phase, va_list *values)
{
	const struct pvmi_tev_form *form = &pvmi_tev_forms[event];
	const struct pvmi_tev_field *field = phase == TEV_EVENT_ENTRY ? form->entry : form->exit;
	struct pvmi_message *to = message();
	bool describe = !(pvmtevinfo[event].desc_status & phase);

	if (!to)
		return;
	pvmtevinfo[event].desc_status |= phase;
	put_start(to, event | phase, describe);
	for (; field->kind; field++)
		put_field(to, field, describe, values);
	put(to, describe ? TEV_MARK_EVENT_DESC_END : TEV_MARK_EVENT_RECORD_END);
	if ((int)to->length >= pvmi->options->self.trace_buffer)
		send_gathered();
}

/* ------------------------------------------------------------------ sums */

static void add_up(int event, int phase, bool time)
{
	struct Pvmtevinfo *info = &pvmtevinfo[event];
	struct timeval now, spent;

	if (time)
		gettimeofday(&now, NULL);
	if (phase == TEV_EVENT_ENTRY) {
		if (time)
			info->mark = now;
		return;
	}
	info->count++;
	if (!time)
		return;
	timersub(&now, &info->mark, &spent);
	timeradd(&info->total, &spent, &info->total);
}

static void put_ints(struct pvmi_message *to, int did, const int *values, int count)
{
	put(to, did);
	put(to, TEV_DATA_INT | TEV_DATA_ARRAY);
	put(to, count);
	pvmi_pack(to, values, count, 1, PVM_INT);
}

static void send_sums(bool time)
{
	int counts[TEV_MAX + 1], seconds[TEV_MAX + 1], micros[TEV_MAX + 1], used = 0, i;
	char *names[TEV_MAX + 1];
	struct pvmi_message *to = message();

	if (!to)
		return;
	for (i = 0; i <= TEV_MAX; i++) {
		struct Pvmtevinfo *info = &pvmtevinfo[i];

		if (!info->count)
			continue;
		names[used] = info->name;
		counts[used] = info->count;
		seconds[used] = (int)info->total.tv_sec;
		micros[used++] = (int)info->total.tv_usec;
		info->count = 0;
		timerclear(&info->total);
	}
	put_start(to, time ? TEV_TIMING : TEV_PROFILING, true);
	put(to, TEV_DID_VCT);
	put(to, TEV_DATA_INT);
	put(to, used);
	put(to, TEV_DID_VID);
	put(to, TEV_DATA_STRING | TEV_DATA_ARRAY);
	put_texts(to, names, used);
	if (time) {
		put_ints(to, TEV_DID_TGS, seconds, used);
		put_ints(to, TEV_DID_TGU, micros, used);
	}
	put_ints(to, TEV_DID_PRF, counts, used);
	put(to, TEV_MARK_EVENT_DESC_END);
	send_gathered();
}

/* ------------------------------------------------------------------ what the functions call */

/* What the fields are called: the first message to a collector. */
static void name_fields(void)
{
	struct pvmi_message *to = pvmi_message_new();
	int i;

	if (!to)
		return;
	to->encoding = PVMI_ENC_XDR;
	put(to, TEV_MARK_DATA_ID);
	for (i = 0; i <= TEV_DID_MAX; i++) {
		put(to, i);
		pvmi_pack_string(to, pvmtevdidlist[i].did);
		pvmi_pack_string(to, pvmtevdidlist[i].desc);
	}
	put(to, TEV_MARK_DATA_ID_END);
	send_to_collector(to);
}

/* A collector that is new knows no forms. */
static void meet(uint32_t collector)
{
	int i;

	if (pvmi->tracing->described_to == collector)
		return;
	pvmi->tracing->described_to = collector;
	for (i = 0; i <= TEV_MAX; i++)
		pvmtevinfo[i].desc_status = 0;
	name_fields();
}

static void record_or_count(int event, int phase, va_list *values)
{
	const struct pvmi_sinks *self = &pvmi->options->self;
	struct pvmi_tracing *tracing = pvmi->tracing;

	if (!pvmi->traced || tracing->busy || tracing->nested || !pvmi->tid || !TEV_MASK_CHECK(self->trace_mask, event))
		return;
	tracing->busy = true;
	meet((uint32_t)self->trace.tid);
	if (self->trace_options == PvmTraceTime || self->trace_options == PvmTraceCount)
		add_up(event, phase, self->trace_options == PvmTraceTime);
	else
		record(event, phase, values);
	tracing->busy = false;
}

void pvmi_tev_record(int event, int phase, ...)
{
	va_list values;

	va_start(values, phase);
	record_or_count(event, phase, &values);
	va_end(values);
}

void pvmi_tev_outer_list(int event, int phase, va_list *values)
{
	if (phase == TEV_EVENT_EXIT && pvmi->tracing->nested)
		pvmi->tracing->nested--;
	record_or_count(event, phase, values);
	if (phase == TEV_EVENT_ENTRY)
		pvmi->tracing->nested++;
}

void pvmi_tev_outer(int event, int phase, ...)
{
	va_list values;

	va_start(values, phase);
	pvmi_tev_outer_list(event, phase, &values);
	va_end(values);
}

void pvmi_tev_flush(void)
{
	int how = pvmi->options->self.trace_options;

	if (!pvmi->traced)
		return;
	if (how == PvmTraceTime || how == PvmTraceCount)
		send_sums(how == PvmTraceTime);
	else
		send_gathered();
}
