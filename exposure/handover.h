/* handover: what shows at a migration, to observers of two paths and to the far end.
 *
 * A figure is NAN where there is nothing to compute it from.
 */
#ifndef COMPS_EXPOSURE_HANDOVER_H
#define COMPS_EXPOSURE_HANDOVER_H

#include <stddef.h>

/* Who matches "one path fell silent, the other began" within `window_s`: among how many users that
 * migrate `rate` times a second each, independently, over the same proxies. Alone it is always 1.
 */
double handover_anonymity(double users, double rate, double window_s);

/* The chance that nobody else migrates within the window. */
double handover_unique(double users, double rate, double window_s);

/* The correlation of the activity of two paths with these shares when exactly one path is active at
 * a time: -sqrt(v w / ((1 - v) (1 - w))). */
double handover_exclusivity(double v, double w);

/* How far two paths' round trips are apart: d' = |mean - mean| / sqrt((var + var) / 2). Above 2 the
 * far end of a connection can tell when it migrated. NAN below 10 samples of either. */
double handover_step(const double *a, size_t n, const double *b, size_t m);

/* The overlap of their histograms in 64 bins: 1 the same, 0 apart. NAN below 10 samples. */
double handover_overlap(const double *a, size_t n, const double *b, size_t m);

#endif
