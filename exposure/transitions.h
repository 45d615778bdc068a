/* transitions: how well somebody can guess where the next migration goes, from where the earlier
 * ones went. A figure is NAN below ten migrations for each path.
 */
#ifndef COMPS_EXPOSURE_TRANSITIONS_H
#define COMPS_EXPOSURE_TRANSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rng.h"

struct transitions {
	size_t paths, count;
	uint32_t *counts;    /* paths x paths: from, to */
	double entropy_bits; /* H(next | present), with the correction of Miller and Madow (1955) */
	double low, high;    /* 95 % of its bootstrap */
	double most_bits;    /* log2(paths - 1), what a uniform choice of another path has */
	double mutual_bits;  /* H(next) - H(next | present) */
	double predictor;    /* share of the second half that a table of the first half foresaw */
	double predictor2;   /* the same, from the last two paths */
	double chance;	     /* what blind guessing gets: 1 / (paths - 1) */
	double chi2, p_value; /* of the next path's independence of the present one, but for not
				 being it; p by the approximation of Wilson and Hilferty (1931) */
	double joint_bits;    /* H(next, length of the stay in 8 bins of equal number | present) */
};

/* Of the paths `to[0..n-1]` that were taken one after the other, and how long each was kept.
 * `rng` is for the bootstrap, stream 0. Returns 0 or -ENOMEM; to be freed in any case. */
int transitions_of(const int *to, const double *kept_s, size_t n, size_t paths, struct rng *rng,
		   struct transitions *out);
void transitions_fini(struct transitions *transitions);

#endif
