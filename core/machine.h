/* machine: the paths and steer as one state machine that is fed with inputs.
 *
 * The daemon, the simulated world of the tests and replay all drive it the same way. It holds all
 * that the decision depends on; whoever keeps its inputs can repeat every verdict.
 */
#ifndef COMPS_CORE_MACHINE_H
#define COMPS_CORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/input.h"
#include "core/migration.h"
#include "core/path.h"
#include "core/steer.h"
#include "core/traffic.h"
#include "lib/err.h"
#include "lib/mono.h"

struct machine_result {
	unsigned int effects;	      /* set of enum paths_effect */
	int error;		      /* of INPUT_REQUEST: 0 or -errno, as steer_request() */
	struct steer_verdict verdict; /* of INPUT_DECIDE */
	bool figures_only;	      /* it changed nothing but figures (round trips, counters); an
				       * INPUT_DECIDE: nothing else came since the last one, its wake-up was
				       * not due yet, and it answered keep without a random number */
};

/* Is shown every input after it took effect, with its result. */
typedef void (*machine_tap_fn)(void *arg, const struct input *input,
			       const struct machine_result *result);

struct machine {
	struct paths paths;
	struct steer steer;
	struct traffic traffic;
	struct path_view *views; /* of the last machine_views() */
	machine_tap_fn tap;	 /* or NULL */
	void *tap_arg;
	struct policy_rng rng; /* where its random numbers come from */
	bool drawn;	       /* one was drawn since it was last asked */
	struct mono now;       /* of the last input */
	struct mono asked;     /* the last INPUT_DECIDE */
	struct mono wake;      /* its verdict's */
	bool stirred;	       /* something else than figures came since then */
};

/* What stays the same for a machine's life. */
struct machine_config {
	struct path_stats_config stats;
	struct steer_config steer;
	size_t path_count;
};

/* Paths without names; the owner fills name, interface, priority and link_up of each. `policy`,
 * `values` and what `rng` points to must outlive the machine, which must stay where it is. Returns
 * 0, -ENOMEM, or -EINVAL with the policy's sentence in `err`. On failure nothing is left to free.
 */
int machine_init(struct machine *machine, const struct machine_config *config,
		 const struct policy_ops *policy, const union policy_value *values,
		 struct policy_rng rng, struct mono now, struct err *err);

/* A zeroed machine is allowed. */
void machine_fini(struct machine *machine);

/* Changes the policy; on an error (as machine_init) the old one stays. */
int machine_set_policy(struct machine *machine, const struct policy_ops *policy,
		       const union policy_value *values, struct err *err);

/* Feeds one input. The value of INPUT_DECIDE is filled in here. */
void machine_feed(struct machine *machine, struct input in, struct machine_result *result);

/* The input that tells how `migration` ended. */
struct input machine_outcome(const struct migration *migration, struct mono now);

/* A reading of one path's counters: feeds it, judges whether the downlink has stalled or the
 * traffic has paused, and feeds that where it is so. */
void machine_counters(struct machine *machine, size_t path, const struct path_counters *counters,
		      struct mono now, struct machine_result *result);

/* The smoothed round trip of `path` in the last views; -1 while unknown and for POLICY_NONE. */
int64_t machine_srtt_us(const struct machine *machine, int path);

/* The paths as steer sees them at `now`; valid until the next call. */
const struct path_view *machine_views(struct machine *machine, struct mono now);

#endif
