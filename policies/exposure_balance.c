/* exposure-balance: at the end of every interval a path is drawn among those that have had less
 * than their equal share of the time lately, the less the likelier. Even shares soon, for quotas;
 * whoever knows the past can guess, so it is not for privacy. */
#include "policies/select.h"
#include "policies/turn.h"

#include <math.h>

enum {
	WINDOW = INTERVAL_PARAM_COUNT
};

struct exposure_balance {
	struct turn turn;
	double window_us;
	int on; /* the path that was active until now */
	int64_t until_us;
	double share[SELECT_WEIGHTS_MAX]; /* of the time, with old time fading */
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[WINDOW] = {.name = "window",
		    .type = POLICY_DURATION,
		    .preset = {.duration_us = 300000000},
		    .min = 1e6,
		    .max = 86400e6,
		    .help = "how long ago counts e times less"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct exposure_balance *s = state;

	s->window_us = (double)setup->values[WINDOW].duration_us;
	s->on = POLICY_NONE;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

/* The time since the last look was the active path's. */
static void look(struct exposure_balance *s, const struct policy_input *in, size_t n)
{
	double kept = exp(-(double)(in->now_us - s->until_us) / s->window_us);

	if (s->on != POLICY_NONE && (size_t)s->on < n) {
		for (size_t i = 0; i < n; i++)
			s->share[i] *= kept;
		s->share[s->on] += 1 - kept;
	}
	s->on = in->active;
	s->until_us = in->now_us;
}

static int draw(void *state, const struct policy_input *in)
{
	size_t i, n = in->path_count < SELECT_WEIGHTS_MAX ? in->path_count : SELECT_WEIGHTS_MAX;
	struct exposure_balance *s = state;
	double weights[SELECT_WEIGHTS_MAX];
	int path;

	look(s, in, n);
	for (i = 0; i < n; i++)
		weights[i] = fmax(0, 1 / (double)n - s->share[i]);
	path = select_weighted(in, weights);
	return path == POLICY_KEEP ? select_random(in, false) : path;
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct exposure_balance *s = state;

	if (in->event == POLICY_MIGRATED)
		look(s, in,
		     in->path_count < SELECT_WEIGHTS_MAX ? in->path_count : SELECT_WEIGHTS_MAX);
	turn_decide(&s->turn, in, draw, s, "balance", out);
}

const struct policy_ops policy_exposure_balance = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "exposure-balance",
	.help = "Migrates after a random interval to a path that has had less than its share of "
		"the "
		"time. For quotas; no privacy.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct exposure_balance),
	.init = init,
	.decide = decide,
};
