/* round-robin: at the end of every interval, the next eligible path in the configuration's order,
 * after the last one the first. All paths get the same share of the time. Where it goes next is no
 * secret, so the interval is fixed by default; random-interval is the one for privacy. With
 * `shuffle` every lap has an order of its own (Fisher and Yates) and does not begin where the last
 * one ended: even shares, and only the last paths of a lap can be guessed. */
#include "policies/interval.h"
#include "policies/select.h"

struct round_robin {
	struct interval_timer timer;
	bool shuffle;
	size_t left; /* of this lap: the first of `lap`, the last of them is next */
	uint16_t lap[SELECT_WEIGHTS_MAX];
};

enum {
	SHUFFLE = INTERVAL_PARAM_COUNT
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_FIXED),
	[SHUFFLE] = {.name = "shuffle",
		     .type = POLICY_FLAG,
		     .preset = {.flag = false},
		     .help = "every lap in an order of its own"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct round_robin *s = state;

	s->shuffle = setup->values[SHUFFLE].flag;
	return interval_init(&s->timer.interval, setup->values, error, error_bytes);
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

static void swap(uint16_t *a, uint16_t *b)
{
	uint16_t kept = *a;

	*a = *b;
	*b = kept;
}

static void new_lap(struct round_robin *s, const struct policy_input *in)
{
	size_t i;

	s->left = in->path_count < SELECT_WEIGHTS_MAX ? in->path_count : SELECT_WEIGHTS_MAX;
	for (i = 0; i < s->left; i++) {
		size_t j = policy_rng_below(&in->rng, POLICY_STREAM_PATH, (uint32_t)i + 1);

		s->lap[i] = (uint16_t)i;
		swap(&s->lap[i], &s->lap[j]);
	}
	if (s->left > 1 && s->lap[s->left - 1] == in->active)
		swap(&s->lap[0], &s->lap[s->left - 1]);
}

/* The next candidate of this lap. */
static int next_of_lap(const struct round_robin *s, const struct policy_input *in)
{
	for (size_t i = s->left; i > 0; i--) {
		if (select_is_candidate(in, s->lap[i - 1]))
			return s->lap[i - 1];
	}
	return POLICY_KEEP;
}

static int next_shuffled(struct round_robin *s, const struct policy_input *in)
{
	int path = next_of_lap(s, in);

	if (path != POLICY_KEEP || !select_count(in))
		return path;
	new_lap(s, in);
	return next_of_lap(s, in);
}

/* The lap goes on behind the path that is taken. */
static void pass(struct round_robin *s, int active)
{
	for (size_t i = s->left; i > 0; i--) {
		if (s->lap[i - 1] == active)
			s->left = i - 1;
	}
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct round_robin *s = state;

	if (in->event == POLICY_MIGRATED)
		pass(s, in->active);
	if (interval_over(&s->timer, in, out))
		select_answer(out, s->shuffle ? next_shuffled(s, in) : next_path(in),
			      "round-robin");
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
