/*
 * link.c: the connection to the daemon: bytes in and out, requests and their answers.
 */
#include <pvm3.h>
#include <string.h>

#include "../message/message.h"
#include "../plane/plane.h"
#include "../sys/sys.h"
#include "link.h"

#define READ_SIZE (16UL << 10)

int pvmi_link_descriptor(void)
{
	return pvmi->link ? pvmi->link->fd : -1;
}

bool pvmi_link_gone(void)
{
	return !pvmi->link || pvmi->link->state == PVMI_LINK_OFF || pvmi->link->state == PVMI_LINK_GONE;
}

uint32_t pvmi_link_new_request(void)
{
	struct pvmi_link *link = pvmi->link;

	if (!++link->next_request)
		link->next_request = 1;
	return link->next_request;
}

void pvmi_link_watch(void)
{
	struct pvmi_link *link = pvmi->link;

	if (pvmi->plane)
		pvmi_plane_watch_link(link->fd, link->state != PVMI_LINK_LOST && link->out_end > link->out_start);
}

void pvmi_link_reset_buffers(void)
{
	struct pvmi_link *link = pvmi->link;

	link->in_used = 0;
	link->out_start = link->out_end = 0;
}

/* ------------------------------------------------------------------ out */

static bool make_room(struct pvmi_link *link, size_t length)
{
	size_t size, used = link->out_end - link->out_start;
	uint8_t *grown;

	if (link->out_size - link->out_end >= length)
		return true;
	if (link->out_start) {
		memmove(link->out, link->out + link->out_start, used);
		link->out_start = 0;
		link->out_end = used;
	}
	if (link->out_size - link->out_end >= length)
		return true;
	for (size = link->out_size ? link->out_size : 4096; size - used < length; size *= 2)
		;
	grown = pvmi_realloc(link->out, size);
	if (!grown)
		return false;
	link->out = grown;
	link->out_size = size;
	return true;
}

/* Writes as much as goes at once. */
static void write_out(struct pvmi_link *link)
{
	bool waiting = link->out_end > link->out_start, waits;
	long n;

	if (link->state != PVMI_LINK_UP && link->state != PVMI_LINK_RETURNING)
		return;
	while (link->out_end > link->out_start) {
		n = sys_send(link->fd, link->out + link->out_start, link->out_end - link->out_start,
			     MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN)
			break;
		if (n < 0)
			return;         /* reading will find the end of the connection */
		link->out_start += (size_t)n;
	}
	if (link->out_start == link->out_end)
		link->out_start = link->out_end = 0;
	waits = link->out_end > link->out_start;
	if (waits || waiting)
		pvmi_link_watch();
}

bool pvmi_link_flush(void)
{
	struct pvmi_link *link = pvmi->link;

	if (!link)
		return true;
	write_out(link);
	return link->out_end == link->out_start;
}

int pvmi_link_queue(const uint8_t *frame, size_t length)
{
	struct pvmi_link *link = pvmi->link;

	if (!make_room(link, length))
		return PvmNoMem;
	memcpy(link->out + link->out_end, frame, length);
	link->out_end += length;
	write_out(link);
	return PvmOk;
}

int pvmi_link_send(uint32_t request, uint32_t tag, const pb_msgdesc_t *fields, const void *body)
{
	struct pvmi_link *link = pvmi->link;
	size_t size;

	if (!link || (link->state != PVMI_LINK_UP && link->state != PVMI_LINK_RETURNING))
		return PvmSysErr;
	size = pvmi_frame_size(request, tag, fields, body);
	if (!size)
		return PvmBadParam;
	if (!make_room(link, size))
		return PvmNoMem;
	if (!pvmi_frame_encode(link->out + link->out_end, size, request, tag, fields, body))
		return PvmBadParam;
	link->out_end += size;
	write_out(link);
	return PvmOk;
}

/* ------------------------------------------------------------------ in */

void pvmi_link_answer(struct pvmi_request *request, const struct pvmi_frame *frame)
{
	request->answer.status = frame->status;
	request->answer.tag = frame->tag;
	request->answer.length = frame->length;
	if (frame->length) {
		request->answer.body = pvmi_alloc(frame->length);
		if (request->answer.body)
			memcpy(request->answer.body, frame->body, frame->length);
		else
			request->answer.status = PvmNoMem;
	}
	request->done = true;
}

static void dispatch(struct pvmi_link *link, const uint8_t *payload, size_t length)
{
	struct pvmi_request *request;
	struct pvmi_frame frame;

	if (!pvmi_frame_parse(payload, length, &frame)) {
		pvmi_link_broken();
		return;
	}
	if (link->state == PVMI_LINK_RETURNING && frame.request == link->returning_request) {
		pvmi_link_returned(&frame);
		return;
	}
	if (frame.tag == mpvm_task_ToTask_route_tag) {
		pvmi_link_route_answer(&frame);
		return;
	}
	if (!frame.request) {
		pvmi_link_event(&frame);
		return;
	}
	for (request = link->requests; request; request = request->next)
		if (request->id == frame.request && !request->done) {
			pvmi_link_answer(request, &frame);
			return;
		}
}

