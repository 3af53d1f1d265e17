/* channel.c: the state machine of a channel. States and events are described in channel.h. */
#include <string.h>

#include "channel.h"

#define NO_DAEMON_NS 1000000000LL       /* when there is nobody to ask just now; else link/ repeats the question */
#define FIRST_BACKOFF_MS 5
#define LAST_BACKOFF_MS 1000

/* ------------------------------------------------------------------ finding */

static struct pvmi_channel **bucket_of(uint32_t tid)
{
	return &pvmi->plane->channels[(tid * 2654435761U) >> 22 & (PVMI_BUCKETS - 1)];
}

static void ready(struct pvmi_watch *watch, uint32_t events);

struct pvmi_channel *pvmi_channel_find(uint32_t receiver)
{
	struct pvmi_channel *channel;

	for (channel = *bucket_of(receiver); channel; channel = channel->next_in_bucket)
		if (channel->receiver == receiver)
			return channel;
	return NULL;
}

struct pvmi_channel *pvmi_channel_get(uint32_t receiver)
{
	struct pvmi_channel *channel = pvmi_channel_find(receiver);
	struct pvmi_channel **bucket = bucket_of(receiver);

	if (channel)
		return channel;
	channel = pvmi_alloc(sizeof(*channel));
	if (!channel)
		return NULL;
	channel->watch.fd = -1;
	channel->watch.ready = ready;
	channel->receiver = receiver;
	channel->next_number = 1;
	channel->next_in_bucket = *bucket;
	*bucket = channel;
	channel->next = pvmi->plane->all_channels;
	pvmi->plane->all_channels = channel;
	return channel;
}

void pvmi_channel_free(struct pvmi_channel *channel, bool here)
{
	struct pvmi_outgoing *outgoing;

	if (channel->route)
		channel->route->close(channel, here);
	pvmi_route_shm.forget_lent(channel, true, here);
	if (here)
		pvmi_watch_close(&channel->watch);
	while ((outgoing = channel->first)) {
		channel->first = outgoing->next;
		pvmi_outgoing_free(outgoing);
	}
	channel->watch.fd = -1;
	pvmi_bury(&channel->watch);
}

/* ------------------------------------------------------------------ events of the connection */

static int connected(struct pvmi_channel *channel)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (sys_getsockopt(channel->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error)
		return PVMI_BREAK_CONNECT;
	pvmi_channel_happen(channel, PVMI_EVENT_CONNECTED, NULL);
	return 0;
}

static void ready(struct pvmi_watch *watch, uint32_t events)
{
	struct pvmi_channel *channel = (struct pvmi_channel *)watch;
	int reason = 0;

	switch (channel->state) {
	case PVMI_CHANNEL_CONNECTING:
		reason = connected(channel);
		break;
	case PVMI_CHANNEL_GREETING:
		pvmi_greet_ready(channel);
		break;
	case PVMI_CHANNEL_OPEN:
		reason = channel->route->ready(channel, events);
		break;
	default:
		pvmi_assert(!"a channel without a connection has no events");
	}
	if (reason)
		pvmi_channel_break(channel, (enum pvmi_break_reason)reason);
}

/* ------------------------------------------------------------------ the queue */

static void set_blocked(struct pvmi_channel *channel, bool blocked)
{
	if (channel->blocked == blocked)
		return;
	channel->blocked = blocked;
	pvmi->plane->blocked += blocked ? 1U : -1U;
}

bool pvmi_channel_acknowledged(struct pvmi_channel *channel, uint64_t number)
{
	struct pvmi_outgoing *outgoing;

	if (number < channel->acknowledged || number >= channel->next_number)
		return false;
	while ((outgoing = channel->first) && outgoing->number <= number) {
		/* It cannot have what was never pushed, unless an earlier connection brought it there. */
		if (outgoing == channel->cursor)
			channel->cursor = outgoing->next;
		channel->first = outgoing->next;
		channel->queued_bytes -= outgoing->length;
		pvmi_outgoing_free(outgoing);
	}
	if (!channel->first)
		channel->last = NULL;
	channel->acknowledged = number;
	return true;
}

static void drop_all(struct pvmi_channel *channel)
{
	pvmi_channel_acknowledged(channel, channel->next_number - 1);
	pvmi_assert(!channel->first && !channel->queued_bytes && !channel->cursor);
}

void pvmi_channel_push(struct pvmi_channel *channel)
{
	int reason;

	if (channel->state != PVMI_CHANNEL_OPEN)
		return;
	reason = channel->cursor ? channel->route->push(channel) : 0;
	if (reason)
		pvmi_channel_break(channel, (enum pvmi_break_reason)reason);
	else
		set_blocked(channel, channel->cursor != NULL);
}

