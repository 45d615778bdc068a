/* shares: how much of the traffic each path saw, as one figure.
 *
 * A share is a path's part of the bytes, the packets or the time. All figures are NAN where there
 * was nothing to share.
 */
#ifndef COMPS_EXPOSURE_SHARES_H
#define COMPS_EXPOSURE_SHARES_H

#include <stddef.h>

struct shares {
	double max;		   /* of the busiest path */
	double entropy_bits;	   /* H = -sum w log2 w; log2 n is even */
	double effective_paths;	   /* 2^H */
	double min_entropy;	   /* -log2 max, bits */
	double inverse_herfindahl; /* 1 / sum w^2 */
	double top2;		   /* the most that any two see together */
};

/* Of `n` amounts that are not negative; they need not add up to 1. */
void shares_of(const double *amounts, size_t n, struct shares *out);

/* The chance that an adversary sees at least `threshold` (0 .. 1) of the traffic when each path is
 * his with probability `f`, independently: the sum over all sets of paths. NAN above 16 paths. */
double shares_seen(const double *amounts, size_t n, double f, double threshold);

/* Mean and quantiles of one figure over many windows. */
struct shares_spread {
	size_t count;
	double mean, p50, p95, max;
};

/* Of `n` values, which are sorted by this. */
void shares_spread_of(double *values, size_t n, struct shares_spread *out);

#endif
