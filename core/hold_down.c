#include "core/hold_down.h"

#define FORGIVE_AFTER 10

void hold_down_begin(struct hold_down *hold, int64_t first_us, int64_t max_us, struct mono now)
{
	int64_t us = hold->us * 2;

	if (us == 0 || mono_diff_us(now, hold->failed) > FORGIVE_AFTER * hold->us)
		us = first_us;
	hold->us = us > max_us ? max_us : us;
	hold->failed = now;
	hold->until = mono_add_us(now, hold->us);
}

bool hold_down_active(const struct hold_down *hold, struct mono now)
{
	return !mono_due(hold->until, now);
}