void pvmi_channel_reap(struct pvmi_channel *channel)
{
	int reason;

	if (channel->state != PVMI_CHANNEL_OPEN)
		return;
	reason = channel->route->reap(channel);
	if (reason)
		pvmi_channel_break(channel, (enum pvmi_break_reason)reason);
}

/* The receiver is another process than the one that we spoke to, or has forgotten us among very
 * many senders: for it our numbers begin at 1. */
static void renumber(struct pvmi_channel *channel)
{
	struct pvmi_outgoing *outgoing;

	channel->acknowledged = 0;
	channel->next_number = 1;
	for (outgoing = channel->first; outgoing; outgoing = outgoing->next)
		outgoing->number = channel->next_number++;
	pvmi_will_renew();
}

/* ------------------------------------------------------------------ what is done, by state and event */

typedef enum pvmi_channel_state handler(struct pvmi_channel *channel, const void *argument);

static void set_timer(struct pvmi_channel *channel, int64_t ns)
{
	channel->retry_at = sys_now_ns() + ns;
	pvmi_plane_timer(channel->retry_at);
}

static void disconnect(struct pvmi_channel *channel, bool here)
{
	set_blocked(channel, false);
	if (channel->route)
		channel->route->close(channel, here);
	channel->route = NULL;
	if (here)
		pvmi_watch_close(&channel->watch);
	channel->watch.fd = -1;
	channel->cursor = NULL;
}

static enum pvmi_channel_state ask(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	channel->retry_at = INT64_MAX;
	channel->put_off = false;
	if (pvmi_link_resolve(channel->receiver, channel->epoch, channel->broken) < 0)
		set_timer(channel, NO_DAEMON_NS);
	return PVMI_CHANNEL_RESOLVING;
}

static enum pvmi_channel_state back_off(struct pvmi_channel *channel)
{
	channel->backoff_ms = channel->backoff_ms ? channel->backoff_ms * 2 : FIRST_BACKOFF_MS;
	if (channel->backoff_ms > LAST_BACKOFF_MS)
		channel->backoff_ms = LAST_BACKOFF_MS;
	set_timer(channel, channel->backoff_ms * 1000000LL);
	return PVMI_CHANNEL_WAITING;
}

static enum pvmi_channel_state lose(struct pvmi_channel *channel, const void *argument)
{
	enum pvmi_break_reason reason = *(const enum pvmi_break_reason *)argument;

	channel->counts.breaks++;
	pvmi->plane->counts.breaks++;
	disconnect(channel, true);
	if (reason == PVMI_BREAK_NO_ROOM)
		channel->no_shm = true;
	channel->broken = true;
	if (!channel->first)
		return PVMI_CHANNEL_IDLE;
	/* An open connection that ends is asked about at once; one that could not be made, after a while. */
	return channel->state == PVMI_CHANNEL_OPEN ? ask(channel, NULL) : back_off(channel);
}

static enum pvmi_channel_state lose_moved(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	disconnect(channel, false);
	pvmi_route_shm.forget_lent(channel, true, false);
	channel->no_shm = false;
	channel->broken = false;        /* the receiver is where it was; it is we who have gone */
	channel->backoff_ms = 0;
	return channel->first ? ask(channel, NULL) : PVMI_CHANNEL_IDLE;
}

static enum pvmi_channel_state stay_gone(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	pvmi->plane->counts.dropped_dead++;
	drop_all(channel);
	return PVMI_CHANNEL_GONE;
}

static enum pvmi_channel_state end(struct pvmi_channel *channel, const void *argument)
{
	disconnect(channel, true);
	pvmi_route_shm.forget_lent(channel, true, true);
	return stay_gone(channel, argument);
}

static enum pvmi_channel_state greet(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	set_timer(channel, PVMI_HANDSHAKE_NS);
	pvmi_greet_start(channel);
	return PVMI_CHANNEL_GREETING;
}

static enum pvmi_channel_state reach(struct pvmi_channel *channel, const void *argument)
{
	const struct pvmi_route_answer *answer = argument;
	bool local = answer->state == PVMI_ROUTE_HERE && answer->local_path[0] &&
		     !(channel->no_shm && answer->port) && pvmi_heap()->fd >= 0;
	int result;

	channel->epoch = answer->epoch;
	channel->broken = false;
	channel->route = local ? &pvmi_route_shm : &pvmi_route_tcp;
	set_timer(channel, PVMI_HANDSHAKE_NS);
	result = channel->route->connect(channel, answer);
	if (result == -EINPROGRESS)
		return PVMI_CHANNEL_CONNECTING;
	if (result == 0)
		return greet(channel, NULL);
	pvmi_trace(BREAK, channel->receiver, PVMI_BREAK_CONNECT);
	disconnect(channel, true);
	channel->broken = true;
	return back_off(channel);
}

static enum pvmi_channel_state flow(struct pvmi_channel *channel, const void *argument)
{
	const struct pvmi_welcome *welcome = argument;

