/*
 * pvmi.h: what the parts of libpvm share.
 *
 * All state hangs on one context, reached through one pointer (a ULP switch will replace it), and
 * nothing in it is an absolute truth that a move would falsify without being renewed in
 * pvmi_after_move().
 *
 * Two threads may run this code: the program's (inside a pvm_ call) and the agent, a raw-clone
 * thread that libc does not know of and that does the library's work while the program computes.
 * Exactly one of them owns the context at a time (guard.h). Code that the agent can reach uses
 * raw system calls (sys.h) and the allocators of memory.h: never malloc, stdio, errno or TLS.
 *
 *   api/       the public functions of pvm3.h: check arguments, translate errors
 *   message/   buffers, fragments, packing, the receive queue
 *   link/      the daemon: frames, requests and answers, events
 *   plane/     the message plane: channels, routes (shm, tcp), waiting
 *   group/     groups: questions to the registry, and the pages that answer without it
 *   agent/     the agent thread, its duty table, migration as seen by the library
 */
#ifndef PVMI_H
#define PVMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pvmi_context;
struct pvmi_link;       /* link/: the connection to the daemon */
struct pvmi_plane;      /* plane/: channels and routes */
struct pvmi_agent;      /* agent/ */
struct pvmi_messages;   /* message/: mid table, active buffers, receive queue */
struct pvmi_options;    /* api/: pvm_setopt values */
struct pvmi_group;      /* group/ */
struct pvmi_tracing;    /* tracing/ */

/* ------------------------------------------------------------------ memory that carries messages */

#define PVMI_SMALL 1024UL       /* a body of so many bytes is copied as a whole rather than lent and shared */

/* Where a block's bytes live, and so how it is given back. */
enum pvmi_block_kind {
	PVMI_BLOCK_SHARED,      /* this task's heap: shared memory that peers on the node can map */
	PVMI_BLOCK_FOREIGN,     /* a peer's heap, lent until released */
	PVMI_BLOCK_PRIVATE,     /* this task only: received over TCP, or from the daemon */
	PVMI_BLOCK_USER,        /* the program's memory: PvmDataInPlace, valid until it is sent */
	PVMI_BLOCK_OWN,         /* this task only: a small body, in one piece of memory with its message */
};

struct pvmi_block {
	enum pvmi_block_kind kind;
	uint32_t references;
	size_t capacity;
	uint8_t *bytes;
};

/* A piece of a message body. A body is a list of pieces; most messages have one. */
struct pvmi_piece {
	struct pvmi_piece *next;
	struct pvmi_block *block;
	uint8_t *bytes;
	size_t length;
};

struct pvmi_message {
	int mid;
	uint32_t references;    /* mid table, send queues, receive queue */
	uint32_t encoding;      /* 0x10000000 XDR, 0x20000000 in place, else a data signature: raw */
	uint32_t context;
	int32_t tag;
	int32_t wait_id;
	uint32_t source, destination;
	uint32_t crc;
	size_t length;          /* of the body */
	struct pvmi_piece *first, *last;
	struct pvmi_piece own;  /* the first one, as a rule */
	size_t room;            /* bytes behind the last piece that packing may still fill; 0 unless it is ours alone */
	bool sealed;            /* it came with its body: packing into it begins afresh */
	struct {                /* unpacking */
		struct pvmi_piece *piece;
		size_t offset;
	} cursor;
	struct pvmi_message *next;      /* in the queue that holds it */
	uint32_t about;         /* a notice of this task's end: queued only after what it sent */
	struct {                /* from the will of task `about`, its source: number 0 if it is no such message */
		uint64_t incarnation, number;
	} willed;
	struct pvmi_block own_block;    /* PVMI_BLOCK_OWN; other bodies may refer to it longer than the message lives */
};

/* ------------------------------------------------------------------ the context */

struct pvmi_groups {
	struct pvmi_group *all;         /* those whose members are known here without asking */
	uint64_t calls;                 /* numbers the requests that must count once */
	uint32_t polls, last_poll;      /* questions for a size, one after the other, and the last one's call */
};

struct pvmi_context {
	uint32_t tid;           /* 0: not enrolled */
	int32_t parent;
	uint32_t host;          /* host part of the node it is on now */
	uint32_t epoch;
	uint64_t incarnation;
	uint32_t current_context;
	char node[64], address[46], vm[64], socket_dir[108];
	uint8_t secret[16];

