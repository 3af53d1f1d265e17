/*
 * link.h: the connection to the daemon of this node, as api/ and the files of link/ use it.
 *
 *   frame.c     frames and envelopes: encoding, bounded parsing; no state
 *   link.c      the connection: buffers, requests and answers
 *   enrol.c     finding the daemon, becoming a task, coming back after the daemon did
 *   events.c    what the daemon sends unasked
 *   senders.c   what plane and agent send: Endpoint, Resolve, the frames of a migration
 *
 * The agent may run poll, flush and the senders; requests are the program's.
 */
#ifndef PVMI_LINK_H
#define PVMI_LINK_H

#include <pb.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include "../memory/memory.h"
#include "../pvmi.h"
#include "task.pb.h"

#define PVMI_FRAME_LIMIT	(16U << 20)     /* payload of one frame */
#define PVMI_ENROL_TIMEOUT_MS	30000
#define PVMI_RETRY_FIRST_NS	20000000LL
#define PVMI_RETRY_MOST_NS	1000000000LL
#define PVMI_GIVE_UP_NS		60000000000LL   /* without a daemon for so long, calls that need one fail */

enum pvmi_link_state {
	/* Not enrolled, or pvm_exit has been called. Requests fail with PvmSysErr. */
	PVMI_LINK_OFF,
	/* Connected and enrolled: frames flow. */
	PVMI_LINK_UP,
	/* The connection broke: the daemon died or restarts. The task computes on and its messages flow
	 * on the routes it has; requests wait. The descriptor is a timer; each tick tries to connect. */
	PVMI_LINK_LOST,
	/* Connected again, Enroll with our tid has been sent. Requests wait. */
	PVMI_LINK_RETURNING,
	/* The daemon did not come back in time, or does not know us: requests fail, and so does a
	 * receive that would have to wait. Only pvm_exit leads out of it. */
	PVMI_LINK_GONE,
};

/* ------------------------------------------------------------------ frame.c */

struct pvmi_frame {             /* one ToTask, its body not decoded yet */
	uint32_t request;
	int32_t status;
	uint32_t tag;           /* field number of the body; 0: none */
	const uint8_t *body;
	size_t length;
};

/* False: not a ToTask message. */
bool pvmi_frame_parse(const uint8_t *payload, size_t length, struct pvmi_frame *frame);
/* Bytes of the whole frame, with its length word; 0 when it cannot be encoded or is too long. */
size_t pvmi_frame_size(uint32_t request, uint32_t tag, const pb_msgdesc_t *fields, const void *body);
bool pvmi_frame_encode(uint8_t *to, size_t size, uint32_t request, uint32_t tag, const pb_msgdesc_t *fields,
		       const void *body);
bool pvmi_frame_decode(const struct pvmi_frame *frame, const pb_msgdesc_t *fields, void *body);

/* Callbacks for strings, bytes and lists on the way out. */
struct pvmi_bytes {
	const void *bytes;
	size_t length;
};
struct pvmi_strings {
	char *const *strings;
	size_t count;
};
struct pvmi_numbers {
	const int32_t *numbers;
	size_t count;
};
bool pvmi_encode_string(pb_ostream_t *stream, const pb_field_t *field, void *const *text);
bool pvmi_encode_strings(pb_ostream_t *stream, const pb_field_t *field, void *const *strings);
bool pvmi_encode_bytes(pb_ostream_t *stream, const pb_field_t *field, void *const *bytes);
bool pvmi_encode_signed(pb_ostream_t *stream, const pb_field_t *field, void *const *numbers);
bool pvmi_encode_tids(pb_ostream_t *stream, const pb_field_t *field, void *const *numbers);

#define PVMI_SEND_STRING(text_)	((pb_callback_t){ .funcs.encode = pvmi_encode_string, .arg = (void *)(text_) })
#define PVMI_SEND_BYTES(bytes_)	((pb_callback_t){ .funcs.encode = pvmi_encode_bytes, .arg = (bytes_) })

/* ------------------------------------------------------------------ link.c */

struct pvmi_answer {
	int32_t status;
	uint32_t tag;           /* of the body; 0: none */
	uint8_t *body;          /* pvmi_free, through pvmi_answer_free */
	size_t length;
};