	if ((channel->peer_incarnation && channel->peer_incarnation != welcome->incarnation) ||
	    (!welcome->last && channel->acknowledged))
		renumber(channel);
	if (channel->peer_incarnation)
		pvmi->plane->counts.reconnects++;
	channel->peer_incarnation = welcome->incarnation;
	channel->backoff_ms = 0;
	if (!pvmi_channel_acknowledged(channel, welcome->last)) {
		disconnect(channel, true);
		channel->broken = true;
		return back_off(channel);
	}
	pvmi_route_shm.forget_lent(channel, false, true);
	channel->cursor = channel->first;
	return PVMI_CHANNEL_OPEN;
}

static enum pvmi_channel_state push(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	if (!channel->cursor)
		channel->cursor = channel->last;
	return PVMI_CHANNEL_OPEN;       /* pushed after the transition: it may break the channel */
}

static enum pvmi_channel_state put_off(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	channel->put_off = true;
	return PVMI_CHANNEL_RESOLVING;
}

static enum pvmi_channel_state wait_on(struct pvmi_channel *channel, const void *argument)
{
	(void)argument;
	return channel->state;
}

static enum pvmi_channel_state give_up_greeting(struct pvmi_channel *channel, const void *argument)
{
	static const enum pvmi_break_reason late = PVMI_BREAK_TIMEOUT;

	(void)argument;
	return lose(channel, &late);
}

/* NULL: cannot happen in this state, or means nothing there. */
static handler *const table[PVMI_CHANNEL_STATES][PVMI_CHANNEL_EVENTS] = {
	[PVMI_CHANNEL_IDLE] = {
		[PVMI_EVENT_SEND] = ask,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_RESOLVING] = {
		[PVMI_EVENT_SEND] = wait_on,
		[PVMI_EVENT_ROUTE] = reach,
		[PVMI_EVENT_DEAD] = end,
		[PVMI_EVENT_LATER] = put_off,
		[PVMI_EVENT_TIMER] = ask,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_CONNECTING] = {
		[PVMI_EVENT_SEND] = wait_on,
		[PVMI_EVENT_CONNECTED] = greet,
		[PVMI_EVENT_BROKEN] = lose,
		[PVMI_EVENT_TIMER] = give_up_greeting,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_GREETING] = {
		[PVMI_EVENT_SEND] = wait_on,
		[PVMI_EVENT_WELCOME] = flow,
		[PVMI_EVENT_BROKEN] = lose,
		[PVMI_EVENT_TIMER] = give_up_greeting,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_OPEN] = {
		[PVMI_EVENT_SEND] = push,
		[PVMI_EVENT_BROKEN] = lose,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_WAITING] = {
		[PVMI_EVENT_SEND] = wait_on,
		[PVMI_EVENT_TIMER] = ask,
		[PVMI_EVENT_DEAD] = end,
		[PVMI_EVENT_MOVED] = lose_moved,
	},
	[PVMI_CHANNEL_GONE] = {
		[PVMI_EVENT_SEND] = stay_gone,
	},
};

void pvmi_channel_happen(struct pvmi_channel *channel, enum pvmi_channel_event event, const void *argument)
{
	enum pvmi_channel_state old = channel->state;
	bool was_unsettled = pvmi_channel_is_unsettled(channel);
	handler *handle = table[old][event];

	if (!handle)
		return;
	channel->state = handle(channel, argument);
	if (channel->state != old) {
		pvmi_trace(CHANNEL, channel->receiver, (unsigned int)old << 8 | channel->state);
		pvmi->plane->unsettled += (uint32_t)pvmi_channel_is_unsettled(channel) - (uint32_t)was_unsettled;
	}
	if (pvmi_channel_is_unsettled(channel))
		pvmi_will_keep(channel);
	if (channel->state == PVMI_CHANNEL_OPEN && old == PVMI_CHANNEL_OPEN)
		pvmi_channel_push(channel);
}

void pvmi_channel_send(struct pvmi_channel *channel)
{
	if (channel->state != PVMI_CHANNEL_OPEN) {
		pvmi_channel_happen(channel, PVMI_EVENT_SEND, NULL);
		return;
	}
	push(channel, NULL);
	pvmi_channel_push(channel);
}

/* The daemon answers; a stale or unexpected answer means nothing. */
void pvmi_plane_route_known(const struct pvmi_route_answer *answer)
{
	struct pvmi_channel *channel;

	if (!pvmi->plane)
		return;
	channel = pvmi_channel_find(answer->tid);
	pvmi_trace(ROUTE, answer->tid, (uint64_t)answer->state << 32 | answer->epoch);
	if (!channel)
		return;
	pvmi_channel_happen(channel, answer->state == PVMI_ROUTE_DEAD ? PVMI_EVENT_DEAD
			    : answer->state == PVMI_ROUTE_LATER ? PVMI_EVENT_LATER : PVMI_EVENT_ROUTE, answer);
}
