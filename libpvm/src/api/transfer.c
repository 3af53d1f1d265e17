/*
 * transfer.c: sending and receiving.
 */
#include <stdlib.h>
#include <string.h>

#include "../sys/sys.h"
#include "api.h"

#define NOW ((int64_t)0)
#define NEVER INT64_MAX
#define CONTACT_NS 100000000LL  /* for the first message to a task: see pvmi_plane_contact */

/* ------------------------------------------------------------------ sending */

int pvmi_link_post(uint32_t to, struct pvmi_message *message)
{
	mpvm_task_Post body = { .to = to, .tag = message->tag, .context = message->context, .wait_id = message->wait_id,
				.encoding = message->encoding };
	struct pvmi_bytes bytes = { NULL, message->length };
	uint8_t *flat = pvmi_alloc(message->length + 1);
	int result;

	if (!flat)
		return PvmNoMem;
	pvmi_body_rewind(message);
	pvmi_body_read(message, flat, message->length);
	bytes.bytes = flat;
	body.body = PVMI_SEND_BYTES(&bytes);
	result = pvmi_link_send(0, mpvm_task_ToDaemon_post_tag, mpvm_task_Post_fields, &body);
	pvmi_free(flat);
	return result;
}

/* Tids of daemons: only who has set PvmResvTids may send there. */
static bool is_daemon(int tid)
{
	return ((unsigned int)tid & PVMI_TID_SPECIAL) == 0x80000000U && !(tid & PVMI_TID_LOCAL);
}

/* The message as it is now; the caller keeps it. */
static int send_message(uint32_t tid, int tag, struct pvmi_message *message)
{
	struct pvmi_message *copy;
	int error = PvmOk;

	message->tag = tag;
	message->source = pvmi->tid;
	message->destination = tid;
	message->context = pvmi->current_context;
	if (tid == pvmi->tid || is_daemon((int)tid)) {
		copy = pvmi_message_snapshot(message);
		if (!copy)
			return PvmNoMem;
		if (tid != pvmi->tid) {
			error = pvmi_link_post(tid, copy);
			pvmi_message_unref(copy);
			return error;
		}
		pvmi_message_arrived(copy);
	} else {
		error = pvmi_plane_send(tid, message);
		pvmi_message_sent(message->length);
	}
	pvmi_handlers_run();
	return error;
}

static bool may_send_to(int tid)
{
	return pvmi_is_task_tid(tid) || (pvmi->options->reserved_tids && (tid > 0 || is_daemon(tid)));
}

/*
 * A worker that sends its result and dies must not take it along. Whoever has spawned does not
 * wait: its children may not have begun.
 */
static void make_contact(uint32_t tid)
{
	if (!pvmi->options->has_spawned)
		pvmi_plane_contact(tid, CONTACT_NS);
}

/* Arguments that any send checks; the send buffer must be there too. */
static int check(int tid, int tag, struct pvmi_message **message)
{
	if (!may_send_to(tid) || (tag < 0 && !pvmi->options->reserved_tids))
		return PvmBadParam;
	*message = pvmi_mid_message(pvmi->messages->send_mid);
	return *message ? PvmOk : PvmNoBuf;
}

static int send_buffer(int tid, int tag)
{
	struct pvmi_message *message;
	int error = check(tid, tag, &message);

	if (!error)
		error = send_message((uint32_t)tid, tag, message);
	if (!error)
		make_contact((uint32_t)tid);
	return error;
}

/* Of the message to be sent, for an event. */
static int send_length(void)
{
	const struct pvmi_message *message = pvmi_mid_message(pvmi->messages->send_mid);

	return message ? (int)message->length : -1;
}

int pvm_send(int tid, int tag)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_SEND, send_length(), tid, tag, (int)pvmi->current_context);
	if (!result)
		result = send_buffer(tid, tag);
	pvmi_tev_exit(TEV_SEND, result);
	return pvmi_end("pvm_send", result);
}

static int by_value(const void *one, const void *other)
{
	int a = *(const int *)one, b = *(const int *)other;

	return a < b ? -1 : a > b;
}

