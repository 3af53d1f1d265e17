/*
 * will.c: what is on its way to a receiver that cannot be reached just now outlives its sender.
 *
 * Until a channel is open (a first contact, a receiver that moves, a broken connection) its messages
 * lie in our own memory, and pvm_send has returned. So a copy of each goes to a file in the node's
 * directory, the will. When the process ends, the daemon delivers what it finds there; the receiver
 * takes each message once, by its number. When all channels have settled the will is removed.
 *
 * The file is a row of records, each a header and a body; the last one may be cut short by the end of
 * the process: that pvm_send has not returned. daemon/task/will.ts reads it.
 */
#include <string.h>

#include "channel.h"

#define MOST_BYTES (256UL << 10)        /* a message: a larger one is sent sooner than it is written down */
#define BOUND (16UL << 20)              /* the file */
#define PIECES 64                       /* of a message */

struct record {                         /* little-endian */
	uint32_t length;                /* of the body */
	uint32_t receiver;
	uint64_t incarnation, number;
	int32_t tag, wait_id;
	uint32_t context, encoding, crc;
	uint32_t zero;
};

/* t40002.will beside t40002.1 */
static bool set_path(struct pvmi_plane *plane)
{
	size_t length = strlen(plane->local_path);

	while (length && plane->local_path[length - 1] != '.')
		length--;
	if (!length || length + 5 > sizeof(plane->will.path))
		return false;
	memcpy(plane->will.path, plane->local_path, length);
	memcpy(plane->will.path + length, "will", 5);
	return true;
}

static bool open_will(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	long fd;

	if (plane->will.fd >= 0)
		return true;
	if (!set_path(plane))
		return false;
	fd = sys_open(plane->will.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	plane->will.fd = (int)fd;
	plane->will.bytes = 0;
	pvmi_own_fd((int)fd);
	return true;
}

/* All of it, or nothing: half a record would hide all that come after it. */
static bool put(const struct iovec *parts, int count, size_t length)
{
	struct pvmi_plane *plane = pvmi->plane;
	long written = sys_writev(plane->will.fd, parts, count);

	if (written != (long)length) {
		sys_ftruncate(plane->will.fd, plane->will.bytes);
		return false;
	}
	plane->will.bytes += length;
	return true;
}

static bool write_down(const struct pvmi_channel *channel, const struct pvmi_outgoing *outgoing)
{
	struct record record = {
		.length = (uint32_t)outgoing->length, .receiver = channel->receiver,
		.incarnation = pvmi->incarnation, .number = outgoing->number,
		.tag = outgoing->tag, .wait_id = outgoing->wait_id, .context = outgoing->context,
		.encoding = outgoing->encoding, .crc = outgoing->crc,
	};
	struct iovec parts[PIECES + 1] = { { &record, sizeof(record) } };
	uint32_t i;

	if (outgoing->length > MOST_BYTES || outgoing->pieces > PIECES || !open_will() ||
	    pvmi->plane->will.bytes + outgoing->length > BOUND)
		return false;
	for (i = 0; i < outgoing->pieces; i++)
		parts[i + 1] = (struct iovec){ outgoing->piece[i].bytes, outgoing->piece[i].length };
	return put(parts, (int)outgoing->pieces + 1, sizeof(record) + outgoing->length);
}

void pvmi_will_keep(struct pvmi_channel *channel)
{
	const struct pvmi_outgoing *outgoing = channel->last;

	if (!outgoing || outgoing->number <= channel->willed)
		return;
	if (outgoing->number != channel->willed + 1)
		outgoing = channel->first;
	for (; outgoing; outgoing = outgoing->next) {
		if (outgoing->number <= channel->willed)
			continue;
		if (!write_down(channel, outgoing))
			return;         /* nor what comes after it: order before all */
		channel->willed = outgoing->number;
	}
}

static void forget_all(void)
{
	struct pvmi_channel *channel;

	for (channel = pvmi->plane->all_channels; channel; channel = channel->next)
		channel->willed = 0;
}

void pvmi_will_drop(void)
{
	struct pvmi_plane *plane = pvmi->plane;

	if (plane->will.fd < 0)
		return;
	sys_unlink(plane->will.path);
	pvmi_disown_fd(plane->will.fd);
	sys_close(plane->will.fd);
	plane->will.fd = -1;
	forget_all();
}

void pvmi_will_renew(void)
{
	struct pvmi_plane *plane = pvmi->plane;
	struct pvmi_channel *channel;

	if (plane->will.fd < 0)
		return;
	sys_ftruncate(plane->will.fd, 0);
	plane->will.bytes = 0;
	forget_all();
	for (channel = plane->all_channels; channel; channel = channel->next)
		if (pvmi_channel_is_unsettled(channel))
			pvmi_will_keep(channel);
}

void pvmi_will_left_behind(void)
{
	pvmi->plane->will.fd = -1;
	forget_all();
}