struct pvmi_request {
	uint32_t id;
	bool done, repeat;
	struct pvmi_answer answer;
	uint8_t *frame;         /* kept to be sent again, when repeat */
	size_t frame_length;
	struct pvmi_request *next;
};

/* A Resolve whose answer has not come. */
struct pvmi_resolving {
	uint32_t request, tid, epoch;
	bool broken;
	struct pvmi_resolving *next;
};

struct pvmi_link {
	enum pvmi_link_state state;
	int fd;                 /* the connection; in LOST a timer; else -1 */
	uint32_t next_request, returning_request;
	uint8_t *in;
	size_t in_used, in_size;
	uint8_t *out;
	size_t out_start, out_end, out_size;
	bool dispatching;
	struct pvmi_request *requests;
	struct pvmi_resolving *resolving;
	int64_t lost_at, retry_ns;
	char socket_path[256];
	char frozen_for[64];    /* the migration we are frozen for; empty when not */
	char copy_cookie[64];   /* we are a copy at another node, and its daemon knows us by this; empty when not */
	struct {
		bool known;
		char local_path[108];
		uint16_t port;
	} endpoint;
};

/* Whether a frame that is lost with its daemon may be sent to the next one. */
enum pvmi_repeat {
	PVMI_ONCE, PVMI_REPEAT,
	PVMI_REPEAT_AND_HANDLE, /* the answer waits for other tasks, perhaps for what a handler of this one does */
};

/* Sends the request and waits for its answer, while messages and moves go on. Returns the status
 * of the answer; PvmSysErr without a daemon. *answer must be freed when it is asked for. */
int pvmi_link_request(uint32_t tag, const pb_msgdesc_t *fields, const void *body, enum pvmi_repeat repeat,
		      struct pvmi_answer *answer);
void pvmi_answer_free(struct pvmi_answer *answer);
bool pvmi_answer_decode(const struct pvmi_answer *answer, uint32_t tag, const pb_msgdesc_t *fields, void *body);

/* A frame without an answer. 0, or a negative PVM code. */
int pvmi_link_send(uint32_t request, uint32_t tag, const pb_msgdesc_t *fields, const void *body);
int pvmi_link_queue(const uint8_t *frame, size_t length);
uint32_t pvmi_link_new_request(void);
bool pvmi_link_gone(void);
void pvmi_link_watch(void);             /* tell the plane which descriptor, and for what */
void pvmi_link_broken(void);
void pvmi_link_fail_requests(bool repeatable_too);
void pvmi_link_answer(struct pvmi_request *request, const struct pvmi_frame *frame);
void pvmi_link_reset_buffers(void);

/* ------------------------------------------------------------------ enrol.c */

/* Become a task. Fills in the context and starts the plane. PvmOk, or an error already explained on stderr. */
int pvmi_enrol(void);
/* Stop being one. */
void pvmi_link_close(void);
void pvmi_link_retry(void);             /* the timer of LOST has fired */
void pvmi_link_returned(const struct pvmi_frame *frame);
bool pvmi_place_adopt(const uint8_t *encoded, size_t length, bool first);

/* Answers to the first Enrolled that api/ keeps. */
struct pvmi_enrolled_extra {
	mpvm_task_Inherited inherited;
	uint32_t *siblings;
	size_t sibling_count;
	bool siblings_follow;   /* as a message of the parent */
	char architecture[16];
	uint32_t scheduler;     /* the resource manager, or 0 */
	bool scheduler_watched;
};
/* The path of the socket of this machine's daemon, as a program that is no task yet finds it. */
bool pvmi_find_socket(char *path, size_t size);

extern struct pvmi_enrolled_extra pvmi_enrolled;

/* Does anybody listen there? For whoever is no task; uses libc. */
bool pvmi_link_daemon_answers(const char *path);

/* ------------------------------------------------------------------ events.c */

void pvmi_link_event(const struct pvmi_frame *frame);
void pvmi_link_route_answer(const struct pvmi_frame *frame);

/* ------------------------------------------------------------------ senders.c */

void pvmi_link_resend_resolves(void);
void pvmi_link_drop_resolves(void);

#endif
