/* hold_down: keeps what failed out of choice for a while, and longer each time it fails again.
 */
#ifndef COMPS_CORE_HOLD_DOWN_H
#define COMPS_CORE_HOLD_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct hold_down {
	struct mono until;
	struct mono failed; /* the last time */
	int64_t us;	    /* how long it took then; 0 before the first */
};

/* A path that has never failed. */
#define HOLD_DOWN_NONE ((struct hold_down){MONO_LONG_AGO, MONO_LONG_AGO, 0})

/* It failed at `now`: held for `first_us`, or for twice the last time, at most `max_us`. What
 * behaved for ten times its last hold-down begins with `first_us` again. */
void hold_down_begin(struct hold_down *hold, int64_t first_us, int64_t max_us, struct mono now);

bool hold_down_active(const struct hold_down *hold, struct mono now);

#endif
