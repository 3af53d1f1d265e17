/* plane.c: the message plane as a whole: start, stop, send, poll. */
#include <stdlib.h>
#include <string.h>

#include "../../../native/checkpoint/include/ckpt.h"
#include "../agent/agent.h"
#include "channel.h"
#include "inlet.h"
#include "shm/inbox.h"
#include "shm/lender.h"
#include "source.h"

#define TASK_BITS 0x3fffffffU           /* of a tid */
#define LINGER_NS 30000000000LL         /* without progress; then we leave all the same */
#define BOUND_TICK_NS 10000000LL
#define SERVICE_US 20                   /* a look at the descriptors, when nothing lately came by one: */
#define LONGEST_SERVICE_US 1000         /* twice as long each time that there was nothing */
#define SERVE_EVERY 16                  /* polls in a row that found messages */
#define HOT_US 200
#define SETTLE_US 2000
#define TIMERS_US 500

/* PVM codes that are told from here. */
enum { OK = 0, NO_MEMORY = -10, SYSTEM_ERROR = -14, BAD_PARAMETER = -2 };

/* ------------------------------------------------------------------ small services */

bool pvmi_parse_ipv4(const char *text, uint32_t *address)
{
	uint8_t *out = (uint8_t *)address;
	unsigned int value;
	int i, digits;

	for (i = 0; i < 4; i++) {
		for (value = 0, digits = 0; *text >= '0' && *text <= '9' && digits < 3; digits++)
			value = value * 10 + (unsigned int)(*text++ - '0');
		if (!digits || value > 255 || (i < 3 ? *text++ != '.' : *text != 0))
			return false;
		out[i] = (uint8_t)value;
	}
	return true;
}

void pvmi_bury(struct pvmi_watch *watch)
{
	pvmi_assert(watch->fd < 0);
	watch->buried = pvmi->plane->graves;
	pvmi->plane->graves = watch;
}

static void dig_up(void)
{
	struct pvmi_watch *watch;

	while ((watch = pvmi->plane->graves)) {
		pvmi->plane->graves = watch->buried;
		pvmi_free(watch);
	}
}

void pvmi_plane_timer(int64_t at)
{
	if (!pvmi->plane->next_timer || at < pvmi->plane->next_timer)
		pvmi->plane->next_timer = at;
}

/* ------------------------------------------------------------------ delivering */

void pvmi_deliver(struct pvmi_message *message, uint64_t number)
{
	struct pvmi_plane *plane = pvmi->plane;

	message->next = NULL;
	if (plane->last_arrived)
		plane->last_arrived->next = message;
	else
		plane->arrived = message;
	plane->last_arrived = message;
	pvmi_count_arrival(message->source, number, message->length);
}

void pvmi_hand_over(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_message *message;

	while ((message = plane->arrived)) {
		plane->arrived = message->next;
		if (!plane->arrived)
			plane->last_arrived = NULL;
		message->next = NULL;
		pvmi_message_arrived(message);
	}
}

bool pvmi_plane_intake_full(void)
{
	return pvmi->plane->taken_bytes - pvmi->plane->intake_mark > PVMI_INTAKE_BOUND;
}

/* ------------------------------------------------------------------ taking in */

bool pvmi_plane_take(void)
{
	return pvmi_inbox_take();
}

struct pvmi_posted *pvmi_plane_want(struct pvmi_posted *posted)
{
	struct pvmi_posted *before = pvmi->plane ? pvmi->plane->wanted : NULL;

	if (pvmi->plane)
		pvmi->plane->wanted = posted;
	return before;
}

bool pvmi_plane_take_wanted(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool taken;

	plane->posted = plane->wanted;
	taken = pvmi_inbox_take();
	plane->posted = NULL;           /* where there is no inbox */
	return taken;
}

static void push_blocked(void)
{
	struct pvmi_channel *channel;

	if (!pvmi->plane->blocked)
		return;
	for (channel = pvmi->plane->all_channels; channel; channel = channel->next)
		if (channel->blocked && channel->route == &pvmi_route_shm)
			pvmi_channel_push(channel);     /* TCP is told by its socket */
}

