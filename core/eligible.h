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

/* When some path next becomes eligible by time alone; MONO_NEVER if none does. */
struct mono eligible_next_release(const struct steer *steer, struct mono now);

#endif
