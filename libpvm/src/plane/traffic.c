/*
 * traffic.c: whom this task sends to, for whoever plans where tasks should be. Nothing is done for
 * it when a message is sent: the channels count anyway. The daemon asks when somebody plans.
 */
#include "channel.h"

#define MOST_PEERS 4096         /* a report; the others are told of with the next one */

static bool has_news(const struct pvmi_channel *channel)
{
	return channel->counts.messages != channel->counts.told_messages;
}

static size_t collect(struct pvmi_traffic *peers)
{
	struct pvmi_channel *channel;
	size_t count = 0;

	for (channel = pvmi->plane->all_channels; channel && count < MOST_PEERS; channel = channel->next) {
		if (!has_news(channel))
			continue;
		peers[count].tid = channel->receiver;
		peers[count].messages = channel->counts.messages - channel->counts.told_messages;
		peers[count].bytes = channel->counts.bytes - channel->counts.told_bytes;
		count++;
	}
	return count;
}

static void told(const struct pvmi_traffic *peers, size_t count)
{
	struct pvmi_channel *channel;
	size_t i;

	for (i = 0; i < count; i++) {
		channel = pvmi_channel_find(peers[i].tid);
		channel->counts.told_messages += peers[i].messages;
		channel->counts.told_bytes += peers[i].bytes;
	}
}

void pvmi_plane_tell_traffic(void)
{
	struct pvmi_channel *channel;
	struct pvmi_traffic *peers;
	size_t count = 0;

	if (!pvmi->plane)
		return;
	for (channel = pvmi->plane->all_channels; channel && count < MOST_PEERS; channel = channel->next)
		count += has_news(channel);
	peers = pvmi_alloc((count + 1) * sizeof(*peers));
	if (!peers)
		return;
	count = collect(peers);
	/* Also when there is nothing to tell: who has asked knows that this was all. */
	if (pvmi_link_traffic(peers, count) == 0)
		told(peers, count);
	pvmi_free(peers);
}
