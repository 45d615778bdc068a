/* latency-best: the eligible path of the lowest smoothed round-trip time (srtt, RFC 6298), held
 * until another one is clearly better for a while:
 *
 *   best srtt < active srtt * (1 - relative) - absolute
 *
 * must hold at `evaluations` evaluations in a row, `every` apart, the last of them at least `hold`
 * after the last migration. So neither noise nor one good sample moves it, and the path that it has
 * just left must become better by the same margin to get it back. A path without a measured RTT is
 * never preferred to one with. Who can make a path fast or slow steers this policy. */
#include "policies/select.h"

#include <math.h>

enum {
	RELATIVE,
	ABSOLUTE,
	EVALUATIONS,
	EVERY,
	HOLD
};

struct latency_best {
	const union policy_value *values;
	int64_t next_us; /* the next evaluation */
	int64_t beaten;	 /* evaluations in a row at which the active path was */
	bool wants;	 /* to leave it, as of the last evaluation */
};

static const struct policy_param params[] = {
	[RELATIVE] = {.name = "relative",
		      .type = POLICY_NUMBER,
		      .preset = {.number = 0.15},
		      .min = 0,
		      .max = 0.9,
		      .help = "share of the active path's RTT by which another must be better"},
	[ABSOLUTE] = {.name = "absolute",
		      .type = POLICY_DURATION,
		      .preset = {.duration_us = 5000},
		      .min = 0,
		      .max = 10e6,
		      .help = "time by which it must be better on top of that"},
	[EVALUATIONS] = {.name = "evaluations",
			 .type = POLICY_COUNT,
			 .preset = {.count = 3},
			 .min = 1,
			 .max = 1000,
			 .help = "evaluations in a row at which it must be better"},
	[EVERY] = {.name = "every",
		   .type = POLICY_DURATION,
		   .preset = {.duration_us = 1000000},
		   .min = 10e3,
		   .max = 3600e6,
		   .help = "time between two evaluations"},
	[HOLD] = {.name = "hold",
		  .type = POLICY_DURATION,
		  .preset = {.duration_us = 5000000},
		  .min = 0,
		  .max = 86400e6,
		  .help = "shortest stay on a path that works"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct latency_best *s = state;

	(void)error;
	(void)error_bytes;
	s->values = setup->values;
	return 0;
}

static double srtt_us(const struct policy_input *in, int path)
{
	return in->paths[path].srtt_us < 0 ? INFINITY : (double)in->paths[path].srtt_us;
}

static bool clearly_better(const struct latency_best *s, const struct policy_input *in, int path)
{
	double active_us = srtt_us(in, in->active);

	return path != POLICY_KEEP && isfinite(active_us) &&
	       srtt_us(in, path) < active_us * (1 - s->values[RELATIVE].number) -
					   (double)s->values[ABSOLUTE].duration_us;
}

/* Between two evaluations nothing changes its mind: figures come and go. */
static void evaluate(struct latency_best *s, const struct policy_input *in, int path)
{
	bool afresh = in->event == POLICY_START || in->event == POLICY_MIGRATED;
	bool better = clearly_better(s, in, path);

	s->wants &= better; /* while a guard makes it wait */
	if (!afresh && in->now_us < s->next_us)
		return;
	s->beaten = better && !afresh ? s->beaten + 1 : 0;
	s->next_us = in->now_us + s->values[EVERY].duration_us;
	s->wants = s->beaten >= s->values[EVALUATIONS].count &&
		   in->now_us - in->since_us >= s->values[HOLD].duration_us;
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct latency_best *s = state;
	int path = select_fastest(in, false);

	if (!select_must_move(in))
		evaluate(s, in, path);
	if (select_must_move(in) || s->wants)
		select_answer(out, path, "latency");
	if (out->path == POLICY_KEEP)
		out->wake_us = s->next_us;
}

const struct policy_ops policy_latency_best = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "latency-best",
	.help = "Takes the path of the lowest smoothed RTT, and leaves it only for one that stays "
		"clearly better. For speed; no privacy.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct latency_best),
	.init = init,
	.decide = decide,
};
