/* eligible: which paths may be migrated to; a part of steer, whose rule core/steer.c states.
 */
#ifndef COMPS_CORE_ELIGIBLE_H
#define COMPS_CORE_ELIGIBLE_H

#include "core/steer.h"

static inline bool eligible_is_up(const struct path_view *view)
{
	return view->link_up && view->state == PATH_UP;
}

static inline bool eligible_is_usable(const struct path_view *view)
{
	return view->link_up && (view->state == PATH_UP || view->state == PATH_SUSPECT);
}

/* An adopted path that has not answered yet gets the benefit of the doubt. */
static inline bool eligible_is_dead(const struct path_view *view)
{
	return !view->link_up || view->state == PATH_DOWN;
}

/* True when every path that could be used is held down: then hold-downs do not count. */
bool eligible_ignores_holds(const struct steer *steer, const struct path_view *views,
			    struct mono now);

/* Whether path `i` may be migrated to, with or without regard to hold-downs. */
bool eligible_path(const struct steer *steer, const struct path_view *view, size_t i,
		   bool ignore_holds, struct mono now);

/* Of the paths shown as eligible the one of the lowest priority number; POLICY_NONE without any. */
int eligible_preferred(const struct steer *steer);

static inline uint64_t eligible_bytes(const struct policy_path *path)
{
	return path->tx_bytes + path->rx_bytes;
}

/* Of the paths shown to the policy, takes those out of choice that have had more than their share
 * of the traffic; none where there would be no other. */
void eligible_apply_cap(struct steer *steer, struct mono now);

/* When some path next becomes eligible by time alone; MONO_NEVER if none does. */
struct mono eligible_next_release(const struct steer *steer, struct mono now);

#endif
