/* dirichlet: at the end of every interval a path is drawn by weights that hold for a session and
 * are drawn anew for the next one, from Dirichlet(alpha, ..., alpha). So no two sessions split
 * alike, which is what the CoMPS paper (Wang et al., PoPETs 2022) found the best against
 * fingerprinting: its "wr" scheduler is this with alpha 1, no cap and a fixed interval of 100 ms.
 * With a cap, weights of which one is above it are drawn again: no path sees much of any session.
 */
#include "policies/select.h"
#include "policies/turn.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define TRIES 1000

enum {
	ALPHA = INTERVAL_PARAM_COUNT,
	CAP,
	SESSION,
	PAUSE
};

struct dirichlet {
	struct turn turn;
	double alpha, cap;
	struct interval session;
	int64_t end_us; /* of this session */
	bool pause;
	uint32_t number; /* of this session */
	double weights[SELECT_WEIGHTS_MAX];
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[ALPHA] = {.name = "alpha",
		   .type = POLICY_NUMBER,
		   .preset = {.number = 1},
		   .min = 0.05,
		   .max = 100,
		   .help = "how even the weights are: small is uneven, 1 is any with the same "
			   "chance"},
	[CAP] = {.name = "cap",
		 .type = POLICY_NUMBER,
		 .preset = {.number = 0.5},
		 .min = 0.01,
		 .max = 1,
		 .help = "largest weight of a path; 1 is no limit"},
	[SESSION] = {.name = "session",
		     .type = POLICY_DURATION,
		     .preset = {.duration_us = 600000000},
		     .min = 1e6,
		     .max = INTERVAL_LONGEST_US,
		     .help = "mean length of a session"},
	[PAUSE] = {.name = "pause",
		   .type = POLICY_FLAG,
		   .preset = {.flag = true},
		   .help = "a pause of the traffic ends a session, too"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct dirichlet *s = state;

	s->alpha = setup->values[ALPHA].number;
	s->cap = setup->values[CAP].number;
	s->session = (struct interval){.dist = INTERVAL_UNIFORM,
				       .mean_us = (double)setup->values[SESSION].duration_us};
	s->pause = setup->values[PAUSE].flag;
	s->end_us = INT64_MIN;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static double draw_normal(const struct policy_rng *rng)
{
	double u = policy_rng_unit(rng, POLICY_STREAM_WEIGHTS);
	double v = policy_rng_unit(rng, POLICY_STREAM_WEIGHTS);

	return sqrt(-2 * log(u)) * cos(2 * acos(-1) * v); /* Box and Muller (1958) */
}

/* Gamma(alpha, 1) by Marsaglia and Tsang (2000); below 1 by their boost. */
static double draw_gamma(double alpha, const struct policy_rng *rng)
{
	double boost = 1, d, c, x, v, u;

	if (alpha < 1) {
		boost = pow(policy_rng_unit(rng, POLICY_STREAM_WEIGHTS), 1 / alpha);
		alpha += 1;
	}
	d = alpha - 1.0 / 3;
	c = 1 / sqrt(9 * d);
	do {
		x = draw_normal(rng);
		v = pow(1 + c * x, 3);
		u = policy_rng_unit(rng, POLICY_STREAM_WEIGHTS);
	} while (!(v > 0) || log(u) >= 0.5 * x * x + d - d * v + d * log(v));
	return boost * d * v;
}

/* Draws all weights once. Returns the largest. */
static double draw_weights(struct dirichlet *s, size_t n, const struct policy_rng *rng)
{
	double sum = 0, largest = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		s->weights[i] = draw_gamma(s->alpha, rng);
		sum += s->weights[i];
	}
	for (i = 0; i < n; i++) {
		s->weights[i] = sum > 0 ? s->weights[i] / sum : 1 / (double)n;
		largest = fmax(largest, s->weights[i]);
	}
	return largest;
}

static void begin_session(struct dirichlet *s, const struct policy_input *in)
{
	size_t i, n = in->path_count < SELECT_WEIGHTS_MAX ? in->path_count : SELECT_WEIGHTS_MAX;
	bool possible = s->cap * (double)n > 1;

	s->number = in->session;
	s->end_us = in->now_us + interval_draw_us(&s->session, &in->rng);
	for (i = 0; i < TRIES && (possible || i == 0); i++) {
		if (draw_weights(s, n, &in->rng) <= s->cap)
			return;
	}
	for (i = 0; i < n; i++)
		s->weights[i] = 1 / (double)n;
}

static int draw(void *state, const struct policy_input *in)
{
	struct dirichlet *s = state;

	if (in->now_us >= s->end_us || (s->pause && in->session != s->number))
		begin_session(s, in);
	return select_weighted(in, s->weights);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct dirichlet *s = state;

	turn_decide(&s->turn, in, draw, s, "weights", out);
}

const struct policy_ops policy_dirichlet = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "dirichlet",
	.help = "Migrates after a random interval to a path drawn by weights that are drawn anew "
		"for "
		"every session. Against traffic analysis; uneven by design.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct dirichlet),
	.init = init,
	.decide = decide,
};
