/*
 * enrol.c: finding the daemon of this node, becoming a task, and finding it again after it died.
 *
 * A spawned task is told the socket (PVMSOCK) and who it is (PVMEPID). A program started from a
 * shell looks into the node directory (docs/ARCHITECTURE.md).
 */
#include <errno.h>
#include <poll.h>
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "../api/compat.h"
#include "../api/errors.h"
#include "../message/message.h"
#include "../plane/plane.h"
#include "../sys/sys.h"
#include "link.h"

struct pvmi_enrolled_extra pvmi_enrolled;

/* ------------------------------------------------------------------ connecting */

bool pvmi_find_socket(char *path, size_t size)
{
	const char *given = getenv("PVMSOCK"), *directory = getenv("MPVM_DIR"), *vm = getenv("MPVM_NAME");
	const char *node = getenv("MPVM_NODE");
	char standard[64];
	int n;

	if (given && given[0] == '/') {
		n = snprintf(path, size, "%s", given);
	} else {
		snprintf(standard, sizeof(standard), "/tmp/mpvm-%u", (unsigned int)getuid());
		n = snprintf(path, size, "%s/%s/%s/task.sock", directory && *directory ? directory : standard,
			     vm && *vm ? vm : "default", node && *node ? node : "local");
	}
	return n > 0 && (size_t)n < size;
}

/* A connected socket, not one of 0, 1, 2: a program that has closed those opens them for itself. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	long fd, high, result;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (int)fd;
	if (fd < 3) {
		high = sys_fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
		sys_close((int)fd);
		fd = high;
		if (fd < 0)
			return (int)fd;
	}
	result = sys_connect((int)fd, &address, sizeof(address));
	if (result < 0) {
		sys_close((int)fd);
		return (int)result;
	}
	return (int)fd;
}

bool pvmi_link_daemon_answers(const char *path)
{
	int fd = connect_to(path);

	if (fd < 0)
		return false;
	sys_close(fd);
	return true;
}

/* The daemon's socket lies beside the directory of the tasks' sockets. */
static void remember_socket(struct pvmi_link *link)
{
	char *slash;

	if (!pvmi->socket_dir[0])
		return;
	memcpy(link->socket_path, pvmi->socket_dir, sizeof(pvmi->socket_dir));
	slash = strrchr(link->socket_path, '/');
	if (slash)
		memcpy(slash, "/task.sock", sizeof("/task.sock"));
}

static void use_descriptor(struct pvmi_link *link, int fd, enum pvmi_link_state state)
{
	link->fd = fd;
	link->state = state;
	if (fd >= 0)
		pvmi_own_fd(fd);
	pvmi_link_watch();
}

static void drop_descriptor(struct pvmi_link *link)
{
	int fd = link->fd;

	if (fd < 0)
		return;
	link->fd = -1;
	pvmi_link_watch();
	pvmi_disown_fd(fd);
	sys_close(fd);
}

/* ------------------------------------------------------------------ what the daemon says we are */

static bool read_siblings(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct pvmi_enrolled_extra *extra = *argument;
	uint32_t *grown, tid;

	(void)field;
	while (stream->bytes_left) {
		if (!pb_decode_varint32(stream, &tid))
			return false;
		grown = pvmi_realloc(extra->siblings, (extra->sibling_count + 1) * sizeof(tid));
		if (!grown)
			return false;
		extra->siblings = grown;
		extra->siblings[extra->sibling_count++] = tid;
	}
	return true;
}

