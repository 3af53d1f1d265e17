/*
 * channel.h: one direction between two tasks, as its owner, the sender, keeps it.
 *
 * Messages are numbered from 1 and kept until the receiver has acknowledged them. A connection
 * begins with the receiver telling its position; what it has is dropped here, the rest is pushed
 * from there. So a moved task, a cut cable and a change of the route are one thing: a break.
 */
#ifndef PVMI_CHANNEL_H
#define PVMI_CHANNEL_H

#include "greeting.h"
#include "plane.h"

enum pvmi_channel_state {
	PVMI_CHANNEL_IDLE,      /* no connection, and nothing to say: a new channel, or one that broke when all was acknowledged */
	PVMI_CHANNEL_RESOLVING, /* the daemon has been asked where the receiver is; it answers when a move has ended */
	PVMI_CHANNEL_CONNECTING,/* a TCP connection is being made */
	PVMI_CHANNEL_GREETING,  /* connected; challenge, hello and welcome are under way */
	PVMI_CHANNEL_OPEN,      /* messages flow */
	PVMI_CHANNEL_WAITING,   /* it could not be reached at the address we got; the daemon is asked again at retry_at */
	PVMI_CHANNEL_GONE,      /* the receiver has ended: what is sent is dropped, as PVM does */
	PVMI_CHANNEL_STATES
};

enum pvmi_channel_event {
	PVMI_EVENT_SEND,        /* a message has been queued */
	PVMI_EVENT_ROUTE,       /* the daemon's answer: it is there */
	PVMI_EVENT_DEAD,        /* the daemon's answer: there is no such task */
	PVMI_EVENT_LATER,       /* the daemon's word that the answer has to wait for the end of a move, or a start */
	PVMI_EVENT_CONNECTED,
	PVMI_EVENT_WELCOME,     /* the receiver's position is known */
	PVMI_EVENT_BROKEN,      /* the connection ended, or could not be made */
	PVMI_EVENT_TIMER,       /* retry_at has come */
	PVMI_EVENT_MOVED,       /* this task is at another node now: its connections are no more */
	PVMI_CHANNEL_EVENTS
};

enum pvmi_break_reason {
	PVMI_BREAK_CONNECT = 1, PVMI_BREAK_EOF, PVMI_BREAK_ERROR, PVMI_BREAK_PROTOCOL, PVMI_BREAK_NOT_ME,
	PVMI_BREAK_NO_ROOM, PVMI_BREAK_TIMEOUT, PVMI_BREAK_PROOF, PVMI_BREAK_MOVED,
};

/* A message on its way: a snapshot, so that the program may pack on or send it again with another tag. */
struct pvmi_outgoing {
	struct pvmi_outgoing *next;
	uint64_t number;
	size_t length;
	uint32_t encoding, context, crc;
	int32_t tag, wait_id;
	uint32_t pieces;
	struct pvmi_outgoing_piece {
		struct pvmi_block *block;
		uint8_t *bytes;
		size_t length;
	} piece[];
};

/* What a route can do for a channel. */
struct pvmi_route {
	const char *name;
	/* Begin to connect. 0: connected; -EINPROGRESS: the watch will tell; else it cannot be done. */
	int (*connect)(struct pvmi_channel *channel, const struct pvmi_route_answer *answer);
	/* Descriptors to go with the hello (count up to 4), or negative. */
	int (*offer)(struct pvmi_channel *channel, int *descriptors);
	/* The welcome is here. Descriptors taken over are set to -1. False: it breaks the protocol. */
	bool (*open)(struct pvmi_channel *channel, const struct pvmi_welcome *welcome, int *descriptors, int count);
	/* Push what can be pushed at once. 0, or a break reason. channel->cursor tells what is left. */
	int (*push)(struct pvmi_channel *channel);
	/* See what has been acknowledged and given back. 0, or a break reason. */
	int (*reap)(struct pvmi_channel *channel);
	/* The connection has an event while the channel is open. 0, or a break reason. */
	int (*ready)(struct pvmi_channel *channel, uint32_t events);
	/* Nothing more will be sent: tell the receiver that it can forget us. */
	void (*farewell)(struct pvmi_channel *channel);
	/* What earlier connections have lent is lent no more: the receiver has ended, or is elsewhere
	 * (it holds copies), or we are. all: also what was lent where the receiver is now. */
	void (*forget_lent)(struct pvmi_channel *channel, bool all, bool here);
	/* Give back whatever the route holds but the watch. here: the descriptors exist in this process. */
	void (*close)(struct pvmi_channel *channel, bool here);
};
extern const struct pvmi_route pvmi_route_shm, pvmi_route_tcp;

