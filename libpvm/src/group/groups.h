/*
 * groups.h: groups as a task sees them: questions to the registry, and the pages (page.h) that
 * answer most of them without it. docs/protocols/groups.md has the protocol.
 *
 *   page.h      the layout of a page, and what is done to its one word
 *   mapped.c    pages mapped here: finding, mapping, leaving them behind
 *   barrier.c   pvm_barrier: on the page, or at the registry
 *   request.c   everything else, and the one frame that carries it
 *   server.c    which groups there are, asked as PVM's group server is asked
 */
#ifndef PVMI_GROUPS_H
#define PVMI_GROUPS_H

#include "../pvmi.h"
#include "page.h"

enum pvmi_group_verb { PVMI_GROUP_JOIN, PVMI_GROUP_LEAVE, PVMI_GROUP_BARRIER, PVMI_GROUP_INSTANCE, PVMI_GROUP_TID,
		       PVMI_GROUP_SIZE, PVMI_GROUP_FREEZE, PVMI_GROUP_MEMBERS, PVMI_GROUP_LIST };       /* task.proto: Group.Verb */

struct pvmi_area;

/* A group that the registry has given us a page for. */
struct pvmi_group {
	struct pvmi_group *next;
	char *name;
	struct pvmi_group_page *page;   /* NULL: left behind by a move, or withdrawn */
	struct pvmi_area *area;
	uint64_t id;
	uint32_t members;               /* as checked when it was mapped: what the page says may change under us */
	uint32_t present;               /* members that are not 0 */
	uint32_t own;                   /* our instance; members: we are none */
	int score, rest;                /* does it pay to stay awake in a barrier; barriers until that is tried again */
};

/* The group as it is known here, or NULL; its page may have been withdrawn, or left behind. */
struct pvmi_group *pvmi_group_named(const char *name);
/* The group with a page that is still true, or NULL. */
struct pvmi_group *pvmi_group_find(const char *name);
/* The registry says that this is the group's page here. False: it cannot be mapped. */
bool pvmi_group_adopt(const char *name, uint64_t id);
/* pvm_exit, and in the child of a fork: no group is known any more. */
void pvmi_groups_drop(void);
/* At the new node: what was mapped has stayed behind. */
void pvmi_groups_moved(void);

struct pvmi_group_answer {
	int value;
	uint64_t page;
	bool enter;
	int *tids;                      /* malloc'd */
	int count;
};
/* The question as it goes to the registry; waits for the answer. */
struct pvmi_group_question {
	enum pvmi_group_verb verb;
	const char *name;
	int tid, number;
	uint64_t page, unusable;        /* BARRIER, see task.proto */
};
int pvmi_group_ask(const struct pvmi_group_question *question, struct pvmi_group_answer *answer);

/* A call that a page has answered looks after messages, connections and the daemon too, now and then:
 * while calls come often the agent leaves that to the program. True: something is under way that should
 * not have to wait for a long sleep. */
bool pvmi_group_look_after(void);

/* PvmOk when the barrier has been let go. */
int pvmi_group_barrier(const char *name, int count);

#endif
