/*
 * agent.h: the library's own thread, which does its work while the program computes, and moves the
 * task. A raw clone: libc does not know of it. Raw system calls only, all signals blocked.
 *
 * What it does at a time is its duty:
 */
#ifndef PVMI_AGENT_H
#define PVMI_AGENT_H

#include "../plane/plane.h"

enum pvmi_duty {
	/* The program calls the library often and looks after everything itself. A tick of 10 ms shows
	 * when that ends: no calls since the last one leads to ON, the program asleep in the library to DEEP. */
	PVMI_DUTY_OFF,
	/* The program computes. The agent sleeps in its epoll and takes in what comes, up to a bound;
	 * senders ring the doorbell. The program's next look at its messages leads to OFF. */
	PVMI_DUTY_ON,
	/* The program sleeps in the library. The agent sleeps without limit; the program wakes it when
	 * it goes on. */
	PVMI_DUTY_DEEP,
	/* A move has been asked for: the agent copies, freezes, sends, and waits for the verdict. */
	PVMI_DUTY_MOVING,
	/* The task leaves the VM. */
	PVMI_DUTY_ENDED,
	PVMI_DUTIES
};

struct pvmi_agent {
	uint32_t duty;                  /* written by the agent */
	uint32_t bell;                  /* futex: changes when somebody wants the agent */
	uint32_t program_sleeps;        /* written by the program: it waits in the library */
	uint32_t sleeps;                /* written by the program: how often it did */
	uint32_t kicked;                /* the kick descriptor has been written to */
	uint32_t stop;
	uint32_t calls;                 /* of the guard, at the last tick */
	int32_t thread;                 /* its thread id; 0 when it has ended */
	struct pvmi_watch kick;         /* wakes it in its epoll */
	uint8_t *stack;
	struct pvmi_area *stack_area;

	/* A move. The flags are set by whoever reads the daemon's frames. */
	uint32_t start_asked, granted, aborted, committed;
	struct pvmi_migration_start start;
	bool frozen;                    /* nobody but the agent runs */
	bool owns;                      /* it holds the guard over calls of the engine */
	bool let_go;                    /* of everything but the link (letgo.c) */
	bool is_copy;                   /* at another node; awaken is valid */
	struct pvmi_awaken awaken;
	uint8_t place[1024];            /* told to go on there: mpvm.task.Enrolled, encoded */
	size_t place_length;
	uint32_t new_epoch;
};

int pvmi_agent_start(void);
void pvmi_agent_stop(void);
void pvmi_agent_forked(void);

/* The program looks at its messages: the doorbell need not ring now, and the agent can rest. */
void pvmi_agent_relieve(void);
void pvmi_agent_program_sleeps(void);
void pvmi_agent_program_awake(void);

/* move.c: all of a move, from the start to its end here. Returns when the task runs on here. */
void pvmi_agent_move(struct pvmi_agent *agent);
void pvmi_agent_prepare(void);          /* once: tell the engine who we are */
void pvmi_agent_wake(struct pvmi_agent *agent);
int pvmi_agent_make_kick(struct pvmi_agent *agent);
void pvmi_agent_wait_for_link(short events);    /* frozen: a turn of the link */

/* letgo.c: when somebody else captures. */
struct ckpt_job;
int pvmi_agent_let_go(struct pvmi_agent *agent, struct ckpt_job *job);
void pvmi_agent_await_outcome(struct pvmi_agent *agent, struct ckpt_job *job);
void pvmi_agent_take_up(struct pvmi_agent *agent, struct ckpt_job *job);        /* does nothing unless it has let go */

#endif
