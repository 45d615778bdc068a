/* random-interval: at the end of every interval, one of the other eligible paths, each with the
 * same probability. Neither the instant nor the target follows from what was before; the default
 * law, shifted-exponential, gives away nothing about when an interval ends once its minimum has
 * passed. With `dist: fixed`, a short interval and `stay: true` it is the original CoMPS's "ur". */
#include "policies/select.h"
#include "policies/turn.h"

struct random_interval {
	struct turn turn;
	bool stay;
};

enum {
	STAY = INTERVAL_PARAM_COUNT
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[STAY] = {.name = "stay",
		  .type = POLICY_FLAG,
		  .preset = {.flag = false},
		  .help = "the present path may be the choice, too"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct random_interval *s = state;

	s->stay = setup->values[STAY].flag;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	struct random_interval *s = state;

	return select_random(in, s->stay && !select_must_move(in));
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct random_interval *s = state;

	turn_decide(&s->turn, in, draw, s, "random", out);
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
