/*
 * events.c: what the daemon sends unasked: messages it has made, and the frames of a migration.
 * The agent may be here.
 */
#include <pvm3.h>
#include <string.h>

#include "../message/message.h"
#include "link.h"

struct body {
	struct pvmi_block *block;
	size_t length;
};

static bool read_body(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct body *body = *argument;
	size_t length = stream->bytes_left;

	(void)field;
	if (body->block)                /* twice in one message: not from our daemon */
		return false;
	if (!length)
		return true;
	body->block = pvmi_block_private(length);
	body->length = length;
	return body->block && pb_read(stream, body->block->bytes, length);
}

static void deliver(const struct pvmi_frame *frame)
{
	struct body body = { NULL, 0 };
	mpvm_task_Deliver deliver = mpvm_task_Deliver_init_zero;
	struct pvmi_message *message;

	deliver.body.funcs.decode = read_body;
	deliver.body.arg = &body;
	message = pvmi_frame_decode(frame, mpvm_task_Deliver_fields, &deliver) ? pvmi_message_new() : NULL;
	if (!message || (body.block && pvmi_message_append(message, body.block, body.block->bytes, body.length))) {
		if (body.block)
			pvmi_block_unref(body.block);
		pvmi_message_unref(message);
		return;
	}
	message->source = deliver.source;
	message->destination = pvmi->tid;
	message->tag = deliver.tag;
	message->context = deliver.context;
	message->encoding = deliver.encoding;
	message->about = deliver.about;
	message->wait_id = deliver.wait_id;
	message->crc = deliver.crc;
	message->willed.incarnation = deliver.incarnation;
	message->willed.number = deliver.number;
	if (message->about)
		pvmi_plane_notice(message);
	else
		pvmi_message_arrived(message);
}

void pvmi_link_route_answer(const struct pvmi_frame *frame)
{
	mpvm_task_Route route = mpvm_task_Route_init_zero;
	struct pvmi_route_answer answer = { 0 };
	struct pvmi_resolving **place, *resolving;

	if (!pvmi_frame_decode(frame, mpvm_task_Route_fields, &route))
		return;
	for (place = &pvmi->link->resolving; (resolving = *place); place = &resolving->next) {
		if (resolving->request != frame->request || route.state == mpvm_task_Route_State_LATER)
			continue;
		*place = resolving->next;
		pvmi_free(resolving);
		break;
	}
	answer.tid = route.tid;
	answer.epoch = route.epoch;
	answer.state = route.state == mpvm_task_Route_State_HERE ? PVMI_ROUTE_HERE
		: route.state == mpvm_task_Route_State_ELSEWHERE ? PVMI_ROUTE_ELSEWHERE
		: route.state == mpvm_task_Route_State_LATER ? PVMI_ROUTE_LATER : PVMI_ROUTE_DEAD;
	memcpy(answer.local_path, route.local_path, sizeof(answer.local_path));
	memcpy(answer.address, route.address, sizeof(answer.address));
	answer.port = (uint16_t)route.port;
	pvmi_plane_route_known(&answer);
}

static void migration_start(const struct pvmi_frame *frame)
{
	mpvm_task_MigrationStart body = mpvm_task_MigrationStart_init_zero;
	struct pvmi_migration_start start = { 0 };

	if (!pvmi_frame_decode(frame, mpvm_task_MigrationStart_fields, &body))
		return;
	memcpy(start.id, body.id, sizeof(start.id));
	if (!body.let_go && body.secret.size != sizeof(start.secret)) {
		pvmi_link_migration_failed(start.id, "BAD_REQUEST", "the secret of the stream is not 16 bytes");
		return;
	}
	memcpy(start.address, body.address, sizeof(start.address));
	memcpy(start.secret, body.secret.bytes, sizeof(start.secret));
	start.port = (uint16_t)body.port;
	start.max_downtime_ms = body.max_downtime_ms;
	start.max_rounds = body.max_rounds;
	start.tracking = (uint32_t)body.tracking;
	start.on_no_convergence = (uint32_t)body.on_no_convergence;
	start.bytes_per_second = body.bytes_per_second;
	start.let_go = body.let_go;
	if (body.has_fault) {
		memcpy(start.fault_point, body.fault.point, sizeof(start.fault_point));
		start.fault_action = (uint32_t)body.fault.action;
	}
	pvmi_agent_migration_start(&start);
}

