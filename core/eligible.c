#include "core/eligible.h"

/* Even the last path is left alone for so long after it failed: a kernel that refuses it is not
 * asked in a circle. */
#define BREATH_US INT64_C(1000000)

static bool is_held(const struct steer *steer, size_t i, struct mono now)
{
	return hold_down_active(&steer->path[i].hold, now);
}

bool eligible_ignores_holds(const struct steer *steer, const struct path_view *views,
			    struct mono now)
{
	size_t i;

	for (i = 0; i < steer->count; i++) {
		const struct steer_path *path = &steer->path[i];
		/* While the active path works, even drained, nothing is in a hurry. */
		bool works = (int)i == steer->active && !path->unsettled;

		if (eligible_is_usable(&views[i]) &&
		    (works || (!path->drained && !is_held(steer, i, now))))
			return false;
	}
	return true;
}

static struct mono breath_end(const struct steer *steer, size_t i)
{
	return mono_add_us(steer->path[i].hold.failed, BREATH_US);
}

bool eligible_path(const struct steer *steer, const struct path_view *view, size_t i,
		   bool ignore_holds, struct mono now)
{
	return eligible_is_up(view) && !steer->path[i].drained &&
	       (ignore_holds ? mono_due(breath_end(steer, i), now) : !is_held(steer, i, now));
}

bool steer_eligible(const struct steer *steer, const struct path_view *views, int path,
		    struct mono now)
{
	return eligible_path(steer, &views[path], (size_t)path,
			     eligible_ignores_holds(steer, views, now), now);
}

int eligible_preferred(const struct steer *steer)
{
	int best = POLICY_NONE;
	size_t i;

	for (i = 0; i < steer->count; i++) {
		if (steer->shown[i].eligible &&
		    (best == POLICY_NONE || steer->shown[i].priority < steer->shown[best].priority))
			best = (int)i;
	}
	return best;
}

static bool is_over_cap(const struct steer *steer, size_t i, struct mono now)
{
	uint64_t bytes = eligible_bytes(&steer->shown[steer->active]);

	return 100 * share_of(&steer->share, (int)i, bytes, steer->config.share_window_us, now) >
	       steer->config.share_cap_percent;
}

void eligible_apply_cap(struct steer *steer, struct mono now)
{
	size_t within = 0, i;

	if (!steer->config.share_cap_percent)
		return;
	for (i = 0; i < steer->count; i++)
		within += steer->shown[i].eligible && !is_over_cap(steer, i, now);
	for (i = 0; i < steer->count && within; i++)
		steer->shown[i].eligible &= !is_over_cap(steer, i, now);
}

struct mono eligible_next_release(const struct steer *steer, struct mono now)
{
	struct mono next = MONO_NEVER;
	size_t i;

	for (i = 0; i < steer->count; i++) {
		if (is_held(steer, i, now))
			next = mono_earlier(next, steer->path[i].hold.until);
		if (!mono_due(breath_end(steer, i), now))
			next = mono_earlier(next, breath_end(steer, i));
	}
	return next;
}