bool pvmi_place_adopt(const uint8_t *encoded, size_t length, bool first)
{
	mpvm_task_Enrolled body = mpvm_task_Enrolled_init_zero;
	pb_istream_t stream = pb_istream_from_buffer(encoded, length);

	if (first) {
		pvmi_free(pvmi_enrolled.siblings);
		memset(&pvmi_enrolled, 0, sizeof(pvmi_enrolled));
		body.siblings.funcs.decode = read_siblings;
		body.siblings.arg = &pvmi_enrolled;
	}
	if (!pb_decode(&stream, mpvm_task_Enrolled_fields, &body) || !body.tid ||
	    body.secret.size != sizeof(pvmi->secret) || (!first && body.tid != pvmi->tid))
		return false;
	if (first) {
		pvmi->tid = body.tid;
		pvmi->parent = body.parent;
		pvmi->current_context = body.context;
		pvmi_enrolled.inherited = body.inherited;
		pvmi_enrolled.scheduler = body.scheduler;
		pvmi_enrolled.siblings_follow = body.siblings_follow;
		memcpy(pvmi_enrolled.architecture, body.architecture, sizeof(body.architecture));
	}
	pvmi->host = body.host;
	if (body.epoch > pvmi->epoch || first)
		pvmi->epoch = body.epoch;
	memcpy(pvmi->vm, body.vm, sizeof(body.vm));
	memcpy(pvmi->node, body.node, sizeof(body.node));
	memcpy(pvmi->address, body.address, sizeof(body.address));
	memcpy(pvmi->socket_dir, body.socket_dir, sizeof(body.socket_dir));
	memcpy(pvmi->secret, body.secret.bytes, sizeof(pvmi->secret));
	return true;
}

static int send_enroll(uint32_t request, const char *cookie, uint32_t tid)
{
	mpvm_task_Enroll body = { .protocol = 1, .incarnation = pvmi->incarnation, .tid = tid };

	body.pid = (int32_t)pvmi_syscall3(SYS_getpid, 0, 0, 0);
	body.epoch = tid ? pvmi->epoch : 0;
	if (!tid && pvmmytaskname)
		snprintf(body.name, sizeof(body.name), "%s", pvmmytaskname);
	if (cookie)
		strncpy(body.cookie, cookie, sizeof(body.cookie) - 1);
	if (tid)
		memcpy(body.migration, pvmi->link->frozen_for, sizeof(body.migration));
	pvmi_syscall3(SYS_readlink, (long)"/proc/self/exe", (long)body.program, sizeof(body.program) - 1);
	return pvmi_link_send(request, mpvm_task_ToDaemon_enroll_tag, mpvm_task_Enroll_fields, &body);
}

/* ------------------------------------------------------------------ becoming a task */

/* The plane is not there yet, so this waits for itself. */
static int wait_for(struct pvmi_link *link, struct pvmi_request *request)
{
	struct pollfd wait = { .fd = link->fd, .events = POLLIN };
	int64_t until = sys_now_ns() + PVMI_ENROL_TIMEOUT_MS * 1000000LL, left;

	while (!request->done) {
		left = until - sys_now_ns();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&wait, 1, (int)(left / 1000000) + 1) < 0 && errno != EINTR)
			return -errno;
		pvmi_link_poll();
		if (link->fd != wait.fd)
			return -ECONNRESET;
	}
	return 0;
}

/* Whoever enrols again after pvm_exit is somebody else. */
static bool cookie_used;

static const char *cookie(void)
{
	return cookie_used ? NULL : getenv("PVMEPID");
}

/* 0: the daemon has answered. Else a negative errno: it is not there, or hung up. */
static int ask(struct pvmi_link *link, struct pvmi_request *request)
{
	int fd = connect_to(link->socket_path), error;

	if (fd < 0)
		return fd;
	pvmi_link_reset_buffers();
	link->endpoint.known = false;
	link->frozen_for[0] = 0;
	link->fd = fd;
	link->state = PVMI_LINK_UP;
	pvmi_own_fd(fd);
	link->requests = request;
	error = send_enroll(request->id, cookie(), 0) ? -EPIPE : wait_for(link, request);
	link->requests = NULL;
	return error;
}

/*
 * Asks until it is answered. The daemon that has started us may have died since: it is started
 * again, and knows us. Whoever was started from a shell is told at once that there is none.
 */
