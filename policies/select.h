/* select: the choices of a path that more than one policy makes.
 *
 * A candidate is an eligible path other than the active one. Every function answers POLICY_KEEP
 * where there is none.
 */
#ifndef COMPS_POLICIES_SELECT_H
#define COMPS_POLICIES_SELECT_H

#include "policies/policy.h"

/* True when path `i` is a candidate. */
static inline bool select_is_candidate(const struct policy_input *in, size_t i)
{
	return in->paths[i].eligible && (int)i != in->active;
}

/* True when there is nothing to weigh: no path is active, or the active one is not usable. */
static inline bool select_must_move(const struct policy_input *in)
{
	return in->active == POLICY_NONE || in->event == POLICY_FAILOVER;
}

/* Answers `path` for `reason`; POLICY_KEEP has none. */
static inline void select_answer(struct policy_answer *out, int path, const char *reason)
{
	out->path = path;
	out->reason = path == POLICY_KEEP ? NULL : reason;
}

/* The number of candidates. */
size_t select_count(const struct policy_input *in);

/* The candidate of the lowest priority number; of several, the first. */
int select_preferred(const struct policy_input *in);

/* Uniform over the candidates and, with `stay`, the active path. Draws from POLICY_STREAM_PATH,
 * nothing where there is no choice. */
int select_random(const struct policy_input *in, bool stay);

/* With weights, one per path and not negative, over the candidates and, unless it must be left, the
 * active path. Draws one number of POLICY_STREAM_PATH. If all weights are 0: the active path, or
 * POLICY_KEEP where it must be left. */
int select_weighted(const struct policy_input *in, const double *weights);

/* The candidate of the lowest srtt; one without a measured RTT only if all are. With `stay` the
 * active path takes part, and wins a tie. */
int select_fastest(const struct policy_input *in, bool stay);

/* Weights are kept for so many paths; those beyond have none. */
#define SELECT_WEIGHTS_MAX 1024

#endif
