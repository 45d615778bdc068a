/* share: what part of the traffic each path carried lately.
 *
 * The stays on paths are remembered with the bytes that their interfaces counted; of a stay that
 * began before the window, the part of its bytes that its time has in it counts.
 */
#ifndef COMPS_CORE_SHARE_H
#define COMPS_CORE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define SHARE_STAYS 256 /* that are remembered; older ones count as forgotten */

struct share_stay {
	int path;
	struct mono from, to;
	uint64_t bytes;
};

struct share {
	struct share_stay stays[SHARE_STAYS]; /* the oldest are overwritten */
	size_t count;			      /* in all */
	int path;			      /* of the present stay; POLICY_NONE: none yet */
	struct mono since;
	uint64_t base; /* what its interface had counted then */
};

void share_init(struct share *share);

/* From `now` on `path` is in use, whose interface has counted `path_bytes`; the one before it ends
 * with `left_bytes`. */
void share_move(struct share *share, uint64_t left_bytes, int path, uint64_t path_bytes,
		struct mono now);

/* The part of `path` in the bytes of the last `window_us`, 0 .. 1; 0 while there were none. `bytes`
 * is what the interface of the path in use has counted by now. */
double share_of(const struct share *share, int path, uint64_t bytes, int64_t window_us,
		struct mono now);

#endif
