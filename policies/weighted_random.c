/* weighted-random: at the end of every interval a path is drawn by weights that never change, the
 * present one included. For paths that differ in what they may carry; whoever watches long enough
 * learns the weights. With "1 3 6", `dist: fixed` and a short interval it is the "136r" that the
 * CoMPS paper was evaluated with. */
#include "policies/numbers.h"
#include "policies/select.h"
#include "policies/turn.h"

#include <errno.h>
#include <stdio.h>

enum {
	WEIGHTS = INTERVAL_PARAM_COUNT
};

struct weighted_random {
	struct turn turn;
	double weights[SELECT_WEIGHTS_MAX];
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[WEIGHTS] = {.name = "weights",
		     .type = POLICY_TEXT,
		     .preset = {.text = ""},
		     .help = "one number for each path in the order of the configuration, blanks "
			     "between them; none: all alike"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct weighted_random *s = state;
	const char *text = setup->values[WEIGHTS].text;
	double sum = 0;
	size_t i, count;

	if (!numbers_read(text, '\0', s->weights, SELECT_WEIGHTS_MAX, &count, error, error_bytes))
		return -EINVAL;
	for (i = 0; i < SELECT_WEIGHTS_MAX; i++) {
		s->weights[i] = count ? s->weights[i] : 1;
		sum += s->weights[i];
	}
	if (!(sum > 0) || (count && setup->path_count && count != setup->path_count)) {
		snprintf(error, error_bytes,
			 "weights has %zu numbers; one for each of %zu paths is wanted, not all 0",
			 count, setup->path_count);
		return -EINVAL;
	}
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	const struct weighted_random *s = state;

	return select_weighted(in, s->weights);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct weighted_random *s = state;

	turn_decide(&s->turn, in, draw, s, "weights", out);
}

const struct policy_ops policy_weighted_random = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "weighted-random",
	.help = "Migrates after a random interval to a path drawn by the weights that you give.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct weighted_random),
	.init = init,
	.decide = decide,
};
