/* shadows: what other policies would do now, asked beside the one that decides.
 *
 * Each has a steer of its own, is shown the same paths, and its migrations succeed at once. The
 * traffic is taken to be what it is, on the path that the shadow is on.
 */
#ifndef COMPS_CORE_SHADOWS_H
#define COMPS_CORE_SHADOWS_H

#include "core/steer.h"
#include "lib/rng.h"

struct shadows_policy {
	const struct policy_ops *ops; /* NULL after the last of a list */
	union policy_value *values;
};

struct shadows_one {
	struct steer steer;
	struct path_counters *carried; /* by each path, before the present stay */
	struct path_counters began;    /* what all had carried when it began */
	struct mono wake;
	uint64_t migrations; /* but for the first */
	int64_t served_us, outage_us;
	double srtt_us_us; /* smoothed round trip of the path in use, times the time on it */
};

/* Is told of each migration that a shadow would make, but for the first. */
typedef void (*shadows_fn)(void *arg, size_t shadow, int from, int to, const char *reason);

struct shadows {
	struct shadows_one *items;
	size_t count;
	struct path_view *views; /* scratch */
	size_t path_count;
	struct rng rng; /* their own: the live policy's numbers do not depend on them */
	struct mono accounted;
	shadows_fn fn;
	void *arg;
};

/* `policies` is borrowed. `fn` may be NULL. Returns 0, -ENOMEM, -EIO, or -EINVAL with a policy's
 * sentence; nothing is left to free then. */
int shadows_init(struct shadows *shadows, const struct shadows_policy *policies, size_t count,
		 const struct steer_config *config, size_t path_count, shadows_fn fn, void *arg,
		 struct mono now, struct err *err);

/* A zeroed struct is allowed. */
void shadows_fini(struct shadows *shadows);

/* Asks all of them; `views` and `live` are what the policy that decides has just been asked with.
 * Returns when to ask again at the latest. */
struct mono shadows_decide(struct shadows *shadows, const struct path_view *views,
			   const struct steer *live, struct mono now);

#endif
