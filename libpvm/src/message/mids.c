/*
 * mids.c: message ids, and which buffers are active.
 *
 * A mid is an index into a table whose free slots form a list, so small numbers come back soon.
 */
#include <pvm3.h>

#include "message.h"

static bool grow(struct pvmi_messages *m)
{
	int count = m->slot_count ? 2 * m->slot_count : 32;
	struct pvmi_slot *slots = pvmi_realloc(m->slots, (size_t)count * sizeof(*slots));
	int i;

	if (!slots)
		return false;
	for (i = count - 1; i >= m->slot_count; i--) {
		slots[i].message = NULL;
		if (!i)                 /* 0 is no mid */
			continue;
		slots[i].next_free = m->free_slot;
		m->free_slot = i;
	}
	m->slots = slots;
	m->slot_count = count;
	return true;
}

int pvmi_mid_new(struct pvmi_message *message)
{
	struct pvmi_messages *m = pvmi->messages;
	int mid;

	if (!m->free_slot && !grow(m))
		return PvmNoMem;
	mid = m->free_slot;
	m->free_slot = m->slots[mid].next_free;
	m->slots[mid].message = message;
	message->mid = mid;
	return mid;
}

struct pvmi_message *pvmi_mid_message(int mid)
{
	struct pvmi_messages *m = pvmi->messages;

	return mid > 0 && mid < m->slot_count ? m->slots[mid].message : NULL;
}

void pvmi_mid_free(int mid)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message = pvmi_mid_message(mid);

	if (!message)
		return;
	if (m->send_mid == mid)
		m->send_mid = 0;
	if (m->receive_mid == mid)
		m->receive_mid = 0;
	m->slots[mid].message = NULL;
	m->slots[mid].next_free = m->free_slot;
	m->free_slot = mid;
	message->mid = 0;
	pvmi_message_unref(message);
}

int pvmi_mid_check(int mid, struct pvmi_message **message)
{
	if (mid <= 0)
		return PvmBadParam;
	*message = pvmi_mid_message(mid);
	return *message ? PvmOk : PvmNoSuchBuf;
}

int pvmi_buffer_new(int encoding)
{
	struct pvmi_message *message;
	int mid;

	switch (encoding) {
	case PvmDataDefault:
	case PvmDataRaw:
	case PvmDataInPlace:
		break;
	case PvmDataTrace:
		return PvmNotImpl;
	default:
		return PvmBadParam;
	}
	message = pvmi_message_to_pack();
	if (!message)
		return PvmNoMem;
	message->encoding = encoding == PvmDataRaw ? PVMI_ENC_RAW
		: encoding == PvmDataInPlace ? PVMI_ENC_IN_PLACE : PVMI_ENC_XDR;
	message->source = pvmi->tid;
	message->context = pvmi->current_context;
	mid = pvmi_mid_new(message);
	if (mid < 0)
		pvmi_message_unref(message);
	return mid;
}
