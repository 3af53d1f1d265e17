/*
 * plane.h: the message plane, as its own files and the agent see it. pvmi.h has its public face.
 *
 * A channel is one direction between two tasks and belongs to its sender (channel.h). At the
 * receiver a source (source.h) remembers for each sender how far it has come, and an inlet
 * (inlet.h) is the connection that a sender has made. How bytes travel is a route's business:
 * shm/ between tasks of one node, tcp/ between nodes.
 *
 * Everything here belongs to whoever owns the context (guard.h).
 */
#ifndef PVMI_PLANE_H
#define PVMI_PLANE_H

#include "../guard/guard.h"
#include "../guard/trace.h"
#include "../memory/memory.h"
#include "../pvmi.h"
#include "../sys/sys.h"

#define PVMI_MAX_FD 65536
#define PVMI_QUEUE_BOUND (64UL << 20)   /* bytes queued for one receiver before pvm_send waits */
#define PVMI_INTAKE_BOUND (64UL << 20)  /* bytes the agent takes in while the program does not look */
#define PVMI_HANDSHAKE_NS 10000000000LL /* who has not proven the key by then is hung up on */
#define PVMI_STRANGERS 128              /* connections that have not proven the key yet */
#define PVMI_LOCAL_SENDERS 4096         /* senders that can use shared memory towards one task */

/* Rings that are watched without a bit in the inbox (shm/hot.c). */
#define PVMI_HOT 16
struct pvmi_ring;
struct pvmi_hot {
	struct pvmi_inlet *inlet;
	struct pvmi_ring *ring;
	uint32_t idle;
	bool watched;                   /* and its sender knows */
};

struct pvmi_channel;
struct pvmi_source;
struct pvmi_inlet;
struct pvmi_inbox;

/* ------------------------------------------------------------------ watch.c: descriptors that are waited for */

enum pvmi_waiter { PVMI_PROGRAM, PVMI_AGENT };  /* each sleeps in an epoll of its own */

struct pvmi_watch {
	int fd;                 /* -1: not watched */
	uint32_t events;
	void (*ready)(struct pvmi_watch *watch, uint32_t events);
	struct pvmi_watch *buried;
};

int pvmi_watch_add(struct pvmi_watch *watch, int fd, uint32_t events);
void pvmi_watch_change(struct pvmi_watch *watch, uint32_t events);
/* Stop watching, and close the descriptor. */
void pvmi_watch_close(struct pvmi_watch *watch);
/* Dispatch what is ready, without sleeping. Returns the number of events or a negative errno. The
 * caller owns the context when events are fetched, not only when they are dispatched: an event
 * names a structure that another owner may have freed. */
#define PVMI_EVENT_BATCH 64
int pvmi_watch_events(enum pvmi_waiter waiter);
/* Sleep in the waiter's epoll; timeout NULL: without limit. Number of events or a negative errno. */
long pvmi_watch_sleep(enum pvmi_waiter waiter, struct epoll_event *events, int max, const struct timespec *timeout);
void pvmi_watch_dispatch(const struct epoll_event *events, long count);

/* ------------------------------------------------------------------ descriptors and mappings that are the library's own */

/* The engine asks (ckpt.h): these are not the program's and are made anew after a move. */
void pvmi_own_fd(int fd);
void pvmi_disown_fd(int fd);
bool pvmi_owns_fd(int fd);
/* The library's, but carried along or replaced: heap and link. Shown to the daemon only. */
void pvmi_show_fd(int fd, bool own);
void pvmi_forget_fds(void);                     /* at the new node: none of them exists */
void pvmi_publish_fds(const char *path);
void pvmi_unpublish_fds(void);

/*
 * What the program is about, for whoever looks: in the file of the bitmap, PVMI_PULSE_AT bytes from
 * its beginning (daemon/activity/pulse.ts). A wait costs no look at the clock for it: wait.c takes
 * those it needs anyway. It begins anew with each move.
 */
#define PVMI_PULSE_AT 1024
struct pvmi_pulse {
	uint32_t version;       /* 1 */
	uint32_t waiting;       /* in the library, for messages or for room, at this moment */
	uint64_t ticks_per_us;
	uint64_t slept_ticks;   /* of the waits that are over: asleep */
	uint64_t spun_ticks;    /* and awake, on the processor */
};

enum pvmi_area_kind {
	PVMI_AREA_SCRATCH,      /* rings, inboxes: nothing in it is needed after a move */
	PVMI_AREA_LENT,         /* a peer's heap: the parts in use travel */
};
struct pvmi_area {
	struct pvmi_area *next;
	enum pvmi_area_kind kind;
	uintptr_t start, end;
	void *owner;
	bool visited;
};
struct pvmi_area *pvmi_area_add(enum pvmi_area_kind kind, void *start, size_t length, void *owner);
void pvmi_area_remove(struct pvmi_area *area);
struct pvmi_area *pvmi_area_find(uintptr_t start, uintptr_t end);
void pvmi_areas_each(enum pvmi_area_kind kind, void (*visit)(struct pvmi_area *area));

/* ------------------------------------------------------------------ the plane */

#define PVMI_BUCKETS 1024

struct pvmi_plane {
	int epoll[2];
	bool coarse_sleep;              /* this node's kernel sleeps in milliseconds only */
	struct pvmi_watch link, doorbell, unix_listener, tcp_listener;
	bool link_ready;                /* its frames are dispatched after the routes' events */
	char local_path[108], fds_path[112];
	uint16_t port;
	int pid;                        /* a forked child is no task */
	bool leaving;                   /* pvm_exit: receivers may still read what was lent to them */