void pvmi_plane_timers(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;
	int64_t now;

	if (!plane->next_timer || pvmi_ticks() - plane->timers_ticks < TIMERS_US * plane->ticks_per_us)
		return;
	plane->timers_ticks = pvmi_ticks();
	now = sys_now_ns();
	if (now < plane->next_timer)
		return;
	plane->next_timer = 0;
	for (channel = plane->all_channels; channel && plane->unsettled; channel = channel->next) {
		if (!pvmi_channel_is_unsettled(channel))
			continue;
		if (channel->retry_at <= now)
			pvmi_channel_happen(channel, PVMI_EVENT_TIMER, NULL);
		else
			pvmi_plane_timer(channel->retry_at);
	}
	pvmi_inlets_timers(now);
	if (plane->notices && plane->notice_deadline <= now)
		pvmi_notices_check(true);
	else if (plane->notices)
		pvmi_plane_timer(plane->notice_deadline);
}

static void after_events(void)
{
	struct pvmi_plane *plane = pvmi->plane;

	pvmi_plane_timers();
	push_blocked();
	pvmi_hand_over();
	if (plane->link_ready) {
		plane->link_ready = false;
		pvmi_link_poll();
		pvmi_hand_over();
	}
	if (!plane->unsettled && !plane->blocked)
		pvmi_will_drop();
}

bool pvmi_plane_service(enum pvmi_waiter waiter)
{
	struct pvmi_plane *plane = pvmi->plane;
	bool news;

	plane->events_ticks = pvmi_ticks();
	news = pvmi_watch_events(waiter) > 0;
	if (news || !plane->service_ticks)      /* 0: it is the first look, here or after a move */
		plane->service_ticks = SERVICE_US * plane->ticks_per_us;
	else if (plane->service_ticks < LONGEST_SERVICE_US * plane->ticks_per_us)
		plane->service_ticks *= 2;
	dig_up();
	after_events();
	return news;
}

void pvmi_plane_serve(const struct epoll_event *events, long count)
{
	pvmi->plane->events_ticks = pvmi_ticks();
	pvmi_watch_dispatch(events, count);
	dig_up();
	after_events();
}

void pvmi_plane_acknowledge(void)
{
	struct pvmi_inlet *inlet;

	for (inlet = pvmi->plane->acks_due ? pvmi->plane->inlets : NULL; inlet; inlet = inlet->next)
		if (inlet->open)
			inlet->route->acknowledge(inlet);
}

void pvmi_plane_settle(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;
	uint64_t now = pvmi_ticks();

	pvmi_plane_acknowledge();
	/* What receivers have given back: a walk over all channels, so not at every sleep. */
	if (now - plane->settled_ticks < SETTLE_US * plane->ticks_per_us)
		return;
	plane->settled_ticks = now;
	for (channel = plane->all_channels; channel; channel = channel->next)
		if (channel->route == &pvmi_route_shm)
			pvmi_channel_reap(channel);     /* TCP's acknowledgements are found when there are many */
}

static bool is_service_due(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint64_t now = pvmi_ticks();

	if ((int64_t)(now - plane->events_ticks) < 0)
		return true;    /* another machine's clock */
	return now - plane->events_ticks >= plane->service_ticks ||
	       now - plane->hot_ticks < HOT_US * plane->ticks_per_us;
}

void pvmi_plane_poll(void)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!plane)
		return;
	if (plane->inbox && __atomic_load_n(&plane->inbox->asleep, __ATOMIC_RELAXED))
		pvmi_agent_relieve();
	plane->intake_mark = plane->taken_bytes;
	/* The clock is as dear as a tenth of a message: while many come it is looked at now and then. */
	if (pvmi_plane_take_wanted() && ++plane->unserved % SERVE_EVERY)
		pvmi_hand_over();
	else if (is_service_due())
		pvmi_plane_service(PVMI_PROGRAM);
	else if (plane->blocked)
		push_blocked();
	pvmi_hand_over();
}

/* ------------------------------------------------------------------ sending */

