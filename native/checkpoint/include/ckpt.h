/*
 * ckpt.h: the native engine, as libpvm's agent uses it.
 *
 * Capture runs inside the process it captures, on the agent: a thread that libc does not know of.
 * So everything declared here (but ckpt_park and ckpt_arrived_main) is called on the agent, uses
 * raw system calls only, never touches errno, malloc, stdio or TLS, and returns 0 or a negative
 * ckpt_error.
 *
 * The order of calls for one migration (docs/protocols/migration.md has the state table):
 *
 *   ckpt_open -> ckpt_copy_round (0 or more) -> ckpt_freeze -> ckpt_send_image -> ckpt_wait_arrived
 *       |                |                          |               |                 |
 *       +----------------+---- ckpt_thaw (does nothing unless frozen) -> ckpt_close --+   abort
 *                                                             or ckpt_vanish              committed
 */
#ifndef CKPT_H
#define CKPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ckpt_error {
	CKPT_OK = 0,
	CKPT_E_CONNECT = -1,    /* the restorer cannot be reached */
	CKPT_E_AUTH = -2,       /* it did not prove that it is the one we were sent to */
	CKPT_E_STREAM = -3,     /* the connection broke */
	CKPT_E_FREEZE = -4,     /* a thread did not park in time */
	CKPT_E_UNSUPPORTED = -5,/* the process holds something that cannot move; job->text names it */
	CKPT_E_SYSTEM = -6,     /* a system call failed; job->text names it */
	CKPT_E_REFUSED = -7,    /* the restorer cannot rebuild it; job->text is its reason */
	CKPT_E_ABORTED = -8,    /* job->abort was set */
	CKPT_E_CONVERGENCE = -9,/* it writes faster than it can be sent, and is not to be stopped for that */
	CKPT_E_TRACKING = -10,  /* the way of finding what it writes that was asked for is not to be had */
};

struct ckpt_range {
	uintptr_t start, end;
};

/* What becomes of a descriptor. */
enum ckpt_fd_class {
	CKPT_FD_CARRY,          /* the program's own: rebuilt at the destination, or the move is refused */
	CKPT_FD_DROP,           /* the library's own: it makes a new one after the move */
	CKPT_FD_DAEMON,         /* the link to the daemon: the restorer's takes its number */
	CKPT_FD_OUTPUT,         /* the output that the daemon captures: the restorer's stdout takes its
	                           number (the engine finds by itself a FIFO in a directory out/) */
};

/* What becomes of a mapping. */
enum ckpt_area_class {
	CKPT_AREA_CARRY,        /* as its kind demands */
	CKPT_AREA_DROP,         /* not mapped at the destination */
	CKPT_AREA_COPY_PRIVATE, /* a peer's shared memory: becomes private memory at the same address;
	                           only the ranges that client->ranges names travel, the rest is zero */
};

/* Left by the restorer in the task's memory (the address the header names) before any thread goes on. */
struct ckpt_handoff {
	uintptr_t zone_start;   /* the restorer itself: to be unmapped */
	size_t zone_length;
	int32_t daemon_fd;
	uint32_t epoch;         /* of the task's new directory entry */
	uint64_t resumed_at_us; /* CLOCK_REALTIME */
	uint32_t place_length;
	uint8_t place[1024];    /* mpvm.task.Enrolled, encoded: the node it is on now */
};

/* What the library does for the engine. */
struct ckpt_client {
	void *self;
	/* On the thread about to be parked, in the signal handler: may it stop here? False inside the
	 * library; the library then calls ckpt_park at its next safe point (it finds job->freezing set). */
	bool (*may_park)(void *self);
	enum ckpt_fd_class (*descriptor)(void *self, int fd);
	enum ckpt_area_class (*area)(void *self, uintptr_t start, uintptr_t end);
	/* For CKPT_AREA_COPY_PRIVATE: up to max ranges from *cursor on; returns how many. */
	size_t (*ranges)(void *self, uintptr_t start, uintptr_t end, size_t *cursor,
			 struct ckpt_range *out, size_t max);
	/* First code at the destination, on the main thread, signals still blocked, all other threads
	 * waiting in ckpt_park: new agent, new sockets, nothing of the old node believed. */
	void (*arrived)(void *self, const struct ckpt_handoff *handoff);
	void (*progress)(void *self);   /* job's counters have changed; at most every 50 ms */
};

struct ckpt_job;                        /* defined in ckpt_job.h; one, static, for each process */

/* Once, when the task enrols. handoff: storage that lives as long as the process. */
void ckpt_init(const struct ckpt_client *client, struct ckpt_handoff *handoff);

/* Called by a thread to park itself at a safe point; returns when thawed at the source (false)
 * or when it goes on at the destination (true; client->arrived has run). */
bool ckpt_park(void);

/* True from ckpt_freeze until thaw or arrival: threads in the library must park at their next safe point. */
bool ckpt_freezing(void);
#endif
