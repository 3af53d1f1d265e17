/*
 * fake_node.h: what the plane's tests have instead of a daemon: a table in shared memory that says
 * where each task is reached, and the functions of link/ on top of it.
 *
 * A task is a process made by fork. Its "node" is a number; tasks of the same number find each
 * other by unix socket, others by TCP on the loopback.
 */
#ifndef FAKE_NODE_H
#define FAKE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_TASKS 16

struct fake_table {
	struct fake_entry {
		char local_path[108];
		uint16_t port;
		uint32_t epoch;
		int node;
		int state;      /* 0: not there yet, 1: reachable, 2: ended */
	} entries[FAKE_TASKS];
	uint64_t words[64];     /* for the tests */
};
extern struct fake_table *fake;

void fake_open(void);
/* Become task `number` (1 to FAKE_TASKS - 1) on that node. */
void fake_enrol(int number, int node);
void fake_leave(void);
#define FAKE_TID(number) (0x40000U + (unsigned int)(number))

/* Convenience on messages: a body of that length whose bytes follow from the seed. */
int fake_send(int to, int tag, uint64_t seed, unsigned long length);
/* The next message: its source's number; tag, seed and length out. Aborts when the bytes are wrong. */
int fake_receive(int *tag, uint64_t *seed, unsigned long *length);
/* A notice of the end of task `about`, as its daemon would send it. */
void fake_notice(int about, int tag);
/* A message without a body from the will of that task. */
void fake_will(int of, uint64_t incarnation, uint64_t number, int tag);

/* What this task told last of what it has sent, by the receiver's number. */
extern struct fake_traffic {
	uint64_t messages, bytes;
} fake_told[FAKE_TASKS];
extern bool fake_deaf;          /* what it tells gets lost */

/* Cut all connections of this process, as a failing network would. */
void fake_cut(void);

#endif
