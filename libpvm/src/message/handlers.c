/*
 * handlers.c: functions of the program that are called with messages of a kind (pvm_addmhf).
 *
 * They run on the program's thread, inside the calls that receive; the agent only sets their
 * messages aside. While one runs, it has the message as its receive buffer and no send buffer.
 */
#include <pvm3.h>

#include "../tracing/tev.h"
#include "message.h"

static bool overlap(int one, int other)
{
	return one == -1 || other == -1 || one == other;
}

static struct pvmi_handler *find(struct pvmi_handler *handler, const struct pvmi_message *message)
{
	for (; handler; handler = handler->next)
		if (overlap(handler->source, (int)message->source) && overlap(handler->tag, message->tag) &&
		    overlap(handler->context, (int)message->context))
			return handler;
	return NULL;
}

struct pvmi_handler *pvmi_handler_for(const struct pvmi_message *message)
{
	struct pvmi_handler *handler = NULL;

	if (pvmi_is_own_context(message->context))
		handler = find(pvmi->messages->own_handlers, message);
	if (!handler && message->context != PVMI_SYSTEM_CONTEXT)
		handler = find(pvmi->messages->handlers, message);
	return handler;
}

int pvmi_handler_add(int first_id, int source, int tag, int context, int (*function)(int mid))
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_handler *handler, **link = first_id ? &m->handlers : &m->own_handlers;
	int id = first_id;

	for (handler = *link; handler; handler = handler->next) {
		if (overlap(handler->source, source) && overlap(handler->tag, tag) &&
		    overlap(handler->context, context))
			return PvmExists;
	}
	/* The lowest id that is free. */
	for (handler = *link; handler; )
		if (handler->id == id) {
			id++;
			handler = *link;
		} else {
			handler = handler->next;
		}
	handler = pvmi_alloc(sizeof(*handler));
	if (!handler)
		return PvmNoMem;
	handler->id = id;
	handler->source = source;
	handler->tag = tag;
	handler->context = context;
	handler->own = !first_id;
	handler->function = function;
	handler->next = *link;
	*link = handler;
	return id;
}

int pvmi_handler_delete(int id)
{
	struct pvmi_handler **link, *handler;

	if (id < 0)
		return PvmBadParam;
	for (link = &pvmi->messages->handlers; (handler = *link); link = &handler->next) {
		if (handler->id != id)
			continue;
		*link = handler->next;
		pvmi_free(handler);
		return PvmOk;
	}
	return PvmNotFound;
}

void pvmi_handlers_drop_all(void)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_handler *handler;

	while ((handler = m->handlers) || (handler = m->own_handlers)) {
		*(handler == m->handlers ? &m->handlers : &m->own_handlers) = handler->next;
		pvmi_free(handler);
	}
}

static void run(struct pvmi_handler *handler, struct pvmi_message *message)
{
	struct pvmi_messages *m = pvmi->messages;
	int send_mid = m->send_mid, receive_mid = m->receive_mid;
	int mid = pvmi_mid_new(message);

	if (mid < 0) {
		pvmi_message_unref(message);
		return;
	}
	m->send_mid = 0;
	m->receive_mid = mid;
	if (!handler->own)
		pvmi_tev_entry(TEV_MHF_INVOKE, handler->source, handler->tag, handler->context, mid, (int)message->length,
			       message->tag, (int)message->context, (int)message->source);
	if (handler->function)
		handler->function(mid);
	if (pvmi_mid_message(mid) == message)
		pvmi_mid_free(mid);
	m->send_mid = pvmi_mid_message(send_mid) ? send_mid : 0;
	m->receive_mid = pvmi_mid_message(receive_mid) ? receive_mid : 0;
}

void pvmi_handlers_run_waiting(void)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message;
	struct pvmi_handler *handler;

	while ((message = m->for_handlers.first)) {
		m->for_handlers.first = message->next;
		if (!message->next)
			m->for_handlers.last = NULL;
		m->for_handlers.count--;
		message->next = NULL;
		handler = pvmi_handler_for(message);
		if (handler) {
			run(handler, message);
		} else {                /* deleted meanwhile */
			pvmi_queue_append(&m->received, message);
			m->arrivals++;
		}
	}
}
