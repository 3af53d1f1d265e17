/* inbox.c: the receiver's side of its inbox. */
#include <string.h>

#include "../inlet.h"
#include "inbox.h"

static void doorbell_ready(struct pvmi_watch *watch, uint32_t events)
{
	/* Edge-triggered and never read: the news is in the inbox. */
	(void)watch;
	(void)events;
}

static int make_memory(struct pvmi_plane *plane)
{
	long fd = sys_memfd_create("mpvm-inbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;

	if (fd < 0)
		return (int)fd;
	if (sys_ftruncate((int)fd, PVMI_INBOX_SIZE) < 0 ||
	    sys_fcntl((int)fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		sys_close((int)fd);
		return -EINVAL;
	}
	at = sys_mmap(NULL, PVMI_INBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (sys_mmap_failed(at)) {
		sys_close((int)fd);
		return -ENOMEM;
	}
	plane->inbox = at;
	plane->inbox->magic = PVMI_INBOX_MAGIC;
	plane->inbox_fd = (int)fd;
	plane->inbox_area = pvmi_area_add(PVMI_AREA_SCRATCH, at, PVMI_INBOX_SIZE, NULL);
	pvmi_own_fd((int)fd);
	return 0;
}

int pvmi_inbox_make(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	int result = make_memory(plane);
	long bell;

	if (result < 0)
		return result;
	bell = sys_eventfd(0, O_CLOEXEC | O_NONBLOCK);
	plane->doorbell.ready = doorbell_ready;
	if (bell >= 0)
		bell = pvmi_watch_add(&plane->doorbell, (int)bell, EPOLLIN | EPOLLET);
	if (bell >= 0 && !plane->local_inlets)
		plane->local_inlets = pvmi_alloc(PVMI_LOCAL_SENDERS * sizeof(plane->local_inlets[0]));
	if (bell < 0 || !plane->local_inlets) {
		pvmi_inbox_drop(true);
		return -ENOMEM;
	}
	return 0;
}

void pvmi_inbox_drop(bool here)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (!plane->inbox)
		return;
	if (here) {
		pvmi_watch_close(&plane->doorbell);
		pvmi_disown_fd(plane->inbox_fd);
		sys_close(plane->inbox_fd);
		sys_munmap(plane->inbox, PVMI_INBOX_SIZE);
	}
	pvmi_area_remove(plane->inbox_area);
	plane->doorbell.fd = -1;
	plane->inbox_fd = -1;
	plane->inbox = NULL;
	plane->inbox_area = NULL;
}

void pvmi_inbox_set_asleep(bool asleep)
{
	struct pvmi_inbox *inbox = pvmi->plane->inbox;

	if (!inbox)
		return;
	__atomic_store_n(&inbox->asleep, asleep, __ATOMIC_RELAXED);
	if (asleep)
		pvmi_hot_doze();
}

int pvmi_inbox_place(struct pvmi_inlet *inlet)
{
	struct pvmi_plane *plane = pvmi->plane;
	uint32_t i, place;

	for (i = 0; plane->inbox && i < PVMI_LOCAL_SENDERS; i++) {
		place = (plane->local_hint + i) % PVMI_LOCAL_SENDERS;
		if (!plane->local_inlets[place]) {
			plane->local_inlets[place] = inlet;
			plane->local_hint = i ? place : (place + 1) % PVMI_LOCAL_SENDERS;
			return (int)place;
		}
	}
	return -1;
}

void pvmi_inbox_free_place(uint32_t place)
{
	pvmi->plane->local_inlets[place] = NULL;
	if (place < pvmi->plane->local_hint)
		pvmi->plane->local_hint = place;
}

static void drain(uint32_t place)
{
	struct pvmi_inlet *inlet = pvmi->plane->local_inlets[place];
	int reason;

	if (!inlet)
		return;         /* a bit that nobody has been given: a broken peer, or a closed inlet */
	/* A hot ring has just been looked at, and is each time that anybody looks for news: what is left there stays. */
	reason = pvmi_hot_has(inlet) ? 0 : inlet->route->drain(inlet);
	if (reason)
		pvmi_inlet_close(inlet, (enum pvmi_close_reason)reason);
	else
		pvmi_inlet_shm_watch(inlet);
}

bool pvmi_inbox_take(void)
{
	struct pvmi_inbox *inbox = pvmi->plane->inbox;
	uint64_t summary, bits;
	unsigned int word;
	bool taken;

	if (!inbox)
		return false;
	taken = pvmi_hot_take();
	pvmi->plane->posted = NULL;     /* a ring whose bit is cleared is emptied: nobody looks at it again */
	if (!pvmi_inbox_has_bits(inbox))
		return taken;
	/* A bit of the summary is cleared before its word is read: a sender that sets a bit in the
	 * word afterwards sets the summary's again. */
	summary = __atomic_exchange_n(&inbox->summary, 0, __ATOMIC_SEQ_CST);
	for (; summary; summary &= summary - 1) {
		word = (unsigned int)__builtin_ctzl(summary);
		bits = __atomic_exchange_n(&inbox->words[word], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1)
			drain(word * 64 + (unsigned int)__builtin_ctzl(bits));
	}
	return true;
}
