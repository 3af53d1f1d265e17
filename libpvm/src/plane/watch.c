/* watch.c: descriptors that are waited for, in two epolls: the program's and the agent's. */
#include "plane.h"

static int control(int operation, struct pvmi_watch *watch)
{
	struct epoll_event event = { .events = watch->events, .data.ptr = watch };
	long first = sys_epoll_ctl(pvmi->plane->epoll[PVMI_PROGRAM], operation, watch->fd, &event);
	long second = sys_epoll_ctl(pvmi->plane->epoll[PVMI_AGENT], operation, watch->fd, &event);

	return (int)(first < 0 ? first : second);
}

int pvmi_watch_add(struct pvmi_watch *watch, int fd, uint32_t events)
{
	int result;

	if (fd >= PVMI_MAX_FD)
		return -EMFILE;
	watch->fd = fd;
	watch->events = events;
	result = control(EPOLL_CTL_ADD, watch);
	if (result < 0)
		watch->fd = -1;
	else
		pvmi_own_fd(fd);
	return result;
}

void pvmi_watch_change(struct pvmi_watch *watch, uint32_t events)
{
	if (watch->fd < 0 || watch->events == events)
		return;
	watch->events = events;
	control(EPOLL_CTL_MOD, watch);
}

void pvmi_watch_close(struct pvmi_watch *watch)
{
	if (watch->fd < 0)
		return;
	control(EPOLL_CTL_DEL, watch);
	pvmi_disown_fd(watch->fd);
	sys_close(watch->fd);
	watch->fd = -1;
}

void pvmi_watch_dispatch(const struct epoll_event *events, long count)
{
	long i;

	for (i = 0; i < count; i++) {
		struct pvmi_watch *watch = events[i].data.ptr;

		if (watch->fd < 0)      /* closed by an event before it */
			continue;
		watch->ready(watch, events[i].events);
		if (watch != &pvmi->plane->doorbell)
			pvmi->plane->hot_ticks = pvmi->plane->events_ticks;
	}
}

long pvmi_watch_sleep(enum pvmi_waiter waiter, struct epoll_event *events, int max, const struct timespec *timeout)
{
	int epoll = pvmi->plane->epoll[waiter];

	return pvmi->plane->coarse_sleep ? sys_epoll_wait_ms(epoll, events, max, timeout) :
					   sys_epoll_wait(epoll, events, max, timeout);
}

int pvmi_watch_events(enum pvmi_waiter waiter)
{
	static const struct timespec at_once;
	struct epoll_event events[PVMI_EVENT_BATCH];
	long count;
	int total = 0;

	do {
		count = pvmi_watch_sleep(waiter, events, PVMI_EVENT_BATCH, &at_once);
		if (count < 0)
			return total ? total : (int)count;
		pvmi_watch_dispatch(events, count);
		total += (int)count;
	} while (count == PVMI_EVENT_BATCH && total < 16 * PVMI_EVENT_BATCH);
	return total;
}
