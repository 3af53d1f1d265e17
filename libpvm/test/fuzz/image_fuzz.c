/*
 * image_fuzz.c: the stream of a captured process, as the restorer reads it: records cut and spoilt in
 * any way are refused or decoded within their bounds, and pages go nowhere but where they were asked for.
 *
 * The engine's own objects are not made for a fuzzer, so its stream is compiled into this one.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../native/checkpoint/image/stream.c"
#include <image.pb.h>

#define MOST_PAGES 4

static const struct {
	uint32_t type;
	const pb_msgdesc_t *fields;
	size_t size;
} kinds[] = {
#define KIND(type, name) { mpvm_image_RecordType_##type, mpvm_image_##name##_fields, sizeof(mpvm_image_##name) }
	KIND(HEADER, Header), KIND(ROUND, Round), KIND(AREA, Area), KIND(UNMAP, Range), KIND(ZERO, Range), KIND(PREFAULT, Range),
	KIND(PAGES, Pages), KIND(THREAD, Thread), KIND(PROCESS, Process), KIND(SIGNAL_ACTION, SignalAction),
	KIND(DESCRIPTOR, Descriptor), KIND(DATA, Data), KIND(WATCH, Watch), KIND(TIMER, Timer),
	KIND(PENDING_SIGNAL, PendingSignal), KIND(END, End), KIND(REFUSED, Refused), KIND(READY, Arrived),
};

static void take_pages(struct ckpt_in *in, const mpvm_image_Pages *pages)
{
	size_t count = pages->count < MOST_PAGES ? pages->count : MOST_PAGES, left = count * CKPT_PAGE, got, last;
	const uint8_t *piece;
	uint8_t copy[CKPT_PAGE];

	while (left > 0) {
		piece = ckpt_in_piece(in, left, &got);
		if (!piece)
			return;
		/* Where a piece ends must be where the sanitizer says that it does. */
		last = got < sizeof(copy) ? got : sizeof(copy);
		memcpy(copy, piece + got - last, last);
		left -= got;
	}
}

static void take(struct ckpt_in *in, const struct ckpt_record *record)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		void *message;
		bool good;

		if (kinds[i].type != record->type)
			continue;
		message = calloc(1, kinds[i].size);
		good = ckpt_decode(record, kinds[i].fields, message);
		if (good && record->type == mpvm_image_RecordType_PAGES)
			take_pages(in, message);
		free(message);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ckpt_in in;
	struct ckpt_record record;
	int ends[2];

	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	assert(write(ends[1], data, size) == (ssize_t)size);
	close(ends[1]);
	ckpt_in_start(&in, ends[0], NULL, NULL);
	while (ckpt_in_record(&in, &record, mpvm_image_RecordType_END) == 0)
		take(&in, &record);
	close(ends[0]);
	return 0;
}
