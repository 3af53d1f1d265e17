/*
 * barrier.c: pvm_barrier.
 *
 * On a page that counts, the call is one compare-and-swap, and the last one to come wakes all
 * others with one system call. Who waits sleeps in a futex, not in the library's epoll: for its
 * messages that is as if the program computed, the agent takes them in. Where there is no such page
 * (members on several nodes, a group that changes) the registry counts.
 */
#include <limits.h>

#pragma GCC visibility push(default)
#include <pvm3.h>
#pragma GCC visibility pop

#include "../../../native/checkpoint/include/ckpt.h"
#include "../plane/plane.h"
#include "groups.h"

#define TICK_NS 200000          /* between two looks at connections that are being made */
#define WINDOW_US 40
#define LOOK_US 1
#define MOST_YIELDS 4
#define LONG_YIELD_US 200       /* that was no task on its way to this barrier */
#define BEST 8                  /* score */
#define RETRY_EVERY 64          /* barriers, while it does not pay */

static void learn(struct pvmi_group *group, bool paid)
{
	group->score += paid ? 1 : -2;
	if (group->score > BEST)
		group->score = BEST;
	if (group->score > 0)
		return;
	group->score = 0;
	group->rest = RETRY_EVERY;
}

static bool is_awake_worth_it(struct pvmi_group *group)
{
	if (!group->score && !--group->rest)
		group->score = 1;
	return group->score > 0;
}

/* Ends early with EINTR when a signal comes (a wait without a limit would be restarted): then a freeze
 * may have been asked for. */
static void sleep_on(uint32_t *word, uint32_t value, bool shortly)
{
	static const struct timespec longest = { 3600, 0 }, tick = { 0, TICK_NS };

	pvmi_syscall6(SYS_futex, (long)word, FUTEX_WAIT, value, (long)(shortly ? &tick : &longest), 0, 0);
}

static void wake_all(uint32_t *word)
{
	pvmi_syscall6(SYS_futex, (long)word, FUTEX_WAKE, INT_MAX, 0, 0, 0);
}

/*
 * A sleep and its wake-up cost 4 us of processor time and more; giving the processor to the others who
 * have still to come costs 1 to 2. So look on for a while, as long as that has lately paid: it does
 * when the others run on another processor, or wait for this one and get it when it is yielded. It
 * does not when somebody else gets it (a long yield), or nobody (tasks of another session, under
 * the scheduler's autogroups).
 */
static enum pvmi_page_answer stay_awake(struct pvmi_group *group, uint32_t generation)
{
	uint64_t us = pvmi->plane ? pvmi->plane->ticks_per_us : 2500;
	uint64_t start = pvmi_ticks(), now = start, next = start + LOOK_US * us, before;
	enum pvmi_page_answer answer;
	int yields = 0;

	for (;;) {
		answer = pvmi_page_look(group->page, generation);
		if (answer != PVMI_PAGE_WAIT)
			break;
		if (ckpt_freezing())
			return answer;
		if (now - start > WINDOW_US * us || yields > MOST_YIELDS)
			break;
		if (now >= next) {
			before = now;
			sys_sched_yield();
			now = pvmi_ticks();
			if (now - before > us) {        /* somebody else ran: that is not our time */
				start += now - before;
				yields += now - before > LONG_YIELD_US * us ? MOST_YIELDS : 1;
			}
			next = now + us / 2;
			continue;
		}
		pvmi_pause();
		now = pvmi_ticks();
	}
	learn(group, answer != PVMI_PAGE_WAIT);
	return answer;
}

/* Until the barrier is let go, or the page is of no use any more (withdrawn; left behind by a move).
 * Handlers of the program, a freeze and a move may come between two looks. */
static enum pvmi_page_answer wait(const char *name, uint64_t id, uint32_t generation)
{
	enum pvmi_page_answer answer;
	struct pvmi_group *group;
	bool busy;

	for (;;) {
		busy = pvmi_group_look_after();
		if (ckpt_freezing())
			ckpt_park();
		group = pvmi_group_named(name);
		if (!group || !group->page || group->id != id)
			return PVMI_PAGE_GONE;
		answer = pvmi_page_look(group->page, generation);
		if (answer != PVMI_PAGE_WAIT)
			return answer;
		pvmi_guard_pause();
		sleep_on(pvmi_page_futex(group->page), generation, busy);
		pvmi_guard_resume();
	}
}

/* *page: where the call has been counted, if it was and then lost the page. */
static enum pvmi_page_answer pass_on_page(struct pvmi_group *group, const char *name, int count, uint64_t *page)
{
	uint32_t generation, needed = count == -1 ? group->present : (uint32_t)count;
	enum pvmi_page_answer answer;
	uint64_t id = group->id;

	answer = pvmi_page_enter(group->page, group->own, needed, &generation);
	if (answer == PVMI_PAGE_LET_GO && needed > 1)
		wake_all(pvmi_page_futex(group->page));
	if (answer != PVMI_PAGE_WAIT)
		return answer;
	if (is_awake_worth_it(group))
		answer = stay_awake(group, generation);
	if (answer == PVMI_PAGE_WAIT)
		answer = wait(name, id, generation);
	if (answer == PVMI_PAGE_GONE)
		*page = id;
	return answer;
}

static struct pvmi_group *page_for(const char *name, int count)
{
	struct pvmi_group *group = count <= (int)PVMI_PAGE_MOST ? pvmi_group_find(name) : NULL;

	return group && group->page->counts && group->own < group->members ? group : NULL;
}

static int pass(const char *name, int count)
{
	struct pvmi_group_question question = { .verb = PVMI_GROUP_BARRIER, .name = name, .number = count };
	struct pvmi_group_answer answer;
	struct pvmi_group *group;
	int error;

	for (;;) {
		/* Counted once, on a page or by the registry: from then on only the registry can tell. */
		group = question.page ? NULL : page_for(name, count);
		if (group) {
			switch (pass_on_page(group, name, count, &question.page)) {
			case PVMI_PAGE_LET_GO:
				return PvmOk;
			case PVMI_PAGE_MISMATCH:
				return PvmMismatch;
			default:
				break;
			}
		}
		error = pvmi_group_ask(&question, &answer);
		if (error || !answer.enter)
			return error;
		if (!page_for(name, count))
			question.unusable = answer.page;
	}
}

int pvmi_group_barrier(const char *name, int count)
{
	int result = pass(name, count);

	pvmi_group_look_after();
	return result;
}
