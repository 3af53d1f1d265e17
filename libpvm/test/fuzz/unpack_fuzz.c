/*
 * unpack_fuzz.c: a message whose bytes a broken or hostile peer has chosen, in any encoding and cut
 * into any pieces, read by every function of the pvm_upk family: never past its end, never into
 * memory that it was not given.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/message/message.h"
#include "../fake_node.h"

static const uint32_t encodings[] = { 0x10000000, 0x20000000, 0x00408c41, 0x40000000, 0, 0xffffffff };

struct script {
	const uint8_t *at, *end;
};

static uint8_t byte(struct script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

/* Each piece in memory of exactly its size, so that a step too far is seen. */
static struct pvmi_message *made_of(struct script *script, size_t piece)
{
	struct pvmi_message *message = pvmi_message_new();

	message->encoding = encodings[byte(script) % 6];
	while (script->at < script->end) {
		size_t left = (size_t)(script->end - script->at), length = piece && piece < left ? piece : left;
		struct pvmi_block *block = pvmi_block_private(length);

		memcpy(block->bytes, script->at, length);
		assert(pvmi_message_append(message, block, block->bytes, length) == 0);
		script->at += length;
	}
	return message;
}

static void unpack_values(struct pvmi_message *message, int type, int count, int stride)
{
	size_t size = pvmi_types[type].size, elements = count > 0 ? (size_t)(count - 1) * (size_t)(stride > 0 ? stride : 1) + 1 : 1;
	void *values = malloc(elements * size);

	pvmi_unpack(message, values, count, stride, type);
	free(values);
}

static void unpack_nested(struct pvmi_message *message, int depth)
{
	struct pvmi_message *inner = NULL;

	if (pvmi_unpack_nested(message, &inner) < 0 || !inner)
		return;
	unpack_values(inner, 1, 16, 1);
	if (depth < 8)
		unpack_nested(inner, depth + 1);
	pvmi_message_unref(inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* How it is read stands first, what is read behind. */
	size_t steps = size > 2 ? data[0] % 16 : 0, plan = 1 + 3 * steps;
	struct script how = { data + 1, data + plan }, what = { data + plan, data + size };
	struct pvmi_message *message;
	char *text;

	if (size < plan + 2)
		return 0;
	message = made_of(&what, data[plan - 1] % 67);
	while (how.at < how.end) {
		int verb = byte(&how) % 16, count = byte(&how), stride = byte(&how) % 5;

		if (verb < 12 && verb) {
			unpack_values(message, verb, count, stride);
		} else if (verb == 12) {
			/* PVM's function does not know how long its caller's memory is; as long as the message is enough. */
			text = malloc(message->length + 1);
			pvmi_unpack_string(message, text);
			free(text);
		} else {
			unpack_nested(message, 0);
		}
	}
	pvmi_message_unref(message);
	return 0;
}
