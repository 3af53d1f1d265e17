/*
 * letgo.c: a move by an engine that captures from outside (criu).
 *
 * The agent stops the program, lets go of all that ties this process to its node (sockets, shared
 * memory, what peers have lent), and keeps the connection to the daemon alone. In that state the
 * process is captured, together with this thread, which waits in await_outcome(). There it learns,
 * by the connection, what it is: the task, which goes on here (abort) or ends (committed); or, when
 * the first word is Awaken, a copy of it at another node.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "../../../native/checkpoint/image/fault.h"
#include "../../../native/checkpoint/include/ckpt_job.h"
#include "../group/groups.h"
#include "../message/swap.h"
#include "../plane/shm/lender.h"
#include "agent.h"

static uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static bool fails(struct ckpt_job *job, enum ckpt_fault point)
{
	static const char text[] = "injected fault";

	if (!ckpt_fault(job, point))
		return false;
	memcpy(job->text, text, sizeof(text));
	return true;
}

/* ------------------------------------------------------------------ told by whoever reads the link */

void pvmi_agent_awaken(const struct pvmi_awaken *awaken)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent || !agent->frozen || strcmp(agent->start.id, awaken->id))
		return;
	agent->awaken = *awaken;
	agent->is_copy = true;
}

void pvmi_agent_go(const uint8_t *place, size_t length, uint32_t epoch)
{
	struct pvmi_agent *agent = pvmi->agent;

	if (!agent || !agent->is_copy || length > sizeof(agent->place))
		return;
	memcpy(agent->place, place, length);
	agent->place_length = length;
	agent->new_epoch = epoch;
}

void pvmi_agent_unwanted(void)
{
	if (pvmi->agent && pvmi->agent->is_copy)
		ckpt_vanish(&ckpt_the_job);
}

/* ------------------------------------------------------------------ letting go */

static void unmap(struct pvmi_area *area)
{
	if (area != pvmi->agent->stack_area)
		sys_munmap((void *)area->start, area->end - area->start);
}

static void close_all(struct pvmi_agent *agent)
{
	int fd;

	agent->kick.fd = -1;
	for (fd = 0; fd < PVMI_MAX_FD; fd++)
		if (pvmi_owns_fd(fd) && fd != pvmi_link_descriptor())
			sys_close(fd);
}

static uint64_t inode_of(int fd)
{
	struct stat file;

	return sys_fstat(fd, &file) < 0 ? 0 : file.st_ino;
}

/* Frozen and quiet: nothing of the library is half done, its rings are empty, its frames are sent. */
int pvmi_agent_let_go(struct pvmi_agent *agent, struct ckpt_job *job)
{
	if (fails(job, CKPT_FAULT_CRIU_AGENT_FROZEN))
		return CKPT_E_SYSTEM;
	if (!pvmi_lenders_keep_what_is_used()) {
		memcpy(job->text, "no memory for what peers have lent", 35);
		return CKPT_E_SYSTEM;
	}
	pvmi_areas_each(PVMI_AREA_SCRATCH, unmap);
	close_all(agent);
	pvmi_groups_moved();
	pvmi_plane_forget();
	pvmi_own_fd(pvmi_link_descriptor());
	agent->let_go = true;
	if (fails(job, CKPT_FAULT_CRIU_AGENT_LET_GO))
		return CKPT_E_SYSTEM;
	pvmi_link_let_go(agent->start.id, job->frozen_at_us, inode_of(pvmi_link_descriptor()));
	while (!pvmi_link_flush())
		pvmi_agent_wait_for_link(POLLOUT);
	return 0;
}

/* ------------------------------------------------------------------ what becomes of it */

static void say_arrived(void)
{
	struct timespec now;

	pvmi_syscall3(SYS_clock_gettime, CLOCK_REALTIME, (long)&now, 0);
	pvmi_link_restorer_arrived((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

/* Returns when the task goes on in this process; does not return when it does elsewhere. */
void pvmi_agent_await_outcome(struct pvmi_agent *agent, struct ckpt_job *job)
{
	bool said = false;

	while (!agent->place_length) {
		pvmi_agent_wait_for_link(POLLIN);
		if (agent->is_copy && !said) {
			said = true;
			ckpt_fault(job, CKPT_FAULT_CRIU_AGENT_AWAKE);
			pvmi_link_is_copy(agent->awaken.socket, agent->awaken.cookie);
			say_arrived();
		}
		if (!agent->is_copy && get(&agent->committed))
			ckpt_vanish(job);
		if (!agent->is_copy && get(&agent->aborted))
			return;
	}
}

/* From here on the task is this process. It is alone with its children in a PID namespace, whose init
 * hears of it; they were left stopped, so that nothing of it ran before the directory had said where it
 * lives. */
static void become_the_task(struct pvmi_agent *agent, struct ckpt_job *job)
{
	struct timespec now;

	ckpt_fault(job, CKPT_FAULT_CRIU_AGENT_GO);
	sys_unlink(agent->awaken.seal);
	pvmi_syscall3(SYS_kill, 1, SIGUSR1, 0);
	pvmi_syscall3(SYS_kill, -1, SIGCONT, 0);
	pvmi_guard_start();
	pvmi_swaps_choose();
	pvmi_link_renew(pvmi_link_descriptor(), agent->place, agent->place_length);
	pvmi_publish_place();
	pvmi->epoch = agent->new_epoch;
	pvmi_syscall3(SYS_clock_gettime, CLOCK_REALTIME, (long)&now, 0);
	pvmi_link_resumed(agent->start.id, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void pvmi_agent_take_up(struct pvmi_agent *agent, struct ckpt_job *job)
{
	if (!agent->let_go)
		return;
	if (agent->is_copy)
		become_the_task(agent, job);
	agent->let_go = agent->is_copy = false;
	agent->place_length = 0;
	pvmi_wait_start();
	pvmi_plane_after_move();
	pvmi_agent_make_kick(agent);
}
