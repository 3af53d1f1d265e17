/*
 * senders.c: frames that plane and agent send: where we are reached, where others are, and how a
 * migration goes.
 */
#include <pvm3.h>
#include <string.h>

#include "link.h"

#define COPY_TEXT(to, from) copy_text((to), sizeof(to), (from))

static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = 0;
}

int pvmi_link_endpoint(const char *local_path, uint16_t port)
{
	mpvm_task_Endpoint body = mpvm_task_Endpoint_init_zero;
	struct pvmi_link *link = pvmi->link;

	link->endpoint.known = true;
	link->endpoint.port = port;
	COPY_TEXT(link->endpoint.local_path, local_path);
	COPY_TEXT(body.local_path, local_path);
	body.port = port;
	return pvmi_link_send(0, mpvm_task_ToDaemon_endpoint_tag, mpvm_task_Endpoint_fields, &body);
}

/* ------------------------------------------------------------------ where is a task? */

static int send_resolve(const struct pvmi_resolving *resolving)
{
	mpvm_task_Resolve body = { .tid = resolving->tid, .epoch = resolving->epoch, .broken = resolving->broken };

	return pvmi_link_send(resolving->request, mpvm_task_ToDaemon_resolve_tag, mpvm_task_Resolve_fields, &body);
}

/* Kept until the answer comes, so that it survives a restart of the daemon. */
int pvmi_link_resolve(uint32_t tid, uint32_t epoch, bool broken)
{
	struct pvmi_link *link = pvmi->link;
	struct pvmi_resolving *resolving;

	if (pvmi_link_gone())
		return PvmSysErr;
	resolving = pvmi_alloc(sizeof(*resolving));
	if (!resolving)
		return PvmNoMem;
	resolving->request = pvmi_link_new_request();
	resolving->tid = tid;
	resolving->epoch = epoch;
	resolving->broken = broken;
	resolving->next = link->resolving;
	link->resolving = resolving;
	if (link->state == PVMI_LINK_UP)
		send_resolve(resolving);
	return PvmOk;
}

void pvmi_link_resend_resolves(void)
{
	const struct pvmi_resolving *resolving;

	for (resolving = pvmi->link->resolving; resolving; resolving = resolving->next)
		send_resolve(resolving);
}

void pvmi_link_drop_resolves(void)
{
	struct pvmi_resolving *resolving;

	while ((resolving = pvmi->link->resolving)) {
		pvmi->link->resolving = resolving->next;
		pvmi_free(resolving);
	}
}

/* ------------------------------------------------------------------ planning */

struct traffic {
	const struct pvmi_traffic *peers;
	size_t count;
};

static bool encode_traffic(pb_ostream_t *stream, const pb_field_t *field, void *const *argument)
{
	const struct traffic *traffic = *argument;
	size_t i;

	for (i = 0; i < traffic->count; i++) {
		mpvm_task_PeerTraffic peer = {
			.tid = traffic->peers[i].tid,
			.messages = traffic->peers[i].messages,
			.bytes = traffic->peers[i].bytes,
		};

		if (!pb_encode_tag_for_field(stream, field) ||
		    !pb_encode_submessage(stream, mpvm_task_PeerTraffic_fields, &peer))
			return false;
	}
	return true;
}

int pvmi_link_traffic(const struct pvmi_traffic *peers, size_t count)
{
	struct traffic traffic = { peers, count };
	mpvm_task_Traffic body = { .peers = { .funcs.encode = encode_traffic, .arg = &traffic } };

	return pvmi_link_send(0, mpvm_task_ToDaemon_traffic_tag, mpvm_task_Traffic_fields, &body);
}

/* ------------------------------------------------------------------ migration */

int pvmi_link_migration_progress(const struct pvmi_migration_report *report)
{
	mpvm_task_MigrationProgress body = {
		.phase = (mpvm_task_Phase)report->phase,
		.round = report->rounds,
		.transferred = report->transferred,
		.pages = report->pages,
		.remaining = report->remaining,
		.expected_downtime_us = report->expected_downtime_us,
		.tracking = (mpvm_task_Tracking)report->tracking,
		.dirty_bytes_per_second = report->dirty_bytes_per_second,
		.no_convergence = report->no_convergence,
		.throttle_percent = report->throttle_percent,
	};

	COPY_TEXT(body.id, report->id);
	return pvmi_link_send(0, mpvm_task_ToDaemon_migration_progress_tag, mpvm_task_MigrationProgress_fields, &body);
}

int pvmi_link_freeze_request(const char *id)
{
	mpvm_task_FreezeRequest body = mpvm_task_FreezeRequest_init_zero;

	COPY_TEXT(body.id, id);
	return pvmi_link_send(0, mpvm_task_ToDaemon_freeze_request_tag, mpvm_task_FreezeRequest_fields, &body);
}

void pvmi_link_thawed(void)
{
	pvmi->link->frozen_for[0] = 0;
}

int pvmi_link_migration_failed(const char *id, const char *code, const char *text)
{
	mpvm_task_MigrationFailed body = mpvm_task_MigrationFailed_init_zero;

	COPY_TEXT(body.id, id);
	COPY_TEXT(body.code, code);
	COPY_TEXT(body.text, text);
	return pvmi_link_send(0, mpvm_task_ToDaemon_migration_failed_tag, mpvm_task_MigrationFailed_fields, &body);
}

int pvmi_link_image_sent(const struct pvmi_migration_report *report)
{
	mpvm_task_ImageSent body = {
		.transferred = report->transferred,
		.pages = report->pages,
		.rounds = report->rounds,
		.frozen_at_us = report->frozen_at_us,
		.sent_at_us = report->sent_at_us,
		.stream_us = report->stream_us,
		.page_bytes = report->page_bytes,
		.waiting = report->waiting,
	};

	COPY_TEXT(body.id, report->id);
	return pvmi_link_send(0, mpvm_task_ToDaemon_image_sent_tag, mpvm_task_ImageSent_fields, &body);
}

int pvmi_link_let_go(const char *id, uint64_t frozen_at_us, uint64_t link_inode)
{
	mpvm_task_LetGo body = { .frozen_at_us = frozen_at_us, .link_inode = link_inode };

	COPY_TEXT(body.id, id);
	return pvmi_link_send(0, mpvm_task_ToDaemon_let_go_tag, mpvm_task_LetGo_fields, &body);
}

int pvmi_link_restorer_arrived(uint64_t arrived_at_us)
{
	mpvm_task_RestorerArrived body = { .arrived_at_us = arrived_at_us };

	return pvmi_link_send(0, mpvm_task_ToDaemon_restorer_arrived_tag, mpvm_task_RestorerArrived_fields, &body);
}

int pvmi_link_resumed(const char *id, uint64_t resumed_at_us)
{
	mpvm_task_Resumed body = { .resumed_at_us = resumed_at_us };

	COPY_TEXT(body.id, id);
	return pvmi_link_send(0, mpvm_task_ToDaemon_resumed_tag, mpvm_task_Resumed_fields, &body);
}
