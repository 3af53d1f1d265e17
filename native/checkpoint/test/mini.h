/* A stand-in for libpvm: a client of the engine with an agent of its own, steered by the harness. */
#ifndef MINI_H
#define MINI_H
#include <stdint.h>

enum { MINI_START = 1, MINI_COMMIT = 2, MINI_ABORT = 3, MINI_SENT = 10, MINI_FAILED = 11,
       MINI_RESUMED = 12, MINI_HELLO = 13, MINI_THAWED = 14, MINI_STATS = 15 };

struct mini_message {
	uint32_t kind, port, rounds, fault_action;
	int32_t code;
	uint8_t secret[16];
	char id[32], fault_point[48], text[256];
	uint64_t bytes, pages, frozen_at_us, sent_at_us, stream_us, resumed_at_us;
	uint32_t passes, resumed_pid;
	uint32_t tracking, policy, downtime_ms, throttle;
	uint64_t pace;
};

void mini_start(void);                  /* connects to $MINI_SOCK, starts the agent */
extern __thread volatile int mini_inside;       /* this thread is "in the library": it parks itself */
void mini_leave(void);
extern volatile unsigned mini_moves;    /* arrivals so far */
#endif
