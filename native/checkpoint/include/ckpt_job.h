/*
 * ckpt_job.h: one migration, as the agent drives it. See ckpt.h for the order of the calls.
 *
 * All calls run on the agent and use raw system calls only. They return 0 or a negative
 * ckpt_error (ckpt_wait_arrived also CKPT_PENDING); after an error job->text says what failed,
 * where, with the errno's name.
 */
#ifndef CKPT_JOB_H
#define CKPT_JOB_H

#include "ckpt.h"

#define CKPT_PENDING 1          /* ckpt_wait_arrived: no answer yet */

enum ckpt_fault_action {        /* values of mpvm.task.Fault.Action */
	CKPT_FAULT_NONE = 0,
	CKPT_FAULT_KILL = 1,    /* SIGKILL to this process */
	CKPT_FAULT_STOP = 2,    /* SIGSTOP to this process */
	CKPT_FAULT_CUT = 3,     /* the image stream is shut down */
	CKPT_FAULT_FAIL = 4,    /* the step reports an error */
};

enum ckpt_tracking {            /* values of mpvm.task.Tracking */
	CKPT_TRACK_ANY = 0,
	CKPT_TRACK_USERFAULTFD = 1,
	CKPT_TRACK_SOFT_DIRTY = 2,
	CKPT_TRACK_COMPARE = 3,
	CKPT_TRACK_NONE = 4,
};

enum ckpt_no_convergence {      /* values of mpvm.task.NoConvergence */
	CKPT_NO_CONVERGENCE_FREEZE = 0,
	CKPT_NO_CONVERGENCE_THROTTLE = 1,
	CKPT_NO_CONVERGENCE_GIVE_UP = 2,
};

struct ckpt_job {
	/* Filled by the caller before ckpt_open (zero the rest). */
	char id[64];
	char address[46];               /* of the restorer, IPv4 in dotted form */
	uint16_t port;
	uint8_t secret[16];
	uint32_t max_downtime_ms;
	uint32_t max_rounds;            /* 0: stop and copy, ckpt_copy_round is not called */
	uint32_t on_no_convergence;     /* enum ckpt_no_convergence */
	char fault_point[48];
	uint32_t fault_action;

	/* How writes are found: what is asked for; from the first round on, what is used. */
	uint32_t tracking;

	/* Set by the caller at any time: bytes a second on the stream while the program runs; 0: no limit. */
	volatile uint64_t bytes_per_second;

	/* Set by the caller at any time (client->progress is a good place to look for it): the call
	 * under way returns CKPT_E_ABORTED soon. */
	volatile uint32_t abort;

	/* Kept by the engine, for the caller to read. */
	uint32_t rounds;                /* passes over memory so far, the last included */
	uint64_t transferred;           /* bytes on the stream */
	uint64_t pages;                 /* of 4096 bytes, among them */
	uint64_t page_bytes;
	uint64_t round_bytes;           /* of those, in the last round */
	uint64_t remaining;             /* bytes known to be left (dirty after the last round) */
	uint64_t expected_downtime_us;  /* were it frozen now */
	uint64_t dirty_bytes_per_second;        /* that the program wrote in the last round */
	bool no_convergence;            /* rounds have stopped helping: the policy was followed */
	uint32_t throttle_percent;      /* of the time for which the program is kept from running */
	uint64_t stream_us;             /* time spent streaming pages */
	uint64_t frozen_at_us;          /* CLOCK_REALTIME, once frozen */
	uint64_t sent_at_us;            /* CLOCK_REALTIME, once END is sent */
	bool converged;                 /* after ckpt_copy_round: another round would not help, freeze now */

	char text[256];                 /* why the last call failed, one line */

	/* The image stream, -1 when closed. Readable when the restorer has answered: the caller may
	 * poll it together with its daemon link and then call ckpt_wait_arrived(job, 0). */
	int stream;
};

/* Does what is asked for at this point, if anything is. True: the step is to fail. */
enum ckpt_fault;
bool ckpt_fault(struct ckpt_job *job, enum ckpt_fault point);

/* The one job of this process. */
extern struct ckpt_job ckpt_the_job;

/* Look for what cannot move (names it in job->text: CKPT_E_UNSUPPORTED), connect to the restorer,
 * authenticate both ways, send HEADER. The program runs. */
int ckpt_open(struct ckpt_job *job);

/* Instead, when somebody else captures the process once it is stopped: ckpt_freeze, ckpt_thaw and
 * ckpt_close may follow, nothing else. */
int ckpt_open_to_stop(struct ckpt_job *job);

/* One pass over memory while the program runs: everything the first time, then what was dirtied. */
int ckpt_copy_round(struct ckpt_job *job);

/* Stop the program: every thread but the caller is parked when this returns 0, also those made
 * meanwhile. Threads for which client->may_park says no are signalled again every millisecond until
 * they call ckpt_park themselves. One that does not park for some milliseconds may need what a
 * parked one holds: all go on for a moment, and are stopped again. On failure everything runs again. */
int ckpt_freeze(struct ckpt_job *job, uint32_t timeout_ms);

/* Frozen: send what is still to be sent, and END. */
int ckpt_send_image(struct ckpt_job *job);

/* 0: the restorer holds a complete, verified process. CKPT_PENDING: no answer within timeout_ms. */
int ckpt_wait_arrived(struct ckpt_job *job, uint32_t timeout_ms);

/* The program goes on here. Does nothing unless frozen. */
void ckpt_thaw(struct ckpt_job *job);

/* Give back everything the job holds. */
void ckpt_close(struct ckpt_job *job);

/* The move is committed: this copy ends, with no exit handler, no flush, no farewell. */
void ckpt_vanish(struct ckpt_job *job) __attribute__((noreturn));

#endif
