/* round-robin: at the end of every interval, the next eligible path in the configuration's order,
 * after the last one the first. All paths get the same share of the time. Where it goes next is no
 * secret, so the interval is fixed by default; random-interval is the one for privacy. */
#include "policies/interval.h"
#include "policies/select.h"

struct round_robin {
	struct interval_timer timer;
};

static const struct policy_param params[] = {INTERVAL_PARAMS(30000000, INTERVAL_FIXED)};

static int init(void *state, const union policy_value *values, char *error, size_t error_bytes)
{
	struct round_robin *s = state;

	return interval_init(&s->timer.interval, values, error, error_bytes);
}

static int next_path(const struct policy_input *in)
{
	size_t first = in->active == POLICY_NONE ? 0 : (size_t)in->active + 1;

	for (size_t i = 0; i < in->path_count; i++) {
		size_t path = (first + i) % in->path_count;

		if (select_is_candidate(in, path))
			return (int)path;
	}
	return POLICY_KEEP;
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct round_robin *s = state;

	if (interval_over(&s->timer, in, out))
		select_answer(out, next_path(in), "round-robin");
}

const struct policy_ops policy_round_robin = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "round-robin",
	.help = "Takes the eligible paths in turn, in the order of the configuration. Even shares; "
		"predictable.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct round_robin),
	.init = init,
	.decide = decide,
};
