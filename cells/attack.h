/* attack: how well an observer tells which site a load is of, by the k nearest of known loads.
 *
 * Features are brought to mean 0 and deviation 1 over the known loads; distance is the sum of
 * differences, the points of the running sum weighing 0.35 each; five neighbours vote, the nearer
 * the more. What has fewer than ten packets is no observation: the observer missed the load.
 */
#ifndef COMPS_CELLS_ATTACK_H
#define COMPS_CELLS_ATTACK_H

#include "cells/features.h"
#include "cells/split.h"

/* A load after it was split. */
struct attack_load {
	int site;
	bool known; /* the attacker trains on it; else it is for the test */
	const struct packets *packets;
};

struct attack_result {
	size_t sites, known, tested;
	double whole;	    /* accuracy when everything is seen: of splitting nothing */
	double pinned;	    /* when each load takes one path of N: whole / N */
	double random_path; /* accR: of an observer of any one path */
	double busiest;	    /* accW: of the path that carried the most of each load */
	double two_paths;   /* acc2: of two paths that work together; NAN below 3 paths */
};

/* Is told how many of the guesses are made; may be NULL. */
typedef void (*attack_progress_fn)(void *arg, size_t done, size_t total);

/* Of `n` loads over `paths` paths. Returns 0, -ENOMEM, or -EINVAL with a sentence where there are
 * fewer than two sites, or a site without a known or a tested load. */
int attack_run(const struct attack_load *loads, size_t n, size_t paths, attack_progress_fn progress,
	       void *arg, struct attack_result *out, struct err *err);

#endif
