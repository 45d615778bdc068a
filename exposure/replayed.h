/* replayed: what a policy would have done (replay/shadow.h) as an exposure_run.
 */
#ifndef COMPS_EXPOSURE_REPLAYED_H
#define COMPS_EXPOSURE_REPLAYED_H

#include "exposure/exposure.h"
#include "replay/shadow.h"

/* Borrows nothing. Returns 0 with *out to be freed by replayed_fini(), or -ENOMEM. */
int replayed_init(const struct timeline *timeline, const struct shadow_result *result,
		  struct exposure_run *out);

void replayed_fini(struct exposure_run *run);

#endif
