/* hold_down: keeps what failed out of choice for a while, and longer the more often it fails.
 *
 * Flap damping after RFC 2439: each failure adds one to a penalty that halves with every half-life
 * that goes by. What fails once is held for the first time only, what flaps is held for longer and
 * longer, and what behaves is forgiven little by little.
 */
#ifndef COMPS_CORE_HOLD_DOWN_H
#define COMPS_CORE_HOLD_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct hold_down_config {
	int64_t first_us;     /* after one failure; doubled for each further point of penalty, */
	int64_t max_us;	      /* up to this */
	int64_t half_life_us; /* of the penalty; above 0 */
};

struct hold_down {
	struct mono until;
	struct mono failed; /* the last time */
	double penalty;	    /* as it was then; 0 before the first */
};

/* A path that has never failed. */
#define HOLD_DOWN_NONE ((struct hold_down){MONO_LONG_AGO, MONO_LONG_AGO, 0})

/* It failed at `now`. */
void hold_down_begin(struct hold_down *hold, const struct hold_down_config *config,
		     struct mono now);

bool hold_down_active(const struct hold_down *hold, struct mono now);

#endif
