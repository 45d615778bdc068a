/* latency-softmax: at the end of every interval a path is drawn, the faster the likelier:
 *
 *   P(p) = (1 - floor) * exp(-(srtt_p - srtt_min) / temperature) / sum + floor / N
 *
 * A low temperature is latency-best without its patience, a high one random-interval. */
#include "policies/select.h"
#include "policies/turn.h"

#include <math.h>

enum {
	TEMPERATURE = INTERVAL_PARAM_COUNT,
	FLOOR
};

struct latency_softmax {
	struct turn turn;
	const union policy_value *values;
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[TEMPERATURE] =
		{.name = "temperature",
		 .type = POLICY_DURATION,
		 .preset = {.duration_us = 20000},
		 .min = 100,
		 .max = 10e6,
		 .help = "round-trip time by which a path must be slower to be e times less "
			 "likely"},
	[FLOOR] = {.name = "floor",
		   .type = POLICY_NUMBER,
		   .preset = {.number = 0.2},
		   .min = 0,
		   .max = 1,
		   .help = "share of the choices that are made without looking at latency"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct latency_softmax *s = state;

	s->values = setup->values;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	const struct latency_softmax *s = state;
	bool stay = !select_must_move(in);
	int best = select_fastest(in, stay);
	double weights[SELECT_WEIGHTS_MAX] = {0}, sum = 0, floor = s->values[FLOOR].number;
	size_t i, n = in->path_count < SELECT_WEIGHTS_MAX ? in->path_count : SELECT_WEIGHTS_MAX;

	if (best == POLICY_KEEP || in->paths[best].srtt_us < 0)
		return select_random(in, stay);
	for (i = 0; i < n; i++) {
		if (in->paths[i].srtt_us >= 0)
			weights[i] = exp(-(double)(in->paths[i].srtt_us - in->paths[best].srtt_us) /
					 (double)s->values[TEMPERATURE].duration_us);
		if (select_is_candidate(in, i) || (stay && (int)i == in->active))
			sum += weights[i];
	}
	for (i = 0; i < n; i++)
		weights[i] =
			(1 - floor) * weights[i] / sum + floor / (double)(select_count(in) + stay);
	return select_weighted(in, weights);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct latency_softmax *s = state;

	turn_decide(&s->turn, in, draw, s, "softmax", out);
}

const struct policy_ops policy_latency_softmax = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "latency-softmax",
	.help = "Migrates after a random interval to a path drawn by latency, the faster the "
		"likelier. Between speed and privacy.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct latency_softmax),
	.init = init,
	.decide = decide,
};
