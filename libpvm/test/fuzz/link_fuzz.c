/*
 * link_fuzz.c: what comes on the connection to the daemon. The daemon is no stranger, but a frame that
 * was cut or spoilt must not end a task either: whatever a frame says, parsing it reads nothing
 * outside of it, and what it brings is received or dropped.
 *
 * The input is one frame's payload; first it is taken as it is, then its body as that of each kind.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/api/api.h"
#include "../../src/link/link.h"
#include "../../src/message/message.h"

#define WITH(name, fields) { mpvm_task_ToTask_##name##_tag, fields }

/* Those without lists are decoded as they are; lists go through the callbacks of frame.c. */
static const struct kind {
	uint32_t tag;
	const pb_msgdesc_t *fields;
} kinds[] = {
	WITH(enrolled, mpvm_task_Enrolled_fields), WITH(route, mpvm_task_Route_fields), WITH(tids, mpvm_task_Tids_fields),
	WITH(task_list, mpvm_task_TaskList_fields), WITH(host_list, mpvm_task_HostList_fields),
	WITH(host_time, mpvm_task_HostTimeReply_fields), WITH(group, mpvm_task_GroupReply_fields),
	WITH(mailbox_entry, mpvm_task_MailboxEntry_fields), WITH(mailbox_classes, mpvm_task_MailboxClasses_fields),
	WITH(registered, mpvm_task_Registered_fields), WITH(deliver, mpvm_task_Deliver_fields),
	WITH(migration_start, mpvm_task_MigrationStart_fields), WITH(freeze_grant, mpvm_task_FreezeGrant_fields),
	WITH(migration_abort, mpvm_task_MigrationAbort_fields), WITH(migration_committed, mpvm_task_MigrationCommitted_fields),
};

static union {
	mpvm_task_Enrolled enrolled;
	mpvm_task_Route route;
	mpvm_task_Deliver deliver;
	mpvm_task_MigrationStart start;
	mpvm_task_Registered registered;
	uint8_t room[65536];
} decoded;

static void drop_arrived(void)
{
	struct pvmi_message *message;
	int error;

	while ((message = pvmi_queue_take(-1, -1, 0, &error)))
		pvmi_message_unref(message);
}

static void as_it_is(const struct pvmi_frame *frame)
{
	switch (frame->tag) {
	case mpvm_task_ToTask_deliver_tag:
		pvmi_link_event(frame);
		break;
	case mpvm_task_ToTask_route_tag:
		pvmi_link_route_answer(frame);
		break;
	default: break;         /* a migration is not begun here: its frames are decoded below */
	}
	drop_arrived();
}

static void as_each_kind(const struct pvmi_frame *frame)
{
	struct pvmi_tid_list list = { NULL, 0, 0 };
	mpvm_task_Tids tids = mpvm_task_Tids_init_zero;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(&decoded, 0, sizeof(decoded));
		pvmi_frame_decode(frame, kinds[i].fields, &decoded);
	}
	tids.tids = (pb_callback_t){ .funcs.decode = pvmi_read_signed, .arg = &list };
	pvmi_frame_decode(frame, mpvm_task_Tids_fields, &tids);
	free(list.tids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory of exactly its size, so that a step too far is seen. */
	uint8_t *payload = malloc(size + !size);
	struct pvmi_frame frame;

	memcpy(payload, data, size);
	pvmi_enter();
	if (pvmi_frame_parse(payload, size, &frame)) {
		if (frame.body)
			as_it_is(&frame);
		as_each_kind(&(struct pvmi_frame){ .body = frame.body ? frame.body : payload, .length = frame.body ? frame.length : 0 });
	}
	as_each_kind(&(struct pvmi_frame){ .body = payload, .length = size });
	drop_arrived();
	pvmi_leave();
	free(payload);
	return 0;
}
