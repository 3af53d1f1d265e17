/* source.c: see source.h. */
#include "inlet.h"
#include "source.h"

#define REMEMBERED 65536        /* senders; beyond, those without a connection are forgotten, oldest first */

static struct pvmi_source **bucket_of(uint32_t tid)
{
	return &pvmi->plane->sources[(tid * 2654435761U) >> 22 & (PVMI_BUCKETS - 1)];
}

struct pvmi_source *pvmi_source_find(uint32_t sender)
{
	struct pvmi_source *source;

	for (source = *bucket_of(sender); source; source = source->next)
		if (source->sender == sender)
			return source;
	return NULL;
}

void pvmi_source_drop_partial(struct pvmi_source *source)
{
	if (source->partial)
		pvmi_message_unref(source->partial);
	source->partial = NULL;
	source->have = 0;
}

void pvmi_source_forget(struct pvmi_source *source)
{
	struct pvmi_source **link = bucket_of(source->sender);

	pvmi_assert(!source->inlet);
	while (*link != source)
		link = &(*link)->next;
	*link = source->next;
	pvmi_source_drop_partial(source);
	pvmi->plane->source_count--;
	pvmi_free(source);
}

/* Rare: one walk makes room for many. */
static void forget_oldest(void)
{
	uint64_t limit = pvmi->plane->source_count > REMEMBERED / 2 ? pvmi->plane->counts.received_messages : 0;
	uint32_t i, forgotten = 0;
	struct pvmi_source *source, *next;

	for (i = 0; i < PVMI_BUCKETS && forgotten < REMEMBERED / 8; i++) {
		for (source = pvmi->plane->sources[i]; source; source = next) {
			next = source->next;
			if (!source->inlet && !source->partial && source->used <= limit / 2) {
				pvmi_source_forget(source);
				forgotten++;
			}
		}
	}
}

struct pvmi_source *pvmi_source_get(uint32_t sender, uint64_t incarnation)
{
	struct pvmi_source *source = pvmi_source_find(sender);

	if (source && source->incarnation != incarnation) {
		/* A tid used again by another process: the old one has ended. */
		if (source->inlet)
			pvmi_inlet_close(source->inlet, PVMI_CLOSE_REPLACED);
		source->incarnation = incarnation;
		source->last = 0;
		pvmi_source_drop_partial(source);
	}
	if (!source) {
		if (pvmi->plane->source_count >= REMEMBERED)
			forget_oldest();
		source = pvmi_alloc(sizeof(*source));
		if (!source)
			return NULL;
		source->sender = sender;
		source->incarnation = incarnation;
		source->next = *bucket_of(sender);
		*bucket_of(sender) = source;
		pvmi->plane->source_count++;
	}
	source->used = pvmi->plane->counts.received_messages;
	return source;
}

struct pvmi_message *pvmi_source_begin(struct pvmi_source *source, uint64_t number)
{
	if (number != source->last + 1)
		return NULL;
	if (!source->partial) {
		source->partial = pvmi_message_new();
		source->have = 0;
	}
	return source->partial;
}

void pvmi_source_complete(struct pvmi_source *source)
{
	struct pvmi_message *message = source->partial;

	pvmi_assert(source->have == message->length);
	source->partial = NULL;
	source->have = 0;
	source->last++;
	message->source = source->sender;
	message->destination = pvmi->tid;
	pvmi_deliver(message, source->last);
}
