/* burst-aware: after a random interval, waits for a gap in the traffic and migrates there to one of
 * the other paths, each equally likely. Packets of one burst then take one path: the least
 * reordering, but whole bursts are seen, and the moves show when the user thinks. */
#include "policies/select.h"
#include "policies/turn.h"

#define LOOK_US 10000

enum {
	QUIET = INTERVAL_PARAM_COUNT,
	WAIT
};

struct burst_aware {
	struct turn turn;
	int64_t quiet_us, wait_us;
	int64_t armed_us; /* when the interval was over; POLICY_NEVER while it lasts */
	int64_t look_us;  /* the next look at the packets */
	uint64_t packets; /* of the active path, at the last look that found new ones */
	int64_t since_us; /* of that */
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[QUIET] = {.name = "quiet",
		   .type = POLICY_DURATION,
		   .preset = {.duration_us = 20000},
		   .min = 10e3,
		   .max = 60e6,
		   .help = "a gap is so long without a packet"},
	[WAIT] = {.name = "wait",
		  .type = POLICY_DURATION,
		  .preset = {.duration_us = 500000},
		  .min = 0,
		  .max = 3600e6,
		  .help = "longest wait for a gap; then it migrates anyway"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct burst_aware *s = state;

	s->quiet_us = setup->values[QUIET].duration_us;
	s->wait_us = setup->values[WAIT].duration_us;
	s->armed_us = POLICY_NEVER;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	(void)state;
	return select_random(in, false);
}

/* The interval is over: is this a gap, or has it waited long enough? */
static bool is_moment(struct burst_aware *s, const struct policy_input *in)
{
	const struct policy_path *path = &in->paths[in->active];
	uint64_t packets = path->tx_packets + path->rx_packets;
	bool first = s->armed_us == POLICY_NEVER;

	if (first)
		s->armed_us = in->now_us;
	if (first || packets != s->packets) {
		s->packets = packets;
		s->since_us = in->now_us;
	}
	s->look_us = in->now_us + LOOK_US;
	return in->now_us - s->since_us >= s->quiet_us || in->now_us - s->armed_us >= s->wait_us;
}

static bool waits(struct burst_aware *s, const struct policy_input *in)
{
	if (select_must_move(in) || in->now_us < s->turn.due_us)
		return false;
	return in->now_us < s->look_us || !is_moment(s, in);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct burst_aware *s = state;

	if (in->event == POLICY_START || in->event == POLICY_MIGRATED) {
		s->armed_us = POLICY_NEVER;
		s->look_us = 0;
	} else if (waits(s, in)) {
		out->wake_us = s->look_us;
		return;
	}
	turn_decide(&s->turn, in, draw, s, "gap", out);
	if (out->path == POLICY_KEEP)
		s->armed_us = POLICY_NEVER; /* a new interval, or there was nowhere to go */
}

const struct policy_ops policy_burst_aware = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "burst-aware",
	.help = "Migrates after a random interval, in the next gap of the traffic. The least "
		"reordering; whole bursts are seen.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct burst_aware),
	.init = init,
	.decide = decide,
};
