/* shadow: what a policy would have done in a recorded run.
 *
 * The same core/steer as in the daemon, asked along a timeline. Its migrations succeed at once; the
 * operator's wishes of the recorded run are not repeated, drained paths are.
 *
 * The daemon asks after every reply. Here that is done only where it can matter: between two of its
 * wake-ups and two changes of a path's state a policy that does not mind figures answers the same.
 * A whole feed asks every time, for the test that both do the same.
 */
#ifndef COMPS_REPLAY_SHADOW_H
#define COMPS_REPLAY_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/steer.h"
#include "lib/rng.h"
#include "replay/timeline.h"

/* A stay on a path. */
struct shadow_dwell {
	int path;
	const char *reason; /* of the migration that began it */
	int64_t from_us, to_us;
	uint64_t bytes; /* that were carried meanwhile */
};

/* The round trips of the path in use, by their logarithm: within 1.1 %. */
#define SHADOW_BUCKETS_PER_OCTAVE 64
#define SHADOW_BUCKETS		  (32 * SHADOW_BUCKETS_PER_OCTAVE)

struct shadow_result {
	int64_t length_us; /* of the run */
	int64_t outage_us; /* no path in use, or one that was down */
	uint64_t answered, missed;
	double rtt_sum_us;   /* of those answered */
	uint32_t *histogram; /* SHADOW_BUCKETS */
	struct shadow_dwell *dwells;
	size_t dwell_count, dwell_room;
	uint32_t policy_errors;
	uint64_t asked; /* how often steer was */
};

/* Runs a policy over all of `timeline`. `values` are borrowed. Returns 0 with *out to be freed by
 * shadow_result_fini(), or -errno with a sentence: -ENOMEM, or -EINVAL with the policy's. */
int shadow_run(const struct timeline *timeline, const struct policy_ops *policy,
	       const union policy_value *values, uint64_t seed, bool whole_feed,
	       struct shadow_result *out, struct err *err);

void shadow_result_fini(struct shadow_result *result);

/* The round trip that so many per cent of those answered did not exceed, microseconds; -1 where
 * none was answered. */
double shadow_rtt_quantile_us(const struct shadow_result *result, double percent);

#endif
