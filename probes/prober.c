#include "probes/prober.h"

#include <errno.h>
#include <stdlib.h>

#include "probes/schedule.h"
#include "probes/seqwin.h"

/* A flood of replies is read so far, and then other work is done. */
#define ROUNDS_MAX 16

struct target {
	struct ip to;
	int ifindex;
	uint32_t next_number;
	int error;
};

struct prober {
	struct prober_config config;
	struct probe probe;
	struct prober_callbacks callbacks;
	struct rng *rng;
	struct schedule schedule; /* one entry per target */
	struct seqwin window;
	struct target *targets; /* path by path */
	struct prober_counters counters;
};

static int check(const struct prober_config *config)
{
	bool counts = config->path_count && config->burst_count;
	bool times = config->interval_us >= 1000 && config->late_us > 0 && config->burst_gap_us > 0;
	bool lengths = config->payload_min_bytes >= PROBE_PAYLOAD_MIN &&
		       config->payload_max_bytes >= config->payload_min_bytes &&
		       config->payload_max_bytes <= PROBE_PAYLOAD_MAX;

	return counts && times && lengths ? 0 : -EINVAL;
}

/* Enough to recognize the replies of four times late_us. */
static size_t window_capacity(const struct prober_config *config, size_t targets)
{
	int64_t each = 2 * 4 * config->late_us / config->interval_us + config->burst_count + 1;

	return each < SEQWIN_CAPACITY_MAX ? targets * (size_t)each : SEQWIN_CAPACITY_MAX;
}

int prober_new(const struct prober_config *config, struct probe probe,
	       struct prober_callbacks callbacks, struct rng *rng, struct prober **prober)
{
	size_t targets = config->path_count * PROBER_TARGETS;
	struct prober *p;
	int ret = check(config);

	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->config = *config;
	p->probe = probe;
	p->callbacks = callbacks;
	p->rng = rng;
	p->targets = calloc(targets, sizeof(*p->targets));
	ret = p->targets ? schedule_init(&p->schedule, targets, config->interval_us, rng) : -ENOMEM;
	if (!ret)
		ret = seqwin_init(&p->window, window_capacity(config, targets),
				  (uint16_t)rng_next(rng, PROBE_RNG_STREAM));
	if (ret) {
		prober_free(p);
		return ret;
	}
	*prober = p;
	return 0;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	schedule_fini(&prober->schedule);
	seqwin_fini(&prober->window);
	free(prober->targets);
	free(prober);
}

void prober_set_target(struct prober *prober, size_t path, unsigned int target, const struct ip *to,
		       int ifindex, struct mono now)
{
	size_t entry = path * PROBER_TARGETS + target;
	struct target *t = &prober->targets[entry];

	if (!to || to->family == AF_UNSPEC) {
		schedule_stop(&prober->schedule, entry);
		return;
	}
	t->to = *to;
	t->ifindex = ifindex;
	if (!schedule_running(&prober->schedule, entry))
		schedule_start(&prober->schedule, entry, now);
}

struct mono prober_next_deadline(const struct prober *prober)
{
	return schedule_next_deadline(&prober->schedule);
}

/* Makes the next probe to the target of schedule entry `index` and enters it into the window. */
static struct seqwin_entry *make_probe(struct prober *prober, size_t index,
				       struct probe_packet *packet)
{
	const struct prober_config *config = &prober->config;
	uint32_t lengths = (uint32_t)(config->payload_max_bytes - config->payload_min_bytes) + 1;
	struct target *target = &prober->targets[index];
	struct seqwin_entry *entry;

	*packet = (struct probe_packet){
		.to = target->to,
		.ifindex = target->ifindex,
		.token = (uint32_t)rng_next(prober->rng, PROBE_RNG_STREAM),
		.payload_bytes = (uint16_t)(config->payload_min_bytes +
					    rng_below(prober->rng, PROBE_RNG_STREAM, lengths)),
	};
	entry = seqwin_add(&prober->window, &packet->sequence);
	entry->number = target->next_number++;
	entry->path = (uint32_t)(index / PROBER_TARGETS);
	entry->target = (uint8_t)(index % PROBER_TARGETS);
	entry->token = packet->token;
	entry->ifindex = packet->ifindex;
	return entry;
}