static int mcast(const int *tids, int count, int tag)
{
	struct pvmi_message *message, *body;
	int i, error = PvmOk, *sorted;

	if (count < 0 || (tag < 0 && !pvmi->options->reserved_tids))
		return PvmBadParam;
	for (i = 0; i < count; i++)
		if (!may_send_to(tids[i]))
			return PvmBadParam;
	message = pvmi_mid_message(pvmi->messages->send_mid);
	if (!message)
		return PvmNoBuf;
	if (!count)
		return PvmOk;
	sorted = pvmi_alloc((size_t)count * sizeof(*sorted));
	body = sorted ? pvmi_message_snapshot(message) : NULL;
	if (!body) {
		pvmi_free(sorted);
		return PvmNoMem;
	}
	memcpy(sorted, tids, (size_t)count * sizeof(*sorted));
	qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
	for (i = 0; i < count && !error; i++) {
		if ((uint32_t)sorted[i] == pvmi->tid || (i && sorted[i] == sorted[i - 1]))
			continue;
		error = send_message((uint32_t)sorted[i], tag, body);
	}
	for (i = 0; i < count && !error; i++)
		make_contact((uint32_t)sorted[i]);
	message->tag = tag;
	message->source = pvmi->tid;
	pvmi_message_unref(body);
	pvmi_free(sorted);
	return error;
}

int pvm_mcast(int *tids, int count, int tag)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_MCAST, send_length(), tag, (int)pvmi->current_context, tids, count);
	if (!result)
		result = mcast(tids, count, tag);
	pvmi_tev_exit(TEV_MCAST, result);
	return pvmi_end("pvm_mcast", result);
}

static int type_size(int type, size_t *size)
{
	if (type == PVM_STR)
		return PvmNotImpl;
	if (type < PVM_BYTE || type > PVM_ULONG)
		return PvmBadParam;
	*size = pvmi_types[type].size;
	return PvmOk;
}

/* Nobody keeps what lies over the program's memory: sending copies it. */
static int psend_large(uint32_t tid, int tag, void *values, size_t length)
{
	struct pvmi_message message = { .encoding = PVMI_ENC_IN_PLACE, .references = 1 };
	struct pvmi_block block = { .kind = PVMI_BLOCK_USER, .references = 1, .bytes = values, .capacity = length };

	if (length)
		pvmi_message_append(&message, &block, block.bytes, length);
	return send_message(tid, tag, &message);
}

static int psend_small(uint32_t tid, int tag, const void *values, size_t length)
{
	int error = pvmi_plane_send_small(tid, tag, values, length);

	pvmi_message_sent(length);
	pvmi_handlers_run();
	return error;
}

static int psend(int tid, int tag, void *values, int items, int type)
{
	size_t size, length;
	int error = type_size(type, &size);

	if (error)
		return error;
	if (!may_send_to(tid) || (tag < 0 && !pvmi->options->reserved_tids))
		return PvmBadParam;
	length = items > 0 ? (size_t)items * size : 0;
	if (length <= PVMI_SMALL && pvmi_is_task_tid(tid) && (uint32_t)tid != pvmi->tid)
		error = psend_small((uint32_t)tid, tag, values, length);
	else
		error = psend_large((uint32_t)tid, tag, values, length);
	if (!error)
		make_contact((uint32_t)tid);
	return error;
}

int pvm_psend(int tid, int tag, void *values, int items, int type)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_PSEND, tid, tag, (int)pvmi->current_context, (long)values, items, type);
	if (!result)
		result = psend(tid, tag, values, items, type);
	pvmi_tev_exit(TEV_PSEND, result);
	return pvmi_end("pvm_psend", result);
}

/* ------------------------------------------------------------------ receiving */

