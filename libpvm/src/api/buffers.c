/*
 * buffers.c: message buffers: making, choosing, asking about them. A buffer is the active send
 * buffer or the active receive buffer, never both.
 */
#include "api.h"

static int initsend(int encoding)
{
	struct pvmi_messages *m = pvmi->messages;
	int mid = pvmi_buffer_new(encoding);

	if (mid < 0)
		return mid;
	if (m->send_mid)
		pvmi_mid_free(m->send_mid);
	m->send_mid = mid;
	return mid;
}

int pvm_initsend(int encoding)
{
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_INITSEND, encoding);
	result = initsend(encoding);
	pvmi_tev_exit(TEV_INITSEND, result);
	return pvmi_end("pvm_initsend", result);
}

int pvm_mkbuf(int encoding)
{
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_MKBUF, encoding);
	result = pvmi_buffer_new(encoding);
	pvmi_tev_exit(TEV_MKBUF, result);
	return pvmi_end("pvm_mkbuf", result);
}

static int freebuf(int mid)
{
	struct pvmi_message *message;
	int error;

	if (!mid)
		return PvmOk;
	error = pvmi_mid_check(mid, &message);
	if (!error)
		pvmi_mid_free(mid);
	return error;
}

int pvm_freebuf(int mid)
{
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_FREEBUF, mid);
	result = freebuf(mid);
	pvmi_tev_exit(TEV_FREEBUF, result);
	return pvmi_end("pvm_freebuf", result);
}

int pvm_getsbuf(void)
{
	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_GETSBUF);
	pvmi_tev_exit(TEV_GETSBUF, pvmi->messages->send_mid);
	return pvmi_end("pvm_getsbuf", pvmi->messages->send_mid);
}

int pvm_getrbuf(void)
{
	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_GETRBUF);
	pvmi_tev_exit(TEV_GETRBUF, pvmi->messages->receive_mid);
	return pvmi_end("pvm_getrbuf", pvmi->messages->receive_mid);
}

/* Makes mid the active one of *active; a buffer that was active for the other purpose is so no more. */
static int activate(int mid, int *active, int *other)
{
	struct pvmi_message *message;
	int error, old = *active;

	if (mid) {
		error = pvmi_mid_check(mid, &message);
		if (error)
			return error;
		if (*other == mid)
			*other = 0;
	}
	*active = mid;
	return old;
}

int pvm_setsbuf(int mid)
{
	struct pvmi_messages *m = pvmi->messages;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_SETSBUF, mid);
	result = activate(mid, &m->send_mid, &m->receive_mid);
	pvmi_tev_exit(TEV_SETSBUF, result);
	return pvmi_end("pvm_setsbuf", result);
}

int pvm_setrbuf(int mid)
{
	struct pvmi_messages *m = pvmi->messages;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_SETRBUF, mid);
	result = activate(mid, &m->receive_mid, &m->send_mid);
	pvmi_tev_exit(TEV_SETRBUF, result);
	return pvmi_end("pvm_setrbuf", result);
}

/* Data in place counts only once it has been sent, as in PVM. */
static int visible_length(const struct pvmi_message *message)
{
	return message->encoding == PVMI_ENC_IN_PLACE ? 0 : (int)message->length;
}

int pvm_bufinfo(int mid, int *bytes, int *tag, int *tid)
{
	struct pvmi_message *message;
	int error;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_BUFINFO, mid);
	error = pvmi_mid_check(mid, &message);
	if (!error) {
		if (bytes)
			*bytes = visible_length(message);
		if (tag)
			*tag = message->tag;
		if (tid)
			*tid = (int)message->source;
	}
	pvmi_tev_exit(TEV_BUFINFO, error, error ? error : visible_length(message), error ? error : message->tag,
		      error ? error : (int)message->source);
	return pvmi_end("pvm_bufinfo", error);
}

int pvm_getminfo(int mid, struct pvmminfo *info)
{
	struct pvmi_message *message;
	int error;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_GETMINFO, mid);
	error = info ? pvmi_mid_check(mid, &message) : PvmBadParam;
	if (!error)
		*info = (struct pvmminfo){
			.len = visible_length(message),
			.ctx = (int)message->context,
			.tag = message->tag,
			.wid = message->wait_id,
			.enc = (int)message->encoding,
			.crc = (int)message->crc,
			.src = (int)message->source,
			.dst = (int)message->destination,
		};
	pvmi_tev_exit(TEV_GETMINFO, error);
	return pvmi_end("pvm_getminfo", error);
}

/* Length, encoding and checksum are what they are. */
int pvm_setminfo(int mid, struct pvmminfo *info)
{
	struct pvmi_message *message;
	int error;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_SETMINFO, mid);
	error = info ? pvmi_mid_check(mid, &message) : PvmBadParam;
	if (!error) {
		message->context = (uint32_t)info->ctx;
		message->tag = info->tag;
		message->wait_id = info->wid;
		message->source = (uint32_t)info->src;
		message->destination = (uint32_t)info->dst;
	}
	pvmi_tev_exit(TEV_SETMINFO, error);
	return pvmi_end("pvm_setminfo", error);
}

int pvm_getmwid(int mid)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	result = pvmi_mid_check(mid, &message);
	return pvmi_end("pvm_getmwid", result ? result : message->wait_id);
}

int pvm_setmwid(int mid, int wait_id)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	result = pvmi_mid_check(mid, &message);
	if (!result)
		message->wait_id = wait_id;
	return pvmi_end("pvm_setmwid", result);
}
