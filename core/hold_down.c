#include "core/hold_down.h"

#include <math.h>

#define PENALTY_MAX 32

void hold_down_begin(struct hold_down *hold, const struct hold_down_config *config, struct mono now)
{
	double half_lives = (double)mono_diff_us(now, hold->failed) / (double)config->half_life_us;

	hold->penalty = fmin(hold->penalty * exp2(-half_lives) + 1, PENALTY_MAX);
	hold->failed = now;
	hold->until =
		mono_add_us(now, (int64_t)fmin((double)config->first_us * exp2(hold->penalty - 1),
					       (double)config->max_us));
}

bool hold_down_active(const struct hold_down *hold, struct mono now)
{
	return !mono_due(hold->until, now);
}