	struct pvmi_messages *messages;
	struct pvmi_options *options;
	struct pvmi_link *link;
	struct pvmi_plane *plane;
	struct pvmi_agent *agent;
	struct pvmi_groups groups;
	struct pvmi_tracing *tracing;
	bool traced;            /* events are collected (tracing/): every public function looks */
};

extern struct pvmi_context *pvmi;       /* the one pointer */

/* ------------------------------------------------------------------ guard: who owns the context */

/* Program side. Enter never sleeps unless the agent is at work just now; neither makes a system
 * call otherwise. Nested calls (a message handler that calls pvm_) count. pvmi_leave is a safe
 * point: a freeze that was asked for happens there. */
void pvmi_enter(void);
void pvmi_leave(void);

/* ------------------------------------------------------------------ api: what agent/ uses */

/* The process is another after a move: the variables that name it. */
void pvmi_publish_place(void);

/* ------------------------------------------------------------------ plane: what api/ and message/ use */

int pvmi_plane_start(void);     /* after Enrolled: listen, send Endpoint, start the agent */
void pvmi_plane_stop(bool linger); /* pvm_exit, exit: waits (bounded) until all is acknowledged */

/* Queue a message for tid and push as much as goes at once. Takes its own references. Never waits
 * for a move; waits (and counts it) only past the bound on queued bytes. PvmOk or an error. */
int pvmi_plane_send(uint32_t tid, struct pvmi_message *message);

/*
 * After the first message to a task: waits, not longer than patience_ns, until the route to it stands,
 * so that the message is there before whatever else this task does. Does not wait for a task that moves
 * or has just been started, if the message outlives its sender all the same (plane/will.c).
 */
void pvmi_plane_contact(uint32_t tid, int64_t patience_ns);

/* The same for a small raw body that is not a message yet (at most PVMI_SMALL bytes), to another task. */
int pvmi_plane_send_small(uint32_t tid, int tag, const void *bytes, size_t length);

/* Take in what has arrived by any route and from the daemon; calls pvmi_message_arrived for each. */
void pvmi_plane_poll(void);

/*
 * A receive that copies into the program's memory (pvm_precv). While it is posted a small message goes from
 * the ring straight to there, and never becomes a message. Only the first that fits may, so only while all that
 * has ever been queued is known not to fit: `arrivals` is how many those are.
 */
struct pvmi_posted {
	int tid, tag;                   /* -1: any */
	uint32_t context;
	uint64_t arrivals;
	void *bytes;
	size_t limit;
	bool done;                      /* it came; its sender, tag and length are: */
	uint32_t source;
	int32_t got_tag;
	size_t length;
};
/* For the polls and waits to come, until it is done or another is (NULL: none). Returns the one before. */
struct pvmi_posted *pvmi_plane_want(struct pvmi_posted *posted);

/* Block until something may have arrived, or the deadline (CLOCK_MONOTONIC ns, INT64_MAX: none).
 * Spins a little while a core is free, then sleeps. A safe point. False at the deadline. */
bool pvmi_plane_wait(int64_t deadline_ns);

/* A notice made by a daemon about the end of task message->about, or a message from its will: hands it
 * to pvmi_message_arrived once everything has arrived that this task had sent by itself. Takes over the
 * caller's reference. */
void pvmi_plane_notice(struct pvmi_message *message);

/* Watch this descriptor for the link from now on instead of the one before (-1: none): for input,
 * and for room to write when there is something to write. Its number may be the same as before. */
void pvmi_plane_watch_link(int fd, bool write);

/* In the child of a fork, which is no task: close and forget, without a word to any peer. */
void pvmi_plane_forked(void);

/* A block of at least size bytes of the shared heap (or private memory when that is full), one reference. */
struct pvmi_block *pvmi_block_new(size_t size);
struct pvmi_block *pvmi_block_private(size_t size);
void pvmi_block_unref(struct pvmi_block *block);

/* ------------------------------------------------------------------ message: what plane/ and link/ use */

struct pvmi_message *pvmi_message_new(void);
/* To be packed: with room for a little at hand. */
struct pvmi_message *pvmi_message_to_pack(void);
/* With a body of so many bytes, few, which the caller writes to *place. */
struct pvmi_message *pvmi_message_small(size_t length, uint8_t **place);
/* The last reference to its own block has gone. */
void pvmi_message_own_unused(struct pvmi_block *block);
void pvmi_message_ref(struct pvmi_message *message);
void pvmi_message_unref(struct pvmi_message *message);
int pvmi_message_append(struct pvmi_message *message, struct pvmi_block *block, uint8_t *bytes, size_t length);

