/*
 * Points where a test can make the agent or the restorer fail: one between any two steps
 * (docs/protocols/migration.md has them too). X(identifier): its text is its name.
 */
#ifndef CKPT_FAULT_H
#define CKPT_FAULT_H

#include <stdbool.h>

#define CKPT_FAULT_POINTS(X) \
	X(AGENT_START)                          /* asked to move, nothing done */ \
	X(AGENT_CONNECTED)                      /* connected, not authenticated */ \
	X(AGENT_OPEN)                           /* HEADER sent, nothing copied */ \
	X(AGENT_ROUND)                          /* in the middle of a round, the program runs */ \
	X(AGENT_ROUND_END)                      /* a round is complete, the program runs */ \
	X(AGENT_FREEZE)                         /* about to stop the program */ \
	X(AGENT_FROZEN)                         /* the program is stopped */ \
	X(AGENT_MEMORY)                         /* in the middle of the last pages */ \
	X(AGENT_STATE)                          /* all pages sent, not the rest */ \
	X(AGENT_END)                            /* all but END sent */ \
	X(AGENT_SENT)                           /* END sent, no answer read */ \
	X(AGENT_ARRIVED)                        /* the restorer has said ARRIVED */ \
	X(AGENT_THAW)                           /* about to let the program go on here */ \
	X(AGENT_VANISH)                         /* about to end this copy */ \
	X(CRIU_AGENT_FROZEN)                    /* stopped for criu, nothing let go */ \
	X(CRIU_AGENT_LET_GO)                    /* all is let go, the daemon does not know */ \
	X(CRIU_AGENT_AWAKE)                     /* a copy at its new node, which does not know */ \
	X(CRIU_AGENT_GO)                        /* told to go on, nothing done for it */ \
	X(RESTORER_LISTEN)                      /* told what to do, has let nobody in */ \
	X(RESTORER_ACCEPTED)                    /* the agent has connected */ \
	X(RESTORER_OPEN)                        /* authenticated */ \
	X(RESTORER_ROUND)                       /* a round has begun */ \
	X(RESTORER_MEMORY)                      /* in the middle of the last pages */ \
	X(RESTORER_END)                         /* all received, not verified */ \
	X(RESTORER_BUILT)                       /* rebuilt, nobody knows */ \
	X(RESTORER_TOLD_AGENT)                  /* the agent knows, the daemon does not */ \
	X(RESTORER_ARRIVED)                     /* both know */ \
	X(RESTORER_GO)                          /* told to go on, nothing done for it */ \
	X(RESTORER_JUMP)               /* the last moment as a restorer */

enum ckpt_fault {
#define X(identifier) CKPT_FAULT_##identifier,
	CKPT_FAULT_POINTS(X)
#undef X
	CKPT_FAULT_COUNT,
};

const char *ckpt_fault_name(enum ckpt_fault point);
#endif
