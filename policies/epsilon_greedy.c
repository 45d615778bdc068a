/* epsilon-greedy: at the end of every interval the fastest path, or, once in a while, any path,
 * each equally likely. The classic of the multi-armed bandit (Sutton and Barto, "Reinforcement
 * Learning", section 2.2); here the exploring hides something, the probes explore anyway. */
#include "policies/select.h"
#include "policies/turn.h"

enum {
	EPSILON = INTERVAL_PARAM_COUNT
};

struct epsilon_greedy {
	struct turn turn;
	double epsilon;
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[EPSILON] = {.name = "epsilon",
		     .type = POLICY_NUMBER,
		     .preset = {.number = 0.1},
		     .min = 0,
		     .max = 1,
		     .help = "share of the choices that are random"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct epsilon_greedy *s = state;

	s->epsilon = setup->values[EPSILON].number;
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	const struct epsilon_greedy *s = state;
	bool stay = !select_must_move(in);

	/* In (0, 1], so that an epsilon of 0 never explores. */
	if (policy_rng_unit(&in->rng, POLICY_STREAM_PATH) <= s->epsilon)
		return select_random(in, stay);
	return select_fastest(in, stay);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct epsilon_greedy *s = state;

	turn_decide(&s->turn, in, draw, s, "greedy", out);
}

const struct policy_ops policy_epsilon_greedy = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "epsilon-greedy",
	.help = "Takes the fastest path at the end of every interval, but now and then any path. "
		"For speed with a little cover.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct epsilon_greedy),
	.init = init,
	.decide = decide,
};