static void on_sent(struct prober *prober, struct seqwin_entry *entry,
		    const struct probe_packet *packet)
{
	entry->sent = packet->sent;
	prober->targets[entry->path * PROBER_TARGETS + entry->target].error = packet->error;
	prober->counters.sent++;
	prober->counters.send_errors += packet->error != 0;
	prober->callbacks.sent(prober->callbacks.arg, entry->path, entry->target, entry->number,
			       packet->sent, packet->error);
}

void prober_run(struct prober *prober, struct mono now)
{
	struct probe_packet packets[PROBE_BATCH];
	struct seqwin_entry *entries[PROBE_BATCH];
	size_t i, index, count = 0;

	while (count < PROBE_BATCH && schedule_due(&prober->schedule, now, &index)) {
		entries[count] = make_probe(prober, index, &packets[count]);
		count++;
	}
	if (count)
		prober->probe.ops->send(prober->probe.self, packets, count, now);
	for (i = 0; i < count; i++)
		on_sent(prober, entries[i], &packets[i]);
}

size_t prober_fds(const struct prober *prober, int fds[PROBE_FDS])
{
	return prober->probe.ops->fds(prober->probe.self, fds);
}

/* From sending to reception; to `now` where the kernel's timestamp says that it came before. */
static int64_t rtt_us(const struct seqwin_entry *entry, const struct probe_reply *reply,
		      struct mono now)
{
	int64_t us = mono_diff_us(reply->received, entry->sent);

	if (us < 0)
		us = mono_diff_us(now, entry->sent);
	return us < 0 ? 0 : us;
}

static void on_reply(struct prober *prober, const struct probe_reply *reply, struct mono now)
{
	struct seqwin_entry *entry = seqwin_find(&prober->window, reply->sequence, reply->token);
	struct prober_reply out;

	if (!entry) {
		prober->counters.unknown++;
		return;
	}
	if (reply->ifindex != entry->ifindex) {
		prober->counters.wrong_interface++;
		return;
	}
	out = (struct prober_reply){
		.path = entry->path,
		.target = entry->target,
		.number = entry->number,
		.rtt_us = rtt_us(entry, reply, now),
		.duplicate = entry->answered,
	};
	out.late = out.rtt_us > prober->config.late_us;
	entry->answered = true;
	prober->counters.received++;
	prober->counters.duplicates += out.duplicate;
	prober->counters.late += out.late;
	prober->callbacks.reply(prober->callbacks.arg, &out);
}

void prober_on_readable(struct prober *prober, int fd, struct mono now)
{
	struct probe_reply replies[PROBE_REPLIES];
	int i, count, round = 0;

	do {
		count = prober->probe.ops->receive(prober->probe.self, fd, replies, PROBE_REPLIES,
						   now);
		if (count < 0)
			prober->counters.receive_errors++;
		for (i = 0; i < count; i++)
			on_reply(prober, &replies[i], now);
	} while (count > 0 && ++round < ROUNDS_MAX);
}

void prober_burst(struct prober *prober, struct mono now)
{
	schedule_burst(&prober->schedule, prober->config.burst_count, prober->config.burst_gap_us,
		       now);
}

void prober_forget_outstanding(struct prober *prober, struct mono now)
{
	seqwin_forget(&prober->window);
	schedule_restart(&prober->schedule, now);
}

const struct prober_counters *prober_counters(const struct prober *prober)
{
	return &prober->counters;
}

int prober_send_error(const struct prober *prober, size_t path, unsigned int target)
{
	return prober->targets[path * PROBER_TARGETS + target].error;
}