static int send_to_self(const struct pvmi_message *message)
{
	struct pvmi_outgoing *outgoing = pvmi_outgoing_new(message);
	struct pvmi_message *copy = outgoing ? pvmi_message_new() : NULL;
	uint32_t i;

	if (!copy) {
		if (outgoing)
			pvmi_outgoing_free(outgoing);
		return NO_MEMORY;
	}
	copy->encoding = outgoing->encoding;
	copy->context = outgoing->context;
	copy->tag = outgoing->tag;
	copy->wait_id = outgoing->wait_id;
	copy->crc = outgoing->crc;
	copy->source = copy->destination = pvmi->tid;
	for (i = 0; i < outgoing->pieces; i++) {
		struct pvmi_outgoing_piece *piece = &outgoing->piece[i];

		pvmi_block_ref(piece->block);
		if (pvmi_message_append(copy, piece->block, piece->bytes, piece->length) < 0) {
			pvmi_block_unref(piece->block);
			pvmi_message_unref(copy);
			pvmi_outgoing_free(outgoing);
			return NO_MEMORY;
		}
	}
	pvmi_outgoing_free(outgoing);
	pvmi->plane->counts.sent_messages++;
	pvmi_deliver(copy, 0);
	pvmi_hand_over();
	return OK;
}

/* Too much is queued for this receiver: wait until it has taken some, or is found to be dead. */
static void wait_for_room(struct pvmi_channel *channel)
{
	pvmi_trace(BOUND_WAIT, channel->receiver, channel->queued_bytes);
	channel->counts.waits++;
	pvmi->plane->counts.bound_waits++;
	while (channel->queued_bytes > PVMI_QUEUE_BOUND && channel->first != channel->last) {
		pvmi_plane_poll();
		pvmi_channel_reap(channel);
		if (channel->queued_bytes <= PVMI_QUEUE_BOUND)
			break;
		pvmi_plane_wait(sys_now_ns() + BOUND_TICK_NS);
		pvmi_channel_reap(channel);
	}
}

/* The channel to this task, with room in its queue; NULL: no memory. */
static struct pvmi_channel *channel_to(uint32_t tid)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel = plane->last_channel;

	if (!channel || channel->receiver != tid)
		channel = pvmi_channel_get(tid);
	if (!channel)
		return NULL;
	plane->last_channel = channel;
	if (channel->queued_bytes > PVMI_QUEUE_BOUND)
		wait_for_room(channel);
	return channel;
}

static int enqueue(struct pvmi_channel *channel, struct pvmi_outgoing *outgoing)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!outgoing)
		return NO_MEMORY;
	outgoing->number = channel->next_number++;
	if (channel->last)
		channel->last->next = outgoing;
	else
		channel->first = outgoing;
	channel->last = outgoing;
	channel->queued_bytes += outgoing->length;
	channel->counts.messages++;
	channel->counts.bytes += outgoing->length;
	plane->counts.sent_messages++;
	plane->counts.sent_bytes += outgoing->length;
	pvmi_trace_often(SEND, channel->receiver, outgoing->number);
	pvmi_channel_send(channel);
	if (pvmi_channel_is_unsettled(channel))
		pvmi_plane_poll();      /* who only sends would not hear of the route before the agent did */
	return OK;
}

int pvmi_plane_send(uint32_t tid, struct pvmi_message *message)
{
	struct pvmi_channel *channel;

	if (!pvmi->plane)
		return SYSTEM_ERROR;
	if (!tid || tid & ~TASK_BITS)
		return BAD_PARAMETER;
	if (tid == pvmi->tid)
		return send_to_self(message);
	channel = channel_to(tid);
	return channel ? enqueue(channel, pvmi_outgoing_new(message)) : NO_MEMORY;
}

int pvmi_plane_send_small(uint32_t tid, int tag, const void *bytes, size_t length)
{
	struct pvmi_channel *channel;

	if (!pvmi->plane)
		return SYSTEM_ERROR;
	if (!tid || tid & ~TASK_BITS || tid == pvmi->tid || length > PVMI_SMALL)
		return BAD_PARAMETER;
	channel = channel_to(tid);
	return channel ? enqueue(channel, pvmi_outgoing_small(tag, bytes, length)) : NO_MEMORY;
}

void pvmi_plane_contact(uint32_t tid, int64_t patience_ns)
{
	struct pvmi_channel *channel = pvmi_channel_find(tid);
	int64_t deadline;

	if (!channel || channel->counts.messages != 1)
		return;
	deadline = sys_now_ns() + patience_ns;
	while (channel->state == PVMI_CHANNEL_RESOLVING || channel->state == PVMI_CHANNEL_CONNECTING ||
	       channel->state == PVMI_CHANNEL_GREETING) {
		if (channel->put_off && channel->last && channel->willed == channel->last->number)
			break;
		if (!pvmi_plane_wait(deadline))
			break;
	}
}

/* ------------------------------------------------------------------ the daemon's link */

static void link_ready(struct pvmi_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	pvmi->plane->link_ready = true;
}

