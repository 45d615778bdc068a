/* steer: THE decision, when to migrate and where to. core/steer.c states the rule.
 *
 * steer owns no clock and does no I/O. It is told what happened, is shown all paths, asks the
 * policy, applies the guards, and answers with a verdict and the instant at which it wants to be
 * asked again. The daemon and replay call the same functions.
 */
#ifndef COMPS_CORE_STEER_H
#define COMPS_CORE_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bucket.h"
#include "core/hold_down.h"
#include "core/migration.h"
#include "core/path.h"
#include "core/share.h"
#include "lib/err.h"
#include "lib/mono.h"
#include "lib/rng.h"
#include "policies/policy.h"

struct steer_config {
	int64_t min_dwell_us;		   /* shortest stay that a policy may choose */
	uint32_t migrations_per_min;	   /* most that a policy may choose; failovers are free */
	struct hold_down_config hold_down; /* a path that failed stays out of choice */
	uint32_t share_cap_percent; /* a policy may not choose a path that carried more of the bytes
				     * of the last share_window_us than this; 0: no limit */
	int64_t share_window_us;
};

enum steer_action {
	STEER_KEEP,
	STEER_MIGRATE,
};

struct steer_verdict {
	enum steer_action action;
	int to;		    /* with STEER_MIGRATE */
	const char *reason; /* with STEER_MIGRATE: "start", "failover", "drain", "manual", "pin", or
			     * the policy's own; a string constant */
	struct mono wake;   /* ask again then at the latest; MONO_NEVER if only events matter */
};

/* What steer remembers of one path beside its view. */
struct steer_path {
	bool drained;
	bool was_usable;
	bool unsettled; /* active, but the traffic was not seen to follow */
	struct hold_down hold;
};

struct steer {
	struct steer_config config;
	const struct policy_ops *policy;
	const union policy_value *values; /* borrowed: of the policy's parameters */
	void *policy_state;
	struct policy_rng rng; /* what it points to is borrowed */
	struct steer_path *path;
	struct policy_path *shown; /* what the policy sees; scratch space */
	size_t count;
	int active;	     /* POLICY_NONE before the first migration */
	struct mono since;   /* of the last migration, or of the start */
	struct mono died;    /* when the active path was found dead; MONO_NEVER while it is not */
	struct mono revived; /* when the first other path came up after that; else MONO_NEVER */
	int moving_to;	     /* POLICY_NONE, or the target of the migration under way */
	int requested;	     /* the operator's, POLICY_NONE if none */
	int pinned;	     /* POLICY_NONE if none */
	struct mono pinned_until;
	struct mono policy_wake;
	bool policy_started;
	uint32_t session;		    /* struct policy_input's */
	bool wish_delayed;		    /* the policy wants to move, a guard makes it wait */
	uint32_t policy_errors;		    /* answers that made no sense */
	struct bucket migrations;	    /* the rate limit */
	struct share share;		    /* of each path in the traffic */
	uint64_t left_bytes, entered_bytes; /* of both paths at the last verdict to migrate */
};

/* Random numbers of `rng`, one of its streams for each enum policy_stream. */
struct policy_rng steer_rng(struct rng *rng);

/* `policy`, `values` and what `rng` points to must outlive `steer`. Returns 0, -ENOMEM, or -EINVAL
 * with the policy's sentence in `err`. */
int steer_init(struct steer *steer, const struct steer_config *config, size_t path_count,
	       const struct policy_ops *policy, const union policy_value *values,
	       struct policy_rng rng, struct mono now, struct err *err);
void steer_fini(struct steer *steer);

/* Changes the policy; on an error (as steer_init) the old one stays. */
int steer_set_policy(struct steer *steer, const struct policy_ops *policy,
		     const union policy_value *values, struct err *err);

/* Takes over a path that was already active before the start (a restarted daemon). */
void steer_adopt(struct steer *steer, int active, struct mono now);

/* The decision. Call it when a path changed, when a reply came, and at the verdict's wake.
 * `views` has steer->count entries. After STEER_MIGRATE the owner carries the migration out, and
 * steer answers keep until it hears of steer_on_outcome(). */
void steer_decide(struct steer *steer, const struct path_view *views, struct mono now,
		  struct steer_verdict *out);

/* Whether steer_decide() may answer otherwise because of figures alone (round trips, the instant of
 * the last proof), without a path changing its state, a word from outside, or its wake-up. */
bool steer_minds_figures(const struct steer *steer, const struct path_view *views);

/* How the migration of the last verdict ended. `moved` is when the route was swapped. */
void steer_on_outcome(struct steer *steer, enum migration_outcome outcome, struct mono moved,
		      struct mono now);

/* The operator's wishes. They are carried out by the next steer_decide().
 * steer_request: migrate to `path` once, or to the next eligible one with POLICY_NONE.
 * Returns 0, -EBUSY while a migration is under way, -EALREADY where it is active already,
 * -EHOSTUNREACH where it is not eligible (for POLICY_NONE: where no other path is). */
int steer_request(struct steer *steer, const struct path_view *views, int path, struct mono now);
void steer_pin(struct steer *steer, int path, struct mono until);
void steer_unpin(struct steer *steer);
void steer_drain(struct steer *steer, int path, bool drained);

/* The traffic has paused: what comes is a new session. */
void steer_pause(struct steer *steer);

/* Whether `path` may be migrated to. */
bool steer_eligible(const struct steer *steer, const struct path_view *views, int path,
		    struct mono now);

#endif