struct pvmi_channel {
	struct pvmi_watch watch;        /* first: a watch is its channel */
	struct pvmi_channel *next_in_bucket, *next;
	uint32_t receiver;
	enum pvmi_channel_state state;

	struct pvmi_outgoing *first, *last;     /* not acknowledged, in order */
	struct pvmi_outgoing *cursor;           /* the next to push; NULL: all are */
	uint64_t next_number;
	uint64_t acknowledged;
	uint64_t willed;                /* the will has all up to this one; 0: nothing */
	size_t queued_bytes;
	bool blocked;                   /* counted in plane->blocked */

	const struct pvmi_route *route;
	void *link;                     /* the route's own state */
	void *lent;                     /* connections that ended while the receiver still read from our heap */
	uint32_t epoch;                 /* of the route in use or last used */
	bool broken;                    /* that route is of no use any more */
	bool put_off;                   /* RESOLVING: the answer will take its time, the receiver is moving or starting */
	bool no_shm;                    /* the receiver has no room for one more local sender */
	uint64_t peer_incarnation;
	int64_t retry_at;               /* WAITING: ask again; CONNECTING, GREETING: give up; RESOLVING: repeat */
	uint32_t backoff_ms;

	struct pvmi_challenge challenge;
	struct pvmi_hello hello;
	uint8_t greeting[64];           /* what has come of the challenge, then of the welcome */
	uint32_t greeting_length;
	bool hello_sent;

	struct {
		uint64_t messages, bytes, pushed, breaks, waits;
		uint64_t told_messages, told_bytes;     /* to the daemon (traffic.c) */
	} counts;
};

struct pvmi_channel *pvmi_channel_find(uint32_t receiver);
struct pvmi_channel *pvmi_channel_get(uint32_t receiver);       /* makes it if need be */

/* The one way a channel changes its state. */
void pvmi_channel_happen(struct pvmi_channel *channel, enum pvmi_channel_event event, const void *argument);
/* PVMI_EVENT_SEND; what it means in an open channel, with each message, is done without the table. */
void pvmi_channel_send(struct pvmi_channel *channel);
static inline void pvmi_channel_break(struct pvmi_channel *channel, enum pvmi_break_reason reason)
{
	pvmi_trace(BREAK, channel->receiver, reason);
	pvmi_channel_happen(channel, PVMI_EVENT_BROKEN, &reason);
}

/* Neither idle, open nor gone: what is queued lies in our own memory. */
static inline bool pvmi_channel_is_unsettled(const struct pvmi_channel *channel)
{
	return channel->state != PVMI_CHANNEL_IDLE && channel->state != PVMI_CHANNEL_OPEN &&
	       channel->state != PVMI_CHANNEL_GONE;
}

/* Everything up to this number has arrived. False: that cannot be. */
bool pvmi_channel_acknowledged(struct pvmi_channel *channel, uint64_t number);
/* Push, and keep count of who has more to push. */
void pvmi_channel_push(struct pvmi_channel *channel);
void pvmi_channel_reap(struct pvmi_channel *channel);
void pvmi_channel_free(struct pvmi_channel *channel, bool here);

/* greet.c: the sender's half of the greeting, on channel->watch. */
void pvmi_greet_start(struct pvmi_channel *channel);
void pvmi_greet_ready(struct pvmi_channel *channel);

/* outgoing.c */
struct pvmi_outgoing *pvmi_outgoing_new(const struct pvmi_message *message);
/* A raw body of few bytes in the current context. */
struct pvmi_outgoing *pvmi_outgoing_small(int tag, const void *bytes, size_t length);
void pvmi_outgoing_free(struct pvmi_outgoing *outgoing);

#endif
