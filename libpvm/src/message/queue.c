/*
 * queue.c: what has arrived and waits to be received.
 *
 * PVM's rule: the oldest message whose source, tag and context fit; -1 fits any source or tag,
 * the context is always the current one. A program may bring its own rule (pvm_recvf).
 */
#include <sys/eventfd.h>

#include "../plane/plane.h"
#include "../sys/sys.h"
#include "message.h"

void pvmi_queue_append(struct pvmi_queue *queue, struct pvmi_message *message)
{
	message->next = NULL;
	if (queue->last)
		queue->last->next = message;
	else
		queue->first = message;
	queue->last = message;
	queue->count++;
}

static void unlink_after(struct pvmi_queue *queue, struct pvmi_message *before, struct pvmi_message *message)
{
	if (before)
		before->next = message->next;
	else
		queue->first = message->next;
	if (queue->last == message)
		queue->last = before;
	message->next = NULL;
	queue->count--;
}

void pvmi_queue_drop_all(struct pvmi_queue *queue)
{
	struct pvmi_message *message;

	while ((message = queue->first)) {
		unlink_after(queue, NULL, message);
		if (message->mid)
			pvmi_mid_free(message->mid);
		pvmi_message_unref(message);
	}
}

void pvmi_message_arrived(struct pvmi_message *message)
{
	struct pvmi_messages *m = pvmi->messages;
	uint64_t one = 1;

	message->sealed = true;
	message->room = 0;
	pvmi_body_rewind(message);
	if ((m->handlers || pvmi_is_own_context(message->context)) && pvmi_handler_for(message)) {
		pvmi_queue_append(&m->for_handlers, message);
	} else {
		pvmi_queue_append(&m->received, message);
		m->arrivals++;
	}
	if (m->news_fd >= 0)
		sys_write(m->news_fd, &one, sizeof(one));
}

static bool fits(const struct pvmi_message *message, int tid, int tag)
{
	return (tid == -1 || (uint32_t)tid == message->source) && (tag == -1 || tag == message->tag) &&
	       message->context == pvmi->current_context;
}

/* PVM's rule as pvm_recvf gives it to programs, which may build theirs on it. */
int pvmi_default_match(int mid, int tid, int tag)
{
	const struct pvmi_message *message = pvmi_mid_message(mid);

	return message && fits(message, tid, tag);
}

static struct pvmi_message *search(int tid, int tag, uint64_t after, struct pvmi_message **before)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message;
	uint64_t fresh = m->arrivals - after;
	unsigned int skip = after && fresh < m->received.count ? m->received.count - (unsigned int)fresh : 0;

	*before = NULL;
	for (message = m->received.first; message; *before = message, message = message->next) {
		if (skip) {
			skip--;
			continue;
		}
		if (fits(message, tid, tag))
			return message;
	}
	return NULL;
}

/* The program's match function wants mids, so whatever it is shown gets one. */
static struct pvmi_message *search_by_program(int tid, int tag, struct pvmi_message **before, int *error)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message, *previous = NULL, *best = NULL;
	int rank, highest = 0;

	for (message = m->received.first; message; previous = message, message = message->next) {
		if (!message->mid) {
			if (pvmi_mid_new(message) < 0)
				continue;
			pvmi_message_ref(message);
		}
		rank = m->match(message->mid, tid, tag);
		if (rank < 0) {
			*error = rank;
			return NULL;
		}
		if (rank > highest) {
			highest = rank;
			best = message;
			*before = previous;
		}
		if (rank == 1) {
			best = message;
			*before = previous;
			break;
		}
	}
	return best;
}

struct pvmi_message *pvmi_queue_take(int tid, int tag, uint64_t after, int *error)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message, *before = NULL;

	*error = 0;
	message = m->received.first;
	if (!message)
		return NULL;
	if (m->match)
		message = search_by_program(tid, tag, &before, error);
	else if (after || !fits(message, tid, tag))
		message = search(tid, tag, after, &before);
	if (message)
		unlink_after(&m->received, before, message);
	return message;
}

struct pvmi_message *pvmi_queue_take_from(uint32_t source, int tag, uint32_t context)
{
	struct pvmi_queue *queue = &pvmi->messages->received;
	struct pvmi_message *message, *before = NULL;

	for (message = queue->first; message; before = message, message = message->next)
		if (message->source == source && message->tag == tag && message->context == context) {
			unlink_after(queue, before, message);
			return message;
		}
	return NULL;
}

struct pvmi_message *pvmi_queue_find(int tid, int tag)
{
	struct pvmi_message *before;
	int error = 0;

	if (pvmi->messages->match)
		return search_by_program(tid, tag, &before, &error);
	return search(tid, tag, 0, &before);
}

/* ------------------------------------------------------------------ pvm_getfds */

int pvmi_news_descriptor(void)
{
	struct pvmi_messages *m = pvmi->messages;

	if (m->news_fd < 0) {
		m->news_fd = (int)pvmi_syscall3(SYS_eventfd2, m->received.count, EFD_NONBLOCK | EFD_CLOEXEC, 0);
		pvmi_own_fd(m->news_fd);
	}
	return m->news_fd;
}

void pvmi_news_clear(void)
{
	uint64_t count;

	if (pvmi->messages->news_fd >= 0)
		sys_read(pvmi->messages->news_fd, &count, sizeof(count));
}

void pvmi_news_renew(void)
{
	struct pvmi_messages *m = pvmi->messages;
	int fd, number = m->news_fd;

	if (number < 0)
		return;
	fd = (int)pvmi_syscall3(SYS_eventfd2, m->received.count, EFD_NONBLOCK | EFD_CLOEXEC, 0);
	if (fd == number || fd < 0)
		return;
	pvmi_syscall3(SYS_dup3, fd, number, O_CLOEXEC);
	sys_close(fd);
}