	struct pvmi_channel *channels[PVMI_BUCKETS], *all_channels;
	struct pvmi_channel *last_channel;      /* the one last sent by */
	struct pvmi_source *sources[PVMI_BUCKETS];
	uint32_t source_count;
	struct pvmi_inlet *inlets;
	uint32_t strangers;             /* inlets that have not proven the key */
	uint32_t blocked;               /* channels that have more to push than the route took */
	uint32_t unsettled;             /* channels neither idle, open nor gone: they have timers */

	struct {                        /* will.c: what outlives us until all channels have settled */
		int fd;                 /* -1: there is nothing that has to */
		size_t bytes;
		char path[112];
	} will;

	struct pvmi_inbox *inbox;       /* where senders of this node leave word */
	int inbox_fd;
	struct pvmi_area *inbox_area;
	struct pvmi_inlet **local_inlets;       /* by their bit in the inbox */
	uint32_t local_hint;
	struct pvmi_hot hot[PVMI_HOT];
	uint32_t hot_count;
	uint32_t told;                  /* so often news came by a bit since we last slept */

	struct pvmi_posted *wanted;     /* by the program, which is inside; */
	struct pvmi_posted *posted;     /* that, while it takes from hot rings: what the agent takes becomes messages */
	struct pvmi_message *arrived, *last_arrived;    /* whole; handed to message/ where its handlers may call us again */
	struct pvmi_message *notices, *last_notice;     /* wait for the messages of the task they are about */
	int64_t notice_deadline;

	int64_t next_timer;
	uint64_t events_ticks, hot_ticks;       /* last look at the descriptors; last news by one */
	uint64_t settled_ticks, timers_ticks;
	uint64_t ticks_per_us;
	uint64_t start_ticks;
	int64_t start_ns;

	uint64_t service_ticks;                 /* how long until the next look at the descriptors */
	uint32_t unserved;                      /* polls that found messages and did not ask for it */

	struct {                        /* wait.c */
		bool alone;             /* only one processor is allowed */
		int score;              /* of spinning; 0: does not pay; up to 16 */
		int neighbours;         /* others want this processor: 0: never; up to 8 */
		uint32_t unspun;        /* waits since the last one that spun */
		bool probing;           /* the spin under way finds out whether spinning pays again */
		uint64_t yield_ticks;   /* what a yield costs when nobody else wants to run */
		uint32_t sender, sender_processor;      /* of the last news by shared memory; UINT16_MAX: not known */
		uint32_t together;      /* so often it ran here, too */
		uint64_t parted_ticks;  /* when we last went to another processor because of that */
	} spin;

	uint64_t taken_messages, taken_bytes;   /* all that ever arrived */
	uint64_t intake_mark;           /* taken_bytes when the program last looked */
	uint32_t acks_due;              /* TCP inlets that owe one */
	struct pvmi_pulse *pulse, unseen;       /* unseen: where nobody looks, when the file could not be made */

	struct pvmi_watch *graves;      /* freed when no event can name them any more */

	struct pvmi_plane_counts {
		uint64_t sent_messages, sent_bytes, received_messages, received_bytes;
		uint64_t bound_waits, doorbells_rung, sleeps, spins_won, spins_lost;
		uint64_t breaks, reconnects, duplicates, dropped_dead, strangers_refused;
		uint64_t copied_because_lent, agent_turns;
	} counts;
};

/* plane.c */
void pvmi_bury(struct pvmi_watch *watch);       /* pvmi_free, later; its fd stays -1 until then */
static inline void pvmi_count_arrival(uint32_t source, uint64_t number, size_t length)
{
	struct pvmi_plane *plane = pvmi->plane;

	pvmi_trace_often(ARRIVED, source, number);
	plane->counts.received_messages++;
	plane->counts.received_bytes += length;
	plane->taken_messages++;
	plane->taken_bytes += length;
}
void pvmi_deliver(struct pvmi_message *message, uint64_t number);
void pvmi_hand_over(void);                      /* what was delivered, to message/ */
/* Take what has come by shared memory, without a system call. True when anything had. */
bool pvmi_plane_take(void);
/* The same by the program, which may want one itself. */
bool pvmi_plane_take_wanted(void);
/* A look at the descriptors, at timers, at what routes have become free to take. */
bool pvmi_plane_service(enum pvmi_waiter waiter);       /* true: a descriptor had something */
/* The same for events that have been fetched. */
void pvmi_plane_serve(const struct epoll_event *events, long count);
void pvmi_plane_timers(void);
void pvmi_plane_timer(int64_t at);              /* something is due then */
/* Acknowledgements owed, and what receivers have given back: what should not wait for an hour of computing. */
void pvmi_plane_settle(void);
void pvmi_plane_acknowledge(void);
bool pvmi_plane_intake_full(void);
/* Frozen: take everything out of the rings of shared memory. */
void pvmi_plane_quiesce(void);
/* At the new node: forget every descriptor of the old one, before its number is used again. */
void pvmi_plane_forget(void);
/* Then, with the link renewed: everything that belonged to the old one is made anew. */
void pvmi_plane_after_move(void);
void pvmi_plane_announce(void);                 /* Endpoint */

bool pvmi_parse_ipv4(const char *text, uint32_t *address);      /* network byte order */

/* notice.c */
void pvmi_notices_check(bool timed_out);

/* will.c */
void pvmi_will_keep(struct pvmi_channel *channel);      /* what is queued, as far as there is room */
void pvmi_will_drop(void);
void pvmi_will_renew(void);             /* numbers have changed: written down anew */
void pvmi_will_left_behind(void);       /* by a move: what is still to be said is written down at the new node */

/* wait.c */
void pvmi_wait_start(void);

#endif