/* A message with one reference for the caller; NULL at the deadline, or *error, or it went where it was wanted. */
static struct pvmi_message *receive_any(int tid, int tag, int64_t deadline, struct pvmi_posted *posted, int *error)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message;
	uint64_t seen = 0;
	bool again = true;

	pvmi_news_clear();
	pvmi_plane_poll();
	for (;;) {
		if (posted->done)
			return NULL;
		pvmi_handlers_run();
		message = pvmi_queue_take(tid, tag, m->handlers ? 0 : seen, error);
		if (message || *error || !again || deadline == NOW)
			return message;
		posted->arrivals = seen = m->arrivals;
		if (pvmi_link_gone()) {
			*error = PvmSysErr;
			return NULL;
		}
		again = pvmi_plane_wait(deadline);
	}
}

static struct pvmi_message *receive(int tid, int tag, int64_t deadline, int *error)
{
	struct pvmi_posted none = { .done = false }, *before = pvmi_plane_want(NULL);
	struct pvmi_message *message = receive_any(tid, tag, deadline, &none, error);

	pvmi_plane_want(before);
	return message;
}

/* Handlers and a rule of the program's own want messages, and so does who waits with select. */
static bool may_post(const struct pvmi_messages *m)
{
	return !m->handlers && !m->match && m->news_fd < 0 && !pvmi_is_own_context(pvmi->current_context);
}

/* Like receive, but it may also be done without a message. */
static struct pvmi_message *receive_into(struct pvmi_posted *posted, int *error)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_posted *before = pvmi_plane_want(may_post(m) ? posted : NULL);
	struct pvmi_message *message;

	/* What is queued has not been looked at. */
	posted->arrivals = m->received.first ? UINT64_MAX : m->arrivals;
	message = receive_any(posted->tid, posted->tag, NEVER, posted, error);
	pvmi_plane_want(before);
	return message;
}

/* PVM frees the active receive buffer before it looks for a message, whether there is one or not. */
static void retire(void)
{
	if (pvmi->messages->receive_mid)
		pvmi_mid_free(pvmi->messages->receive_mid);
}

/* Makes it the active receive buffer. */
static int activate(struct pvmi_message *message)
{
	struct pvmi_messages *m = pvmi->messages;
	int mid = message->mid;

	if (mid) {
		pvmi_message_unref(message);    /* the table has a reference already */
	} else {
		mid = pvmi_mid_new(message);
		if (mid < 0) {
			pvmi_message_unref(message);
			return mid;
		}
	}
	m->receive_mid = mid;
	return mid;
}

/* The event of a receive that has ended; mid: what it returned. */
static void received(int event, int mid)
{
	const struct pvmi_message *message = mid > 0 ? pvmi_mid_message(mid) : NULL;

	pvmi_tev_exit(event, mid, message ? (int)message->length : -1, message ? message->tag : -1,
		      (int)pvmi->current_context, message ? (int)message->source : -1);
}

static int receive_buffer(int tid, int tag, int64_t deadline)
{
	struct pvmi_message *message;
	int error = PvmOk;

	retire();
	message = receive(tid, tag, deadline, &error);
	return message ? activate(message) : error;
}

int pvm_recv(int tid, int tag)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_RECV, tid, tag, (int)pvmi->current_context);
	if (!result)
		result = receive_buffer(tid, tag, NEVER);
	received(TEV_RECV, result);
	return pvmi_end("pvm_recv", result);
}

int pvm_nrecv(int tid, int tag)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_NRECV, tid, tag, (int)pvmi->current_context);
	if (!result)
		result = receive_buffer(tid, tag, NOW);
	received(TEV_NRECV, result);
	return pvmi_end("pvm_nrecv", result);
}

static int64_t deadline_of(const struct timeval *timeout)
{
	int64_t length;

	if (!timeout)
		return NEVER;
	if (timeout->tv_sec > 1000000000)
		return NEVER;
	length = (int64_t)timeout->tv_sec * 1000000000 + (int64_t)timeout->tv_usec * 1000;
	return length <= 0 ? NOW : sys_now_ns() + length;
}

int pvm_trecv(int tid, int tag, struct timeval *timeout)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_TRECV, tid, tag, (int)pvmi->current_context, timeout ? (int)timeout->tv_sec : -1, timeout ? (int)timeout->tv_usec : -1);
	if (!result)
		result = receive_buffer(tid, tag, deadline_of(timeout));
	received(TEV_TRECV, result);
	return pvmi_end("pvm_trecv", result);
}

