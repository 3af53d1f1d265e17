/*
 * context.c: the one context of this process, and the frame around every public function.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../group/groups.h"
#include "../guard/guard.h"
#include "../sys/sys.h"
#include "officers.h"

static struct pvmi_messages first_messages = { .news_fd = -1 };
static struct pvmi_link first_link = { .fd = -1 };
static struct pvmi_options first_options = {
	.route = PvmAllowDirect, .auto_error = 1, .fragment_size = PVMI_FRAGMENT_SIZE, .show_tids = 1,
};
static struct pvmi_tracing first_tracing;
static struct pvmi_context first = {
	.parent = PvmNoParent,
	.messages = &first_messages,
	.link = &first_link,
	.options = &first_options,
	.tracing = &first_tracing,
};
struct pvmi_context *pvmi = &first;

/*
 * The child of a fork may go on reading the buffers it has, but nothing in them is its own to give
 * back or to fill: the heap is shared with the parent.
 */
static void keep_buffers(struct pvmi_messages *m)
{
	static const struct pvmi_queue empty;
	int i;

	for (i = 1; i < m->slot_count; i++)
		if (m->slots[i].message) {
			m->slots[i].message->references++;
			m->slots[i].message->room = 0;
		}
	m->send_mid = 0;
	m->received = m->for_handlers = empty;
	m->handlers = m->own_handlers = NULL;
	m->news_fd = -1;
}

/* The child of a fork is no task: what it has of ours is a copy it must not use. */
static void forked(void)
{
	int fd = first_link.fd;

	pvmi_guard_reset();
	pvmi_groups_drop();
	pvmi_plane_forked();
	if (fd >= 0)
		sys_close(fd);
	if (first_messages.news_fd >= 0)
		sys_close(first_messages.news_fd);
	keep_buffers(&first_messages);
	memset(&first_link, 0, sizeof(first_link));
	first_link.fd = -1;
	first.tid = 0;
	first.parent = PvmNoParent;
	first.incarnation = 0;
	first.current_context = 0;
	pvmmyctx = 0;
	pvmmytid = -1;
}

static int enrol(void)
{
	static bool fork_seen;
	int error = pvmi_enrol();

	if (error)
		return error;
	if (!fork_seen)
		fork_seen = !pthread_atfork(NULL, NULL, forked);
	pvmi_publish_enrolled();
	pvmi_options_enrolled();
	pvmi_officers_enrolled();
	return PvmOk;
}

int pvmi_begin(enum pvmi_need need)
{
	pvmi_enter();
	if (need == PVMI_ANYWHERE || pvmi->tid)
		return PvmOk;
	return enrol();
}

int pvmi_end_quietly(int result)
{
	pvmi_leave();
	if (result < 0)
		pvm_errno = result;
	return result;
}

int pvmi_end(const char *function, int result)
{
	pvmi_leave();
	return result < 0 ? pvmi_error(function, result) : result;
}

void pvmi_api_set_context(uint32_t context)
{
	pvmi->current_context = context;
	pvmmyctx = (int)context;
}

static void leave_vm(void)
{
	static const mpvm_task_Leave leave = mpvm_task_Leave_init_zero;

	pvmi_plane_stop(true);
	pvmi_link_send(0, mpvm_task_ToDaemon_leave_tag, mpvm_task_Leave_fields, &leave);
	pvmi_link_flush();
	pvmi_link_close();
	pvmmytid = -1;
}

int pvm_exit(void)
{
	struct pvmi_messages *m = pvmi->messages;

	pvmi_begin(PVMI_ANYWHERE);
	if (pvmi->tid) {
		pvmi_tev_entry(TEV_EXIT);
		pvmi_output_finish();
		pvmi_tev_flush();
		leave_vm();
		pvmi_officers_left();
		pvmi_queue_drop_all(&m->received);
		pvmi_queue_drop_all(&m->for_handlers);
		pvmi_handlers_drop_all();
		pvmi_groups_drop();
		pvmi->parent = PvmNoParent;
		pvmi_api_set_context(0);
		pvmi_options_left();
	}
	return pvmi_end("pvm_exit", PvmOk);
}

/* exit() without pvm_exit(): what was sent must still arrive. The daemon sees the process end. */
__attribute__((destructor)) static void at_exit(void)
{
	if (!pvmi->tid)
		return;
	pvmi_enter();
	pvmi_tev_flush();
	pvmi_plane_stop(true);
	pvmi_link_flush();
	pvmi->tid = 0;
	pvmi_leave();
}