/* A complete message is here: runs handlers (only on the program's thread; the agent queues) or
 * puts it at the end of the receive queue. Takes over the caller's reference. */
void pvmi_message_arrived(struct pvmi_message *message);

/* ------------------------------------------------------------------ link: what the others use */

/* Frames from the daemon that have come are dispatched by pvmi_link_poll; pvmi_plane_poll calls it
 * after the routes, so that a notice never overtakes what was sent before it. */
void pvmi_link_poll(void);
int pvmi_link_descriptor(void);         /* -1 when there is none */

/* Ask where tid is; pvmi_plane_route_known is called with the answer, possibly much later. */
struct pvmi_route_answer {
	uint32_t tid, epoch;
	enum { PVMI_ROUTE_DEAD, PVMI_ROUTE_HERE, PVMI_ROUTE_ELSEWHERE, PVMI_ROUTE_LATER } state;
	char local_path[108];
	char address[46];
	uint16_t port;
};
int pvmi_link_resolve(uint32_t tid, uint32_t epoch, bool broken);
void pvmi_plane_route_known(const struct pvmi_route_answer *answer);    /* plane provides it */
int pvmi_link_endpoint(const char *local_path, uint16_t port);

/* What has been sent to each peer since the daemon was told last (traffic.c): it asks when somebody plans. */
struct pvmi_traffic {
	uint32_t tid;
	uint64_t messages, bytes;
};
void pvmi_plane_tell_traffic(void);     /* plane provides it */
int pvmi_link_traffic(const struct pvmi_traffic *peers, size_t count);

/* Migration frames, passed through. Payloads are decoded by link/ (names as in task.proto). */
struct pvmi_migration_start {
	char id[64];
	char address[46];
	uint16_t port;
	uint8_t secret[16];
	uint32_t max_downtime_ms, max_rounds;
	uint32_t tracking, on_no_convergence;   /* mpvm.task's enumerations */
	uint64_t bytes_per_second;
	char fault_point[48];
	uint32_t fault_action;
	bool let_go;                    /* somebody else captures */
};
/* To a copy of this process at another node. */
struct pvmi_awaken {
	char id[64];
	char socket[256], cookie[64];   /* of its daemon there */
	char seal[256];                 /* removed before anything of the program goes on */
};
void pvmi_agent_migration_start(const struct pvmi_migration_start *start);      /* agent provides these */
void pvmi_agent_freeze_granted(const char *id);
void pvmi_agent_pace(const char *id, uint64_t bytes_per_second);
void pvmi_agent_migration_abort(const char *id, const char *reason);
void pvmi_agent_migration_committed(const char *id);
void pvmi_agent_awaken(const struct pvmi_awaken *awaken);
void pvmi_agent_go(const uint8_t *place, size_t length, uint32_t epoch);        /* place: an encoded Enrolled */
void pvmi_agent_unwanted(void);         /* a copy that is not to become the task */
void pvmi_agent_daemon_lost(void);      /* a move that has not been granted its freeze is over */

struct pvmi_migration_report {          /* link provides the senders */
	const char *id;
	uint32_t phase, rounds;
	uint64_t transferred, pages, remaining, expected_downtime_us;
	uint64_t frozen_at_us, sent_at_us, stream_us, page_bytes;
	uint64_t dirty_bytes_per_second;
	uint32_t tracking, throttle_percent;
	bool no_convergence, waiting;
};
int pvmi_link_migration_progress(const struct pvmi_migration_report *report);
int pvmi_link_freeze_request(const char *id);
void pvmi_link_thawed(void);    /* a link that comes back need not speak of that move any more */
int pvmi_link_migration_failed(const char *id, const char *code, const char *text);
int pvmi_link_image_sent(const struct pvmi_migration_report *report);
int pvmi_link_let_go(const char *id, uint64_t frozen_at_us, uint64_t link_inode);
int pvmi_link_restorer_arrived(uint64_t arrived_at_us);
/* A copy at another node: should the link break, its daemon is found there, and told the cookie. */
void pvmi_link_is_copy(const char *socket, const char *cookie);
int pvmi_link_resumed(const char *id, uint64_t resumed_at_us);
/* The link continues on a descriptor that the restorer has opened and introduced; place is an
 * encoded Enrolled. Requests that were under way are still under way: their answers follow the task. */
int pvmi_link_renew(int fd, const uint8_t *place, size_t length);
bool pvmi_link_flush(void);     /* all written? (before a freeze it must be) */

#endif