static void freeze_grant(const struct pvmi_frame *frame)
{
	mpvm_task_FreezeGrant body = mpvm_task_FreezeGrant_init_zero;

	if (!pvmi_frame_decode(frame, mpvm_task_FreezeGrant_fields, &body))
		return;
	memcpy(pvmi->link->frozen_for, body.id, sizeof(pvmi->link->frozen_for));
	pvmi_agent_freeze_granted(body.id);
}

static void migration_pace(const struct pvmi_frame *frame)
{
	mpvm_task_MigrationPace body = mpvm_task_MigrationPace_init_zero;

	if (pvmi_frame_decode(frame, mpvm_task_MigrationPace_fields, &body))
		pvmi_agent_pace(body.id, body.bytes_per_second);
}

static void migration_abort(const struct pvmi_frame *frame)
{
	mpvm_task_MigrationAbort body = mpvm_task_MigrationAbort_init_zero;

	if (!pvmi_frame_decode(frame, mpvm_task_MigrationAbort_fields, &body))
		return;
	pvmi->link->frozen_for[0] = 0;
	pvmi_agent_migration_abort(body.id, body.reason);
}

static void migration_committed(const struct pvmi_frame *frame)
{
	mpvm_task_MigrationCommitted body = mpvm_task_MigrationCommitted_init_zero;

	if (pvmi_frame_decode(frame, mpvm_task_MigrationCommitted_fields, &body))
		pvmi_agent_migration_committed(body.id);
}

#define COPY(to, from) memcpy((to), (from), sizeof(to) < sizeof(from) ? sizeof(to) : sizeof(from))

static void awaken(const struct pvmi_frame *frame)
{
	mpvm_task_Awaken body = mpvm_task_Awaken_init_zero;
	struct pvmi_awaken awaken = { 0 };

	if (!pvmi_frame_decode(frame, mpvm_task_Awaken_fields, &body))
		return;
	COPY(awaken.id, body.id);
	COPY(awaken.socket, body.socket);
	COPY(awaken.cookie, body.cookie);
	COPY(awaken.seal, body.seal);
	pvmi_agent_awaken(&awaken);
}

/* What is in RestorerGo.place is kept as it is: it is adopted like the answer to Enroll. */
static bool keep_place(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct pvmi_bytes *place = *argument;

	(void)field;
	place->length = stream->bytes_left;
	return place->length <= 1024 && pb_read(stream, (uint8_t *)(uintptr_t)place->bytes, place->length);
}

static void restorer_go(const struct pvmi_frame *frame)
{
	uint8_t encoded[1024];
	struct pvmi_bytes place = { encoded, 0 };
	pb_istream_t stream = pb_istream_from_buffer(frame->body, frame->length);
	uint32_t number, epoch = 0;
	pb_wire_type_t type;
	bool end;

	while (stream.bytes_left && pb_decode_tag(&stream, &type, &number, &end)) {
		pb_istream_t inner;
		void *to = &place;
		bool good;

		if (number == mpvm_task_RestorerGo_epoch_tag && type == PB_WT_VARINT) {
			good = pb_decode_varint32(&stream, &epoch);
		} else if (number == mpvm_task_RestorerGo_place_tag && type == PB_WT_STRING) {
			good = pb_make_string_substream(&stream, &inner) && keep_place(&inner, NULL, &to) &&
			       pb_close_string_substream(&stream, &inner);
		} else {
			good = pb_skip_field(&stream, type);
		}
		if (!good)
			return;
	}
	pvmi_agent_go(encoded, place.length, epoch);
}

void pvmi_link_event(const struct pvmi_frame *frame)
{
	switch (frame->tag) {
	case mpvm_task_ToTask_deliver_tag: deliver(frame); break;
	case mpvm_task_ToTask_traffic_ask_tag: pvmi_plane_tell_traffic(); break;
	case mpvm_task_ToTask_migration_start_tag: migration_start(frame); break;
	case mpvm_task_ToTask_freeze_grant_tag: freeze_grant(frame); break;
	case mpvm_task_ToTask_migration_pace_tag: migration_pace(frame); break;
	case mpvm_task_ToTask_migration_abort_tag: migration_abort(frame); break;
	case mpvm_task_ToTask_migration_committed_tag: migration_committed(frame); break;
	case mpvm_task_ToTask_awaken_tag: awaken(frame); break;
	case mpvm_task_ToTask_restorer_go_tag: restorer_go(frame); break;
	case mpvm_task_ToTask_restorer_abort_tag: pvmi_agent_unwanted(); break;
	default: break;                 /* of a later version */
	}
}
