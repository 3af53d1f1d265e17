/*
 * output.c: pvm_catchout: what our children print arrives as messages and is printed here.
 *
 * A message is (tid, n): n > 0: n bytes follow; 0: the task has closed its output; -1: it was
 * spawned (its parent follows); -2: it begins. Lines are put together for each task, so that the
 * output of several does not mix within a line.
 */

#include "api.h"

#define LINE_LIMIT 4096

struct speaker {
	int tid;
	bool begun;
	size_t used;
	char line[LINE_LIMIT];
	struct speaker *next;
};

static FILE *sink;
static struct speaker *speakers;

static void print_line(const struct speaker *speaker, const char *text, size_t length)
{
	if (!sink)
		return;
	if (pvmi->options->show_tids)
		fprintf(sink, "[t%x] ", speaker->tid);
	fwrite(text, 1, length, sink);
	fputc('\n', sink);
	fflush(sink);
}

static struct speaker *speaker_of(int tid)
{
	struct speaker *speaker;

	for (speaker = speakers; speaker; speaker = speaker->next)
		if (speaker->tid == tid)
			return speaker;
	speaker = pvmi_alloc(sizeof(*speaker));
	if (!speaker)
		return NULL;
	speaker->tid = tid;
	speaker->next = speakers;
	speakers = speaker;
	return speaker;
}

static void begin(struct speaker *speaker)
{
	if (!speaker->begun && pvmi->options->show_tids)
		print_line(speaker, "BEGIN", 5);
	speaker->begun = true;
}

static void flush_line(struct speaker *speaker)
{
	print_line(speaker, speaker->line, speaker->used);
	speaker->used = 0;
}

static void end(struct speaker *speaker)
{
	struct speaker **place;

	begin(speaker);
	if (speaker->used)
		flush_line(speaker);
	if (pvmi->options->show_tids)
		print_line(speaker, "EOF", 3);
	for (place = &speakers; *place != speaker; place = &(*place)->next)
		;
	*place = speaker->next;
	pvmi_free(speaker);
}

static void text(struct speaker *speaker, struct pvmi_message *message, size_t length)
{
	char byte;

	begin(speaker);
	while (length-- && pvmi_body_read(message, &byte, 1)) {
		if (byte == '\n' || speaker->used == LINE_LIMIT)
			flush_line(speaker);
		if (byte != '\n')
			speaker->line[speaker->used++] = byte;
	}
}

static int take(int mid)
{
	struct pvmi_message *message = pvmi_mid_message(mid);
	struct speaker *speaker;
	int head[2];

	if (!message || pvmi_unpack(message, head, 2, 1, PVM_INT))
		return 0;
	speaker = speaker_of(head[0]);
	if (!speaker)
		return 0;
	if (head[1] > 0)
		text(speaker, message, (size_t)head[1]);
	else if (!head[1])
		end(speaker);
	else
		begin(speaker);
	return 0;
}

static void catch(FILE *file)
{
	struct pvmi_sinks *children = &pvmi->options->children;

	if (!file) {
		children->output = (struct pvmi_sink){ 0, 0, 0 };
		return;
	}
	sink = file;
	children->output = (struct pvmi_sink){ (int)pvmi->tid, PVMI_TAG_OUTPUT, PVMI_SYSTEM_CONTEXT };
	pvmi_handler_add(0, -1, PVMI_TAG_OUTPUT, PVMI_SYSTEM_CONTEXT, take);
}

int pvm_catchout(FILE *file)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	if (!result)
		catch(file);
	return pvmi_end("pvm_catchout", result);
}

/* pvm_exit waits for children that still write, as PVM does, unless catching was turned off. */
void pvmi_output_finish(void)
{
	bool said = false;

	pvmi_plane_poll();
	pvmi_handlers_run();
	while (speakers && pvmi->options->children.output.tid == (int)pvmi->tid && !pvmi_link_gone()) {
		if (!said)
			fprintf(stderr, "libpvm [t%x]: child task(s) still running.  waiting...\n", pvmi->tid);
		said = true;
		pvmi_plane_wait(INT64_MAX);
		pvmi_handlers_run();
	}
	if (sink)
		fflush(sink);
}