void pvmi_plane_watch_link(int fd, bool write)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct epoll_event event = { .events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = &plane->link };
	int i;

	plane->link.ready = link_ready;
	for (i = 0; i < 2; i++) {
		if (plane->link.fd >= 0 && plane->link.fd != fd)
			sys_epoll_ctl(plane->epoll[i], EPOLL_CTL_DEL, plane->link.fd, &event);
		/* The number may name another file now. */
		if (fd >= 0 && sys_epoll_ctl(plane->epoll[i], EPOLL_CTL_MOD, fd, &event) == -ENOENT)
			sys_epoll_ctl(plane->epoll[i], EPOLL_CTL_ADD, fd, &event);
	}
	if (plane->link.fd != fd) {
		pvmi_show_fd(plane->link.fd, false);
		pvmi_show_fd(fd, true);
	}
	plane->link.fd = fd;
	plane->link.events = event.events;
}

/* ------------------------------------------------------------------ start and stop */

static int make_epolls(struct pvmi_plane *plane)
{
	static const struct timespec at_once;
	struct epoll_event event;
	int i;

	for (i = 0; i < 2; i++) {
		plane->epoll[i] = (int)sys_epoll_create();
		if (plane->epoll[i] < 0)
			return plane->epoll[i];
		pvmi_own_fd(plane->epoll[i]);
	}
	plane->coarse_sleep = sys_epoll_wait(plane->epoll[0], &event, 1, &at_once) == -ENOSYS;
	return 0;
}

static void forget_descriptors(struct pvmi_plane *plane)
{
	plane->epoll[0] = plane->epoll[1] = -1;
	plane->link.fd = plane->doorbell.fd = plane->unix_listener.fd = plane->tcp_listener.fd = -1;
	plane->inbox_fd = plane->will.fd = -1;
}

void pvmi_plane_announce(void)
{
	pvmi_link_endpoint(pvmi->plane->local_path, pvmi->plane->port);
}

static int open_node(struct pvmi_plane *plane)
{
	int result = make_epolls(plane);

	if (result >= 0)
		result = pvmi_inbox_make();
	if (result >= 0)
		result = pvmi_inlets_listen();
	if (result >= 0 && pvmi_link_descriptor() >= 0)
		pvmi_plane_watch_link(pvmi_link_descriptor(), false);
	return result;
}

static void close_node(struct pvmi_plane *plane)
{
	int i;

	pvmi_watch_close(&plane->unix_listener);
	pvmi_watch_close(&plane->tcp_listener);
	if (plane->local_path[0])
		sys_unlink(plane->local_path);
	pvmi_unpublish_fds();
	if (plane->fds_path[0])
		sys_unlink(plane->fds_path);
	pvmi_inbox_drop(true);
	for (i = 0; i < 2; i++) {
		if (plane->epoll[i] < 0)
			continue;
		pvmi_disown_fd(plane->epoll[i]);
		sys_close(plane->epoll[i]);
	}
}

int pvmi_plane_start(void)
{
	struct pvmi_plane *plane = pvmi_alloc(sizeof(*plane));
	int result;

	if (!plane)
		return NO_MEMORY;
	pvmi->plane = plane;
	plane->pulse = &plane->unseen;
	forget_descriptors(plane);
	plane->pid = (int)sys_getpid();
	pvmi_trace_start(getenv("MPVM_TRACE"));
	pvmi_wait_start();
	pvmi_guard_start();
	result = open_node(plane);
	if (result >= 0) {
		pvmi_plane_announce();
		result = pvmi_agent_start();
	}
	if (result < 0) {
		close_node(plane);
		dig_up();
		pvmi_free(plane->local_inlets);
		pvmi_free(plane);
		pvmi->plane = NULL;
		return SYSTEM_ERROR;
	}
	return OK;
}

/* Is anything still to be acknowledged? */
static size_t outstanding(void)
{
	struct pvmi_channel *channel;
	size_t count = 0;

	for (channel = pvmi->plane->all_channels; channel; channel = channel->next) {
		if (!channel->first)
			continue;
		pvmi_channel_reap(channel);
		count += channel->first ? channel->queued_bytes + 1 : 0;
	}
	return count;
}