static int probe(int tid, int tag)
{
	struct pvmi_message *message;

	pvmi_news_clear();
	pvmi_plane_poll();
	pvmi_handlers_run();
	message = pvmi_queue_find(tid, tag);
	if (!message)
		return 0;
	if (!message->mid) {
		if (pvmi_mid_new(message) < 0)
			return PvmNoMem;
		pvmi_message_ref(message);
	}
	return message->mid;
}

int pvm_probe(int tid, int tag)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_PROBE, tid, tag, (int)pvmi->current_context);
	if (!result)
		result = probe(tid, tag);
	pvmi_tev_exit(TEV_PROBE, result);
	return pvmi_end("pvm_probe", result);
}

static void copy_out(struct pvmi_message *message, struct pvmi_posted *posted)
{
	pvmi_body_rewind(message);
	pvmi_body_read(message, posted->bytes, message->length < posted->limit ? message->length : posted->limit);
	posted->source = message->source;
	posted->got_tag = message->tag;
	posted->length = message->length;
	if (message->mid)
		pvmi_mid_free(message->mid);
	pvmi_message_unref(message);
}

static int precv(struct pvmi_posted *posted, int items, int type)
{
	struct pvmi_message *message;
	size_t size;
	int error = type_size(type, &size);

	if (error)
		return error;
	if (items < 0)
		return PvmBadParam;
	posted->limit = (size_t)items * size;
	message = receive_into(posted, &error);
	if (message)
		copy_out(message, posted);
	return message || posted->done ? PvmOk : error;
}

int pvm_precv(int tid, int tag, void *values, int items, int type, int *from, int *got_tag, int *bytes)
{
	struct pvmi_posted posted = { .tid = tid, .tag = tag, .bytes = values };
	int result = pvmi_begin(PVMI_AS_TASK);

	posted.context = pvmi->current_context;
	pvmi_tev_entry(TEV_PRECV, tid, tag, (int)pvmi->current_context, (long)values, items, type);
	if (!result)
		result = precv(&posted, items, type);
	if (!result && from)
		*from = (int)posted.source;
	if (!result && got_tag)
		*got_tag = posted.got_tag;
	if (!result && bytes)
		*bytes = (int)posted.length;
	pvmi_tev_exit(TEV_PRECV, result, result ? -1 : (int)posted.length, result ? -1 : posted.got_tag, (int)pvmi->current_context,
		      result ? -1 : (int)posted.source);
	return pvmi_end("pvm_precv", result);
}

int (*pvm_recvf(int (*match)(int, int, int)))(int, int, int)
{
	struct pvmi_messages *m = pvmi->messages;
	int (*old)(int, int, int);

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_RECVF);
	old = m->match ? m->match : pvmi_default_match;
	m->match = match == pvmi_default_match ? NULL : match;
	pvmi_tev_exit(TEV_RECVF);
	pvmi_end_quietly(PvmOk);
	return old;
}

int pvm_addmhf(int source, int tag, int context, int (*handler)(int))
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_ADDMHF, source, tag, context);
	if (!result)
		result = pvmi_handler_add(PVMI_FIRST_HANDLER, source, tag, context, handler);
	pvmi_tev_exit(TEV_ADDMHF, result);
	return pvmi_end("pvm_addmhf", result);
}

int pvm_delmhf(int handler)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_DELMHF, handler);
	if (!result)
		result = handler >= 0 && handler < PVMI_FIRST_HANDLER ? PvmNotFound : pvmi_handler_delete(handler);
	pvmi_tev_exit(TEV_DELMHF, result);
	return pvmi_end("pvm_delmhf", result);
}

int pvm_getfds(int **descriptors)
{
	static int fds[1];
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_GETFDS);
	if (!result) {
		fds[0] = pvmi_news_descriptor();
		if (descriptors)
			*descriptors = fds;
		result = fds[0] < 0 ? PvmSysErr : 1;
	}
	pvmi_tev_exit(TEV_GETFDS, result, fds, result);
	return pvmi_end("pvm_getfds", result);
}
