#include "policies/select.h"

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
