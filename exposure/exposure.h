/* exposure: what each path, and whoever watches one, could learn from a run: all figures together.
 *
 * The numbers M1 to M22 are those of comps-exposure(1), which says what each is for. A figure is
 * NAN where there is too little to compute it from.
 */
#ifndef COMPS_EXPOSURE_EXPOSURE_H
#define COMPS_EXPOSURE_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "exposure/dwell.h"
#include "exposure/shares.h"
#include "exposure/transitions.h"
#include "lib/rng.h"

/* One stay on a path. */
struct exposure_stay {
	int path;
	double from_s, to_s; /* since the start of the run */
	double bytes;	     /* carried meanwhile */
	double settle_s;     /* until the first packet from the exit came on it; NAN: not known */
	const char *reason;  /* it was begun for; borrowed, or NULL */
	bool censored;	     /* something else than the policy ended it */
};

/* A run, as far as it is known. The arrays belong to the owner. */
struct exposure_run {
	size_t paths;
	double length_s;
	const struct exposure_stay *stays;
	size_t stay_count;
	const double *bytes; /* by second and path: seconds x paths; or NULL */
	size_t seconds;
	const double *up, *down;    /* bytes of each path in all; or NULL */
	const double *const *rtt_s; /* of each path, samples; or NULL */
	const size_t *rtt_count;    /* of each path */
};

#define EXPOSURE_WINDOWS 6

/* Shares within windows; only those with traffic of 10 kB count. */
struct exposure_window {
	double s;		  /* how long; 0: sessions, which end after 5 s without traffic */
	struct shares_spread max; /* M2 */
	double over_60, over_80;  /* share of the windows of which one path saw more than that */
	double entropy_bits, effective_paths; /* M3, means */
};

struct exposure {
	double *time, *bytes, *up, *down; /* M1: shares of each path */
	struct shares by_time, by_bytes;  /* M2 to M5 */
	double any_10, seen_60;		  /* M6, each path bad with probability 0.1 */
	struct exposure_window window[EXPOSURE_WINDOWS];
	struct dwell_figures dwell;	     /* M7, M10 to M13 */
	double longest_bytes, longest_share; /* M7 */
	struct dwell_lattice lattice;	     /* M14, of the last 2000 migrations */
	struct transitions transitions;	     /* M15 to M18 */
	double rate;			     /* migrations a second */
	double exclusivity;		     /* M20: of the two paths that show it most */
	double step, overlap;		     /* M21: of the two paths that show it most */
	struct shares_spread lag;	     /* M22, seconds */
	double misrouted;		     /* M22, share of the time */
};

/* `window_s` is one more length of windows, whole seconds. `guess_s`: see dwell.h. Returns 0 with
 * *out to be freed by exposure_fini(), or -ENOMEM. */
int exposure_of(const struct exposure_run *run, double window_s, double guess_s, struct rng *rng,
		struct exposure *out);

void exposure_fini(struct exposure *exposure);

#endif