static void linger(void)
{
	size_t before = outstanding(), now = before;
	int64_t deadline = sys_now_ns() + LINGER_NS, tick = 20000;

	while (now && sys_now_ns() < deadline) {
		pvmi_plane_poll();
		pvmi_plane_wait(sys_now_ns() + tick);
		if (tick < BOUND_TICK_NS)
			tick *= 2;
		now = outstanding();
		if (now < before)
			deadline = sys_now_ns() + LINGER_NS;
		before = now;
	}
}

static void free_everything(struct pvmi_plane *plane, bool here)
{
	struct pvmi_channel *channel;
	struct pvmi_source *source;
	struct pvmi_message *message;
	int i;

	while (plane->inlets)
		pvmi_inlet_close(plane->inlets, here ? PVMI_CLOSE_STOP : PVMI_CLOSE_MOVED);
	while ((channel = plane->all_channels)) {
		plane->all_channels = channel->next;
		pvmi_channel_free(channel, here);
	}
	for (i = 0; i < PVMI_BUCKETS; i++)
		while ((source = plane->sources[i]))
			pvmi_source_forget(source);
	while ((message = plane->notices)) {
		plane->notices = message->next;
		pvmi_message_unref(message);
	}
}

void pvmi_plane_stop(bool wait)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;

	if (!plane)
		return;
	if (plane->pid != (int)sys_getpid()) {
		pvmi_plane_forked();
		return;
	}
	plane->leaving = true;
	if (wait)
		linger();
	pvmi_agent_stop();
	/* Whoever is told farewell forgets our numbers: only what has not been said stays in the will. */
	if (plane->unsettled)
		pvmi_will_renew();
	else
		pvmi_will_drop();
	for (channel = plane->all_channels; channel; channel = channel->next)
		if (channel->state == PVMI_CHANNEL_OPEN)
			channel->route->farewell(channel);
	pvmi_plane_settle();
	pvmi_hand_over();
	free_everything(plane, true);
	close_node(plane);
	dig_up();
	pvmi_free(plane->local_inlets);
	pvmi_free(plane);
	pvmi->plane = NULL;
	pvmi_trace_dump();
}

void pvmi_plane_forked(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	int i;

	if (!plane)
		return;
	/* The descriptors are copies: closing them ends no connection of the parent's. The mappings are
	 * left alone. Nothing is unlinked and no word goes to any peer; the bitmap that the daemon reads
	 * is shared with the parent and stays as it is. */
	pvmi_unpublish_fds();
	for (i = 0; i < PVMI_MAX_FD; i++)
		if (pvmi_owns_fd(i)) {
			pvmi_disown_fd(i);
			sys_close(i);
		}
	pvmi_agent_forked();
	pvmi_guard_reset();
	pvmi_heap_forked();
	pvmi->plane = NULL;
}

/* ------------------------------------------------------------------ moving */

void pvmi_plane_quiesce(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_inlet *inlet, *next;
	int reason;

	if (plane->inbox)
		__atomic_store_n(&plane->inbox->frozen, 1, __ATOMIC_SEQ_CST);
	for (inlet = plane->inlets; inlet; inlet = next) {
		next = inlet->next;
		if (!inlet->open || inlet->route != &pvmi_inlet_shm)
			continue;
		reason = inlet->route->drain(inlet);
		if (reason)
			pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
	}
	pvmi_plane_settle();
}

void pvmi_plane_forget(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;

	pvmi_forget_fds();
	/* First, so that nothing given back from here on writes to a ring that is not there. */
	pvmi_lenders_moved();
	while (plane->inlets)
		pvmi_inlet_close(plane->inlets, PVMI_CLOSE_MOVED);
	for (channel = plane->all_channels; channel; channel = channel->next)
		channel->watch.fd = -1;
	pvmi_will_left_behind();
	pvmi_inbox_drop(false);
	forget_descriptors(plane);
	plane->strangers = 0;
	plane->acks_due = 0;
	plane->events_ticks = plane->hot_ticks = 0;
	plane->next_timer = 0;
	plane->link_ready = false;
	plane->pid = (int)sys_getpid();
	pvmi_wait_start();
	pvmi_heap_arrived();
}

void pvmi_plane_after_move(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;
	int result = open_node(plane);

	pvmi_plane_announce();
	for (channel = plane->all_channels; channel; channel = channel->next)
		pvmi_channel_happen(channel, PVMI_EVENT_MOVED, NULL);
	pvmi_notices_check(false);
	pvmi_trace(AFTER_MOVE, pvmi->epoch, result);
}