static int ask_patiently(struct pvmi_link *link, struct pvmi_request *request)
{
	int64_t until = sys_now_ns() + PVMI_GIVE_UP_NS, retry_ns = PVMI_RETRY_FIRST_NS;
	int error;

	for (;;) {
		error = ask(link, request);
		/* EAGAIN: so many enrol at once that there is a queue. */
		if (!error || (error != -EAGAIN && !cookie()) || sys_now_ns() > until)
			return error;
		pvmi_link_close();
		pvmi_answer_free(&request->answer);
		*request = (struct pvmi_request){ .id = pvmi_link_new_request() };
		poll(NULL, 0, (int)(retry_ns / 1000000));
		retry_ns = retry_ns * 2 < PVMI_RETRY_MOST_NS ? retry_ns * 2 : PVMI_RETRY_MOST_NS;
	}
}

static int introduce(struct pvmi_link *link)
{
	struct pvmi_request request = { .id = pvmi_link_new_request() };
	int error;

	if (sys_getrandom(&pvmi->incarnation, sizeof(pvmi->incarnation)) < 0)
		pvmi->incarnation = (uint64_t)sys_now_ns();
	pvmi->incarnation &= (1UL << 53) - 1;
	error = ask_patiently(link, &request);
	if (error) {
		pvmi_complain("%s: %s", link->socket_path, error == -ECONNRESET || error == -EPIPE ? "the daemon hung up" : strerror(-error));
		error = PvmSysErr;
	} else if (request.answer.status < 0) {
		error = request.answer.status;
	} else if (request.answer.tag != mpvm_task_ToTask_enrolled_tag ||
		   !pvmi_place_adopt(request.answer.body, request.answer.length, true)) {
		pvmi_complain("%s: not an answer of mpvmd", link->socket_path);
		error = PvmSysErr;
	}
	pvmi_answer_free(&request.answer);
	cookie_used = cookie_used || !error;
	return error;
}

int pvmi_enrol(void)
{
	struct pvmi_link *link = pvmi->link;
	int error;

	if (!pvmi_find_socket(link->socket_path, sizeof(link->socket_path)))
		return PvmSysErr;
	error = introduce(link);
	if (!error) {
		remember_socket(link);
		error = pvmi_plane_start();
		if (error) {
			pvmi_complain("the message plane cannot start (%d)", error);
			pvmi->tid = 0;
			error = PvmSysErr;
		}
	}
	if (error) {
		pvmi_link_close();
		return error;
	}
	pvmi_link_watch();
	return PvmOk;
}

void pvmi_link_close(void)
{
	struct pvmi_link *link = pvmi->link;

	if (link->state == PVMI_LINK_UP)
		pvmi_link_flush();
	if (link->fd >= 0) {
		pvmi_disown_fd(link->fd);
		sys_close(link->fd);
	}
	link->fd = -1;
	link->state = PVMI_LINK_OFF;
	pvmi_link_fail_requests(true);
	pvmi_link_drop_resolves();
	pvmi_link_reset_buffers();
	pvmi->tid = 0;
}

/* ------------------------------------------------------------------ coming back */

static void arm(int timer, int64_t delay_ns)
{
	struct itimerspec when = { .it_value = { delay_ns / 1000000000, delay_ns % 1000000000 } };

	pvmi_syscall6(SYS_timerfd_settime, timer, 0, (long)&when, 0, 0, 0);
}

void pvmi_link_broken(void)
{
	struct pvmi_link *link = pvmi->link;
	int64_t now = sys_now_ns();
	int timer;

	if (link->state != PVMI_LINK_RETURNING) {
		link->lost_at = now;
		link->retry_ns = PVMI_RETRY_FIRST_NS;
	}
	drop_descriptor(link);
	pvmi_link_reset_buffers();
	pvmi_link_fail_requests(false);
	if (!link->frozen_for[0])
		pvmi_agent_daemon_lost();
	if (!pvmi->plane) {             /* still enrolling for the first time */
		link->state = PVMI_LINK_GONE;
		return;
	}
	timer = (int)pvmi_syscall3(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK, 0);
	if (timer < 0) {
		link->state = PVMI_LINK_GONE;
		pvmi_link_fail_requests(true);
		return;
	}
	arm(timer, link->retry_ns);
	use_descriptor(link, timer, PVMI_LINK_LOST);
}

