/* random-interval: at the end of every interval, one of the other eligible paths, each with the
 * same probability. Neither the instant nor the target follows from what was before; the default
 * law, shifted-exponential, gives away nothing about when an interval ends once its minimum has
 * passed. With `dist: fixed` and a short interval it is the original CoMPS's "ur" scheduler, except
 * that this one never "migrates" to the path that it is on. */
#include "policies/interval.h"
#include "policies/select.h"

struct random_interval {
	struct interval_timer timer;
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL)};

static int init(void *state, const union policy_value *values, char *error, size_t error_bytes)
{
	struct random_interval *s = state;

	return interval_init(&s->timer.interval, values, error, error_bytes);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct random_interval *s = state;

	if (interval_over(&s->timer, in, out))
		select_answer(out, select_random(in, false), "random");
}

const struct policy_ops policy_random_interval = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "random-interval",
	.help = "Migrates after a random interval to one of the other eligible paths, each equally "
		"likely. For unattended privacy rotation.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct random_interval),
	.init = init,
	.decide = decide,
};
