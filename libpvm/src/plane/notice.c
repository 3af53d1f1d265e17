/*
 * notice.c: a notice of a task's end comes after everything that this task had sent, and between the
 * two comes what it left in its will.
 *
 * Shared memory is drained at once: all that a dead sender pushed is there. Over TCP its last
 * bytes may still be on the way; they have come when the connection ends. A node that is lost
 * ends no connection, so the wait is bounded.
 */
#include "inlet.h"
#include "source.h"

#define PATIENCE_NS 5000000000LL

static bool has_all(uint32_t about)
{
	struct pvmi_source *source = pvmi_source_find(about);
	struct pvmi_inlet *inlet = source ? source->inlet : NULL;
	int reason;

	if (!inlet)
		return true;
	reason = inlet->route->drain(inlet);
	if (reason) {
		pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
		return true;
	}
	return inlet->route == &pvmi_inlet_shm;
}

/* From a will: what has come by itself before counts once, and nothing counts that is out of its order. */
static bool is_next(const struct pvmi_message *message)
{
	struct pvmi_source *source = pvmi_source_get(message->about, message->willed.incarnation);

	if (!source || message->willed.number != source->last + 1)
		return false;
	if (source->inlet && source->partial)
		pvmi_inlet_close(source->inlet, PVMI_CLOSE_REPLACED);   /* it did not end in time: it has a part of this one */
	pvmi_source_drop_partial(source);
	source->last++;
	return true;
}

static void deliver(struct pvmi_message *notice, bool timed_out)
{
	pvmi_trace(NOTICE, notice->about, timed_out);
	if (!notice->willed.number || is_next(notice))
		pvmi_deliver(notice, notice->willed.number);
	else
		pvmi_message_unref(notice);
}

static void append(struct pvmi_message *notice)
{
	struct pvmi_plane *plane = pvmi->plane;

	notice->next = NULL;
	if (plane->last_notice)
		plane->last_notice->next = notice;
	else
		plane->notices = notice;
	plane->last_notice = notice;
}

void pvmi_notices_check(bool timed_out)
{
	struct pvmi_message *notice = pvmi->plane->notices, *next;

	if (!notice)
		return;
	/* What drains a connection here may close it, and closing it comes here again: on an empty list. */
	pvmi->plane->notices = pvmi->plane->last_notice = NULL;
	for (; notice; notice = next) {
		next = notice->next;
		if (timed_out || has_all(notice->about))
			deliver(notice, timed_out);
		else
			append(notice);
	}
}

void pvmi_plane_notice(struct pvmi_message *message)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!plane) {
		pvmi_message_arrived(message);
		return;
	}
	if (has_all(message->about)) {
		deliver(message, false);
		return;
	}
	pvmi_trace(NOTICE_HELD, message->about, 0);
	append(message);
	plane->notice_deadline = sys_now_ns() + PATIENCE_NS;
	pvmi_plane_timer(plane->notice_deadline);
}
