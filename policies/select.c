#include "policies/select.h"

#include <math.h>

size_t select_count(const struct policy_input *in)
{
	size_t count = 0;

	for (size_t i = 0; i < in->path_count; i++)
		count += select_is_candidate(in, i);
	return count;
}

int select_preferred(const struct policy_input *in)
{
	int best = POLICY_KEEP;

	for (size_t i = 0; i < in->path_count; i++) {
		if (!select_is_candidate(in, i))
			continue;
		if (best == POLICY_KEEP || in->paths[i].priority < in->paths[best].priority)
			best = (int)i;
	}
	return best;
}

int select_random(const struct policy_input *in, bool stay)
{
	uint32_t count = (uint32_t)select_count(in) + stay;
	uint32_t skip = policy_rng_below(&in->rng, POLICY_STREAM_PATH, count);

	for (size_t i = 0; i < in->path_count; i++) {
		if (select_is_candidate(in, i) && skip-- == 0)
			return (int)i;
	}
	return stay ? in->active : POLICY_KEEP;
}

static bool takes_part(const struct policy_input *in, size_t i)
{
	return i < SELECT_WEIGHTS_MAX &&
	       (select_is_candidate(in, i) || ((int)i == in->active && !select_must_move(in)));
}

int select_weighted(const struct policy_input *in, const double *weights)
{
	int last = select_must_move(in) ? POLICY_KEEP : in->active;
	double sum = 0, at;

	for (size_t i = 0; i < in->path_count; i++) {
		if (takes_part(in, i))
			sum += weights[i];
	}
	if (!(sum > 0))
		return last;
	at = policy_rng_unit(&in->rng, POLICY_STREAM_PATH) * sum;
	for (size_t i = 0; i < in->path_count; i++) {
		if (!takes_part(in, i) || weights[i] <= 0)
			continue;
		last = (int)i; /* rounding may leave a rest */
		if (at <= weights[i])
			break;
		at -= weights[i];
	}
	return last;
}

static double srtt_us(const struct policy_input *in, int path)
{
	return in->paths[path].srtt_us < 0 ? INFINITY : (double)in->paths[path].srtt_us;
}

int select_fastest(const struct policy_input *in, bool stay)
{
	int best = stay ? in->active : POLICY_KEEP;

	for (size_t i = 0; i < in->path_count; i++) {
		if (!select_is_candidate(in, i))
			continue;
		if (best == POLICY_KEEP || srtt_us(in, (int)i) < srtt_us(in, best))
			best = (int)i;
	}
	return best;
}
