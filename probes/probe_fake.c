#include "probes/probe_fake.h"

#include <errno.h>

int probe_fake_inject(struct probe_fake *fake, const struct probe_reply *reply)
{
	if (fake->count == PROBE_FAKE_PENDING)
		return -ENOBUFS;
	fake->pending[fake->count++] = *reply;
	return 0;
}

static void send_one(struct probe_fake *fake, struct probe_packet *packet, struct mono now)
{
	int64_t rtt_us;
	struct probe_reply reply = {
		.sequence = packet->sequence,
		.token = packet->token,
		.ifindex = packet->ifindex,
	};

	packet->sent = now;
	packet->error = 0;
	rtt_us = fake->fate(fake->arg, packet);
	if (packet->error || rtt_us < 0)
		return;
	reply.received = mono_add_us(now, rtt_us);
	packet->error = probe_fake_inject(fake, &reply);
}

static void fake_send(void *self, struct probe_packet *packets, size_t count, struct mono now)
{
	size_t i;

	for (i = 0; i < count; i++)
		send_one(self, &packets[i], now);
}

static size_t fake_fds(void *self, int fds[PROBE_FDS])
{
	(void)self;
	(void)fds;
	return 0;
}

/* The index of the reply that arrives first; 0 when there is none. */
static size_t earliest(const struct probe_fake *fake)
{
	size_t i, best = 0;

	for (i = 1; i < fake->count; i++)
		if (mono_before(fake->pending[i].received, fake->pending[best].received))
			best = i;
	return best;
}

struct mono probe_fake_next_deadline(const struct probe_fake *fake)
{
	return fake->count ? fake->pending[earliest(fake)].received : MONO_NEVER;
}

static int fake_receive(void *self, int fd, struct probe_reply *replies, size_t max,
			struct mono now)
{
	struct probe_fake *fake = self;
	size_t taken;

	(void)fd;
	for (taken = 0; taken < max && mono_due(probe_fake_next_deadline(fake), now); taken++) {
		size_t i = earliest(fake);

		replies[taken] = fake->pending[i];
		fake->pending[i] = fake->pending[--fake->count];
	}
	return (int)taken;
}

const struct probe_ops probe_fake_ops = {
	.fds = fake_fds,
	.send = fake_send,
	.receive = fake_receive,
};