/* Frames that are complete. What one of them does may replace the connection: look again each time. */
static void dispatch_all(struct pvmi_link *link, int fd)
{
	size_t at = 0;
	uint32_t length;

	while (link->fd == fd && link->in_used - at >= 4) {
		memcpy(&length, link->in + at, 4);
		if (length > PVMI_FRAME_LIMIT) {
			pvmi_link_broken();
			return;
		}
		if (link->in_used - at - 4 < length)
			break;
		dispatch(link, link->in + at + 4, length);
		if (!link->in_used)             /* begun anew */
			return;
		at += 4 + length;
	}
	if (at && at <= link->in_used) {
		memmove(link->in, link->in + at, link->in_used - at);
		link->in_used -= at;
	}
}

/* Room for what the frame that has begun still needs, at least READ_SIZE. */
static bool in_room(struct pvmi_link *link)
{
	size_t wanted = READ_SIZE;
	uint32_t length;
	uint8_t *grown;

	if (link->in_used >= 4) {
		memcpy(&length, link->in, 4);
		if (length <= PVMI_FRAME_LIMIT && length + 4 > link->in_used && length + 4 - link->in_used > wanted)
			wanted = length + 4 - link->in_used;
	}
	if (link->in_size - link->in_used >= wanted)
		return true;
	grown = pvmi_realloc(link->in, link->in_used + wanted);
	if (!grown)
		return false;
	link->in = grown;
	link->in_size = link->in_used + wanted;
	return true;
}

void pvmi_link_poll(void)
{
	struct pvmi_link *link = pvmi->link;
	size_t room;
	long n;
	int fd;

	if (!link || link->fd < 0 || link->dispatching)
		return;
	if (link->state == PVMI_LINK_LOST) {
		pvmi_link_retry();
		return;
	}
	link->dispatching = true;
	if (link->out_end > link->out_start)
		write_out(link);
	do {
		if (!in_room(link))
			break;
		fd = link->fd;
		room = link->in_size - link->in_used;
		n = sys_recv(fd, link->in + link->in_used, room, MSG_DONTWAIT);
		if (n == -EAGAIN || n == -EINTR)
			break;
		if (n <= 0) {
			pvmi_link_broken();
			break;
		}
		link->in_used += (size_t)n;
		dispatch_all(link, fd);
	} while ((size_t)n == room && link->fd == fd);
	link->dispatching = false;
}

/* ------------------------------------------------------------------ requests */

void pvmi_link_fail_requests(bool repeatable_too)
{
	static const struct pvmi_frame failed = { .status = PvmSysErr };
	struct pvmi_request *request;

	for (request = pvmi->link->requests; request; request = request->next)
		if (!request->done && (repeatable_too || !request->repeat))
			pvmi_link_answer(request, &failed);
}

void pvmi_answer_free(struct pvmi_answer *answer)
{
	pvmi_free(answer->body);
	answer->body = NULL;
}

bool pvmi_answer_decode(const struct pvmi_answer *answer, uint32_t tag, const pb_msgdesc_t *fields, void *body)
{
	pb_istream_t stream = pb_istream_from_buffer(answer->body, answer->length);

	return answer->tag == tag && (!answer->length || answer->body) && pb_decode(&stream, fields, body);
}

int pvmi_link_request(uint32_t tag, const pb_msgdesc_t *fields, const void *body, enum pvmi_repeat repeat,
		      struct pvmi_answer *answer)
{
	struct pvmi_link *link = pvmi->link;
	struct pvmi_request request = { .repeat = repeat != PVMI_ONCE }, **place;
	size_t size;
	int error = PvmOk;

	if (answer)
		memset(answer, 0, sizeof(*answer));
	if (pvmi_link_gone())
		return PvmSysErr;
	request.id = pvmi_link_new_request();
	size = pvmi_frame_size(request.id, tag, fields, body);
	if (!size)
		return PvmOverflow;
	request.frame = pvmi_alloc(size);
	if (!request.frame)
		return PvmNoMem;
	request.frame_length = size;
	if (!pvmi_frame_encode(request.frame, size, request.id, tag, fields, body))
		error = PvmBadParam;
	else if (link->state == PVMI_LINK_UP)
		error = pvmi_link_queue(request.frame, size);
	else
		request.repeat = true;  /* nothing has been sent yet: it goes when the daemon is back */
	if (error) {
		pvmi_free(request.frame);
		return error;
	}
	request.next = link->requests;
	link->requests = &request;
	pvmi_plane_poll();
	while (!request.done) {
		if (repeat == PVMI_REPEAT_AND_HANDLE)
			pvmi_handlers_run();
		if (!request.done)
			pvmi_plane_wait(INT64_MAX);
	}
	for (place = &link->requests; *place != &request; place = &(*place)->next)
		;
	*place = request.next;
	pvmi_free(request.frame);
	error = request.answer.status;
	if (answer)
		*answer = request.answer;
	else
		pvmi_answer_free(&request.answer);
	return error;
}
