/* The image, record by record. */
#include "restorer.h"

#include <pb_encode.h>

void answer(uint32_t type, const pb_msgdesc_t *fields, const void *message)
{
	uint8_t record[1024];
	pb_ostream_t out = pb_ostream_from_buffer(record + 8, sizeof(record) - 8);
	uint32_t length;

	if (!pb_encode(&out, fields, message))
		return;
	length = out.bytes_written;
	memcpy(record, &type, 4);
	memcpy(record + 4, &length, 4);
	ckpt_send_exact(restorer.stream, record, 8 + length, NULL, NULL);
}

/* While waiting for the stream: the daemon may have changed its mind, or be gone. */
static int look_at_daemon(void *self)
{
	enum verdict verdict = link_look();

	(void)self;
	if (verdict == VERDICT_ABORT)
		give_up("MIGRATION_ABORTED", "the daemon has called it off");
	if (verdict == VERDICT_LOST)
		give_up("RESTORER_FAILED", "the daemon is gone");
	return 0;
}

static void decode(const struct ckpt_record *record, const pb_msgdesc_t *fields, void *message)
{
	if (!ckpt_decode(record, fields, message))
		give_up("IMAGE_INVALID", "a record of type %u does not decode", record->type);
}

static void take_header(const mpvm_image_Header *header)
{
	if (header->magic != CKPT_MAGIC || header->version != 1)
		give_up("IMAGE_INVALID", "magic %x, version %u", header->magic, header->version);
	if (header->architecture != CKPT_ARCHITECTURE || header->page_size != CKPT_PAGE)
		give_up("IMAGE_INVALID", "another architecture");
	if (!ckpt_equal(header->migration, restorer.id))
		give_up("IMAGE_INVALID", "it is of migration %s, not %s", header->migration, restorer.id);
	restorer.handoff = header->handoff;
}

static void take_round(const mpvm_image_Round *round)
{
	if (restorer.last_round)
		give_up("IMAGE_INVALID", "a round after the last");
	restorer.last_round = round->last;
	begin_round();
	fault(CKPT_FAULT_RESTORER_ROUND);
}

static void take_end(const mpvm_image_End *end)
{
	fault(CKPT_FAULT_RESTORER_END);
	if (end->checksum != ckpt_hash_value(&restorer.in.hash))
		give_up("IMAGE_CORRUPT", "the checksum is wrong");
	if (end->pages != restorer.pages)
		give_up("IMAGE_CORRUPT", "%lu pages came, %lu were sent", restorer.pages,
			(unsigned long)end->pages);
	if (!restorer.last_round || !restorer.main_thread || !restorer.have_process)
		give_up("IMAGE_INVALID", "it is not complete");
	restorer.bytes = end->bytes;
	restorer.frozen_at_us = end->frozen_at_us;
	restorer.complete = true;
}

static void answer_ready(void)
{
	mpvm_image_Arrived ready = { restorer.in.received, restorer.pages };

	answer(mpvm_image_RecordType_READY, mpvm_image_Arrived_fields, &ready);
}

static void take(const struct ckpt_record *record)
{
	size_t n;

	switch (record->type) {
	case mpvm_image_RecordType_HEADER:
		decode(record, mpvm_image_Header_fields, &restorer.message.header);
		take_header(&restorer.message.header);
		return;
	case mpvm_image_RecordType_ROUND:
		decode(record, mpvm_image_Round_fields, &restorer.message.round);
		take_round(&restorer.message.round);
		return;
	case mpvm_image_RecordType_ROUND_END:
		answer_ready();
		return;
	case mpvm_image_RecordType_AREA:
		decode(record, mpvm_image_Area_fields, &restorer.message.area);
		add_area(&restorer.message.area);
		return;
	case mpvm_image_RecordType_UNMAP:
		decode(record, mpvm_image_Range_fields, &restorer.message.range);
		drop_range(restorer.message.range.start, restorer.message.range.end);
		return;
	case mpvm_image_RecordType_ZERO:
		decode(record, mpvm_image_Range_fields, &restorer.message.range);
		zero_range(restorer.message.range.start, restorer.message.range.end);
		return;
	case mpvm_image_RecordType_PREFAULT:
		decode(record, mpvm_image_Range_fields, &restorer.message.range);
		prefault_range(restorer.message.range.start, restorer.message.range.end);
		return;
	case mpvm_image_RecordType_PAGES:
		decode(record, mpvm_image_Pages_fields, &restorer.message.pages);
		take_pages(restorer.message.pages.start, restorer.message.pages.count);
		if (restorer.last_round)
			fault(CKPT_FAULT_RESTORER_MEMORY);
		return;
	case mpvm_image_RecordType_THREAD:
		decode(record, mpvm_image_Thread_fields, &restorer.message.thread);
		add_thread(&restorer.message.thread);
		return;
	case mpvm_image_RecordType_PROCESS:
		decode(record, mpvm_image_Process_fields, &restorer.process);
		restorer.have_process = true;
		return;
	case mpvm_image_RecordType_SIGNAL_ACTION:
		decode(record, mpvm_image_SignalAction_fields, &restorer.message.action);
		set_action(&restorer.message.action);
		return;
	case mpvm_image_RecordType_DESCRIPTOR:
		decode(record, mpvm_image_Descriptor_fields, &restorer.message.descriptor);
		add_descriptor(&restorer.message.descriptor);
		return;
	case mpvm_image_RecordType_DATA:
		decode(record, mpvm_image_Data_fields, &restorer.message.data);
		add_data(&restorer.message.data);
		return;
	case mpvm_image_RecordType_WATCH:
		decode(record, mpvm_image_Watch_fields, &restorer.message.watch);
		add_watch(&restorer.message.watch);
		return;
	case mpvm_image_RecordType_TIMER:
		n = restorer.timer_count++;
		if (n == MAX_TIMERS)
			give_up("IMAGE_TOO_LARGE", "more than %d timers", MAX_TIMERS);
		decode(record, mpvm_image_Timer_fields, &restorer.timers[n]);
		return;
	case mpvm_image_RecordType_PENDING_SIGNAL:
		n = restorer.pending_count++;
		if (n == MAX_PENDING)
			give_up("IMAGE_TOO_LARGE", "more than %d pending signals", MAX_PENDING);
		decode(record, mpvm_image_PendingSignal_fields, &restorer.pending[n]);
		return;
	case mpvm_image_RecordType_END:
		decode(record, mpvm_image_End_fields, &restorer.message.end);
		take_end(&restorer.message.end);
		return;
	default:
		give_up("IMAGE_INVALID", "a record of type %u", record->type);
	}
}

void receive_image(void)
{
	struct ckpt_record record;
	bool first = true;
	int error;

	ckpt_in_start(&restorer.in, restorer.stream, look_at_daemon, NULL);
	while (!restorer.complete) {
		error = ckpt_in_record(&restorer.in, &record, mpvm_image_RecordType_END);
		if (error > 0)
			give_up("STREAM_BROKEN", "the task has hung up");
		if (error)
			give_up("STREAM_BROKEN", "receiving the image: %e", (long)error);
		if (first != (record.type == mpvm_image_RecordType_HEADER))
			give_up("IMAGE_INVALID", "HEADER is not where it belongs");
		first = false;
		take(&record);
	}
	finish_memory();
	install_descriptors();
	set_attributes();
	create_threads();
	renumber_threads();
	set_limits();
}
