/*
 * inlet.h: a connection that a sender has made to this task, of either route.
 *
 * GREETING -> OPEN -> (closed). While greeting it is a stranger: it holds one hello's worth of
 * memory and a descriptor, for ten seconds at most.
 */
#ifndef PVMI_INLET_H
#define PVMI_INLET_H

#include "greeting.h"
#include "plane.h"

enum pvmi_close_reason {
	PVMI_CLOSE_EOF = 1,     /* the sender has ended, has moved, or its node is gone */
	PVMI_CLOSE_REPLACED,    /* the sender has made a new one */
	PVMI_CLOSE_STRANGER,    /* it did not prove the key, or spoke to someone else */
	PVMI_CLOSE_TIMEOUT,
	PVMI_CLOSE_PROTOCOL,    /* what it sent cannot be */
	PVMI_CLOSE_FAREWELL,    /* the sender has left the VM and said so */
	PVMI_CLOSE_MEMORY,
	PVMI_CLOSE_STOP,        /* we leave */
	PVMI_CLOSE_MOVED,       /* we are elsewhere now; the descriptor exists no more */
};

/* What a route can do for an inlet. Each but close answers with 0 or the reason to close it. */
struct pvmi_inlet_route {
	/* The sender has proven who it is: take what came with its hello, give what goes with the welcome. */
	int (*open)(struct pvmi_inlet *inlet, int *descriptors, int count, struct pvmi_welcome *welcome, int *out, int *out_count);
	int (*ready)(struct pvmi_inlet *inlet, uint32_t events);
	/* Take all that is here (shared memory: also after the sender's end). */
	int (*drain)(struct pvmi_inlet *inlet);
	void (*acknowledge)(struct pvmi_inlet *inlet);
	void (*close)(struct pvmi_inlet *inlet, bool here);
};
extern const struct pvmi_inlet_route pvmi_inlet_shm, pvmi_inlet_tcp;
/* A bit in our inbox told of news from there: perhaps it is worth watching (shm/hot.c). */
void pvmi_inlet_shm_watch(struct pvmi_inlet *inlet);

struct pvmi_inlet {
	struct pvmi_watch watch;        /* first: a watch is its inlet */
	struct pvmi_inlet *next, **link_to_me;
	const struct pvmi_inlet_route *route;
	bool open;
	struct pvmi_source *source;     /* once open */
	void *link;                     /* the route's own state */
	int64_t deadline;               /* while it is a stranger */
	struct pvmi_challenge challenge;
	union {
		struct pvmi_hello hello;
		uint8_t greeting[sizeof(struct pvmi_hello)];
	};
	uint32_t greeting_length;
	int offered[4], offered_count;  /* descriptors that came with the hello */
};

/* Make the listening sockets; again after a move. 0 or negative errno. */
int pvmi_inlets_listen(void);
void pvmi_inlet_close(struct pvmi_inlet *inlet, enum pvmi_close_reason reason);
void pvmi_inlets_timers(int64_t now);

#endif