static void give_up(struct pvmi_link *link)
{
	drop_descriptor(link);
	link->state = PVMI_LINK_GONE;
	pvmi_link_fail_requests(true);
	pvmi_link_drop_resolves();
}

void pvmi_link_is_copy(const char *socket, const char *cookie)
{
	struct pvmi_link *link = pvmi->link;

	memcpy(link->socket_path, socket, strlen(socket) + 1);
	memcpy(link->copy_cookie, cookie, strlen(cookie) + 1);
}

/* As the restorer does that has filled itself. */
static void say_hello(const struct pvmi_link *link)
{
	mpvm_task_RestorerHello body = { .arrived = true };

	body.pid = (int32_t)pvmi_syscall3(SYS_getpid, 0, 0, 0);
	memcpy(body.cookie, link->copy_cookie, sizeof(body.cookie));
	pvmi_link_send(0, mpvm_task_ToDaemon_restorer_hello_tag, mpvm_task_RestorerHello_fields, &body);
}

void pvmi_link_retry(void)
{
	struct pvmi_link *link = pvmi->link;
	uint64_t ticks;
	int fd;

	if (sys_read(link->fd, &ticks, sizeof(ticks)) < 0)
		return;
	fd = connect_to(link->socket_path);
	if (fd < 0) {
		/* Frozen we wait for ever: only a daemon can say whether we live here or elsewhere. As a copy
		 * we do not: the task lives on at its source, or is handed back to it. */
		if (link->copy_cookie[0] && sys_now_ns() - link->lost_at > PVMI_GIVE_UP_NS)
			pvmi_agent_unwanted();
		if (!link->frozen_for[0] && sys_now_ns() - link->lost_at > PVMI_GIVE_UP_NS) {
			give_up(link);
			return;
		}
		link->retry_ns = link->retry_ns * 2 < PVMI_RETRY_MOST_NS ? link->retry_ns * 2 : PVMI_RETRY_MOST_NS;
		arm(link->fd, link->retry_ns);
		return;
	}
	drop_descriptor(link);
	pvmi_link_reset_buffers();
	if (link->copy_cookie[0]) {
		use_descriptor(link, fd, PVMI_LINK_UP);
		say_hello(link);
		return;
	}
	link->returning_request = pvmi_link_new_request();
	use_descriptor(link, fd, PVMI_LINK_RETURNING);
	send_enroll(link->returning_request, NULL, pvmi->tid);
}

static void send_again(struct pvmi_link *link)
{
	struct pvmi_request *request;

	if (link->endpoint.known)
		pvmi_link_endpoint(link->endpoint.local_path, link->endpoint.port);
	for (request = link->requests; request; request = request->next)
		if (!request->done && request->frame)
			pvmi_link_queue(request->frame, request->frame_length);
	pvmi_link_resend_resolves();
}

void pvmi_link_returned(const struct pvmi_frame *frame)
{
	struct pvmi_link *link = pvmi->link;

	if (frame->status < 0 || frame->tag != mpvm_task_ToTask_enrolled_tag ||
	    !pvmi_place_adopt(frame->body, frame->length, false)) {
		give_up(link);
		return;
	}
	link->state = PVMI_LINK_UP;
	remember_socket(link);
	send_again(link);
}

/* ------------------------------------------------------------------ after a move */

int pvmi_link_renew(int fd, const uint8_t *place, size_t length)
{
	struct pvmi_link *link = pvmi->link;

	if (!pvmi_place_adopt(place, length, false))
		return PvmSysErr;
	link->dispatching = false;
	link->frozen_for[0] = 0;
	link->copy_cookie[0] = 0;
	link->endpoint.known = false;   /* the plane makes a new one */
	pvmi_link_reset_buffers();
	remember_socket(link);
	sys_fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	use_descriptor(link, fd, PVMI_LINK_UP);
	pvmi_news_renew();
	return PvmOk;
}
