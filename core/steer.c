/* The decision. Asked at `now`, steer goes through these questions in this order, and the first
 * that has an answer ends it:
 *
 *  1. Is a migration under way?  Keep: its outcome comes first.
 *  2. Is there no active path?  Migrate to the policy's choice among the eligible ("start"), once
 *     every path has been heard of or had its second to answer.
 *  3. Is the active path dead: down, or its traffic never settled?  Fail over at once, by the
 *     policy's own selector ("failover"). Only paths that have answered a probe sent after the
 *     trouble began are taken: when the uplink or the exit is down none has, and we hold. When
 *     that is over, the active path has a second to come back as well, for it was not at fault.
 *  4. Is the active path drained, and another one eligible?  Leave it the same way ("drain").
 *  5. Did the operator ask for a migration?  Do it if the path is still eligible ("manual").
 *  6. Is a path pinned?  Go there if it is eligible ("pin"); the policy is not asked.
 *  7. The policy is asked.  Its wish is granted if the path is eligible, the minimum dwell (never
 *     less than two round trips) is over and the rate limit has a token; if only time is missing,
 *     it is asked again when there is. A path that has had more than its share of the traffic
 *     lately is not shown to it, where there is another.
 *
 * A path is eligible when it is up, not drained and not held down. It is held down after it went
 * down while others were heard, or a migration to it failed, for longer the more often that
 * happened lately. If every path that is up is held down, none is: the last healthy path is never
 * kept from use.
 */
#include "core/steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/answer.h"
#include "core/eligible.h"

#define MINUTE_US INT64_C(60000000)

/* How long the first choice waits for paths that have not answered yet. */
#define START_GRACE_US INT64_C(1000000)

/* After a fault of all paths the active one has so long to come back before another is taken. */
#define RETURN_GRACE_US INT64_C(1000000)

/* A policy that asks for a wake-up in the past waits for so long. */
#define NONSENSE_WAKE_US INT64_C(1000000)

/* --- the policy ------------------------------------------------------------------------------ */

static uint64_t next_random(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream);
}

struct policy_rng steer_rng(struct rng *rng)
{
	return (struct policy_rng){next_random, rng};
}

static int new_policy_state(const struct policy_ops *policy, const struct policy_setup *setup,
			    void **out, struct err *err)
{
	char text[256] = "";
	void *state = calloc(1, policy->state_size ? policy->state_size : 1);
	int ret = 0;

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	if (policy->init)
		ret = policy->init(state, setup, text, sizeof(text));
	if (ret) {
		free(state);
		return err_set(err, ret, "policy %s: %s", policy->name, text);
	}
	*out = state;
	return 0;
}

int steer_set_policy(struct steer *steer, const struct policy_ops *policy,
		     const union policy_value *values, struct err *err)
{
	struct policy_setup setup = {values, steer->count};
	void *state;
	int ret = new_policy_state(policy, &setup, &state, err);

	if (ret)
		return ret;
	free(steer->policy_state);
	steer->policy = policy;
	steer->values = values;
	steer->policy_state = state;
	steer->policy_wake = MONO_LONG_AGO;
	steer->policy_started = false;
	steer->wish_delayed = false;
	return 0;
}

int steer_init(struct steer *steer, const struct steer_config *config, size_t path_count,
	       const struct policy_ops *policy, const union policy_value *values,
	       struct policy_rng rng, struct mono now, struct err *err)
{
	size_t i;
	int ret;

	*steer = (struct steer){
		.config = *config,
		.rng = rng,
		.count = path_count,
		.active = POLICY_NONE,
		.since = now,
		.died = MONO_NEVER,
		.revived = MONO_NEVER,
		.moving_to = POLICY_NONE,
		.requested = POLICY_NONE,
		.pinned = POLICY_NONE,
	};
	share_init(&steer->share);
	bucket_init(&steer->migrations, config->migrations_per_min,
		    MINUTE_US / config->migrations_per_min, now);
	steer->path = calloc(path_count, sizeof(*steer->path));
	steer->shown = calloc(path_count, sizeof(*steer->shown));
	if (!steer->path || !steer->shown) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto fail;
	}
	for (i = 0; i < path_count; i++)
		steer->path[i].hold = HOLD_DOWN_NONE;
	ret = steer_set_policy(steer, policy, values, err);
	if (!ret)
		return 0;
fail:
	steer_fini(steer);
	return ret;
}

void steer_fini(struct steer *steer)
{
	free(steer->path);
	free(steer->shown);
	free(steer->policy_state);
	memset(steer, 0, sizeof(*steer));
}

/* --- what became of the paths ---------------------------------------------------------------- */

static void hold_down(struct steer *steer, size_t i, struct mono now)
{
	hold_down_begin(&steer->path[i].hold, &steer->config.hold_down, now);
}

/* Sees which paths went down, and since when the active one is dead. */
static void observe(struct steer *steer, const struct path_view *views, struct mono now)
{
	size_t i;

	for (i = 0; i < steer->count; i++) {
		bool dead = eligible_is_dead(&views[i]);

		if (steer->path[i].was_usable && dead && !views[i].blameless)
			hold_down(steer, i, now);
		steer->path[i].was_usable = eligible_is_usable(&views[i]);
	}
	if (steer->active == POLICY_NONE)
		return;
	if (!eligible_is_dead(&views[steer->active])) {
		steer->died = steer->revived = MONO_NEVER;
		return;
	}
	steer->died = mono_earlier(steer->died, now);
	/* That says it all; when it comes back it is a path like any other. */
	steer->path[steer->active].unsettled = false;
}

/* --- choosing -------------------------------------------------------------------------------- */

/* Shows the policy who is eligible; with `fresh_since` only those that answered a later probe. */
static size_t show_paths(struct steer *steer, const struct path_view *views,
			 struct mono fresh_since, struct mono now)
{
	bool ignore_holds = eligible_ignores_holds(steer, views, now);
	size_t i, count = 0;

	for (i = 0; i < steer->count; i++) {
		steer->shown[i] = views[i].policy;
		steer->shown[i].eligible = (int)i != steer->active &&
					   eligible_path(steer, &views[i], i, ignore_holds, now) &&
					   !mono_before(views[i].confirmed, fresh_since);
		count += steer->shown[i].eligible;
	}
	return count;
}

static void ask_policy(struct steer *steer, enum policy_event event, struct mono now,
		       struct policy_answer *answer)
{
	struct policy_input input = {
		.event = event,
		.now_us = now.us,
		.since_us = steer->since.us,
		.active = steer->active,
		.path_count = steer->count,
		.paths = steer->shown,
		.rng = steer->rng,
		.session = steer->session,
	};

	*answer = (struct policy_answer){POLICY_KEEP, NULL, POLICY_NEVER};
	steer->policy->decide(steer->policy_state, &input, answer);
	if (!answer_makes_sense(answer, &input)) {
		steer->policy_errors++;
		answer->path = POLICY_KEEP;
	}
}

static void migrate(struct steer *steer, int to, const char *reason, struct steer_verdict *out)
{
	steer->moving_to = to;
	*out = (struct steer_verdict){STEER_MIGRATE, to, reason, MONO_NEVER};
}

/* Questions 2, 3 and 4: there must be another path now. False where none can be had. */
static bool choose_now(struct steer *steer, const struct path_view *views, enum policy_event event,
		       const char *reason, struct mono fresh_since, struct mono now,
		       struct steer_verdict *out)
{
	struct policy_answer answer;

	if (!show_paths(steer, views, fresh_since, now))
		return false;
	ask_policy(steer, event, now, &answer);
	migrate(steer, answer.path == POLICY_KEEP ? eligible_preferred(steer) : answer.path, reason,
		out);
	return true;
}

/* --- the guards of question 7 ---------------------------------------------------------------- */

static int64_t min_dwell_us(const struct steer *steer, const struct path_view *views)
{
	int64_t us = steer->config.min_dwell_us;
	size_t i;

	for (i = 0; i < steer->count; i++) {
		if (eligible_is_usable(&views[i]) && 2 * views[i].policy.srtt_us > us)
			us = 2 * views[i].policy.srtt_us;
	}
	return us;
}

/* When the guards let the policy migrate: `now` or earlier if they do already. */
static struct mono allowed_at(struct steer *steer, const struct path_view *views, struct mono now)
{
	struct mono dwell = mono_add_us(steer->since, min_dwell_us(steer, views));
	struct mono token = mono_add_us(now, bucket_wait_us(&steer->migrations, now));

	return mono_before(dwell, token) ? token : dwell;
}

static enum policy_event policy_event(struct steer *steer, struct mono now)
{
	if (!steer->policy_started) {
		steer->policy_started = true;
		return POLICY_START;
	}
	return mono_due(steer->policy_wake, now) ? POLICY_TIMER : POLICY_PATHS;
}

static void follow_policy(struct steer *steer, const struct path_view *views, struct mono now,
			  struct steer_verdict *out)
{
	struct mono allowed = allowed_at(steer, views, now);
	struct policy_answer answer;

	show_paths(steer, views, MONO_LONG_AGO, now);
	eligible_apply_cap(steer, now);
	ask_policy(steer, policy_event(steer, now), now, &answer);
	steer->policy_wake = (struct mono){answer.wake_us};
	steer->wish_delayed = answer.path != POLICY_KEEP && !mono_due(allowed, now);
	if (answer.path != POLICY_KEEP && !steer->wish_delayed) {
		bucket_take(&steer->migrations, now);
		migrate(steer, answer.path, answer.reason, out);
		return;
	}
	/* What it wants now it shall be asked again as soon as it may have it. */
	if (steer->wish_delayed)
		steer->policy_wake = allowed;
	else if (mono_due(steer->policy_wake, now)) {
		steer->policy_errors++;
		steer->policy_wake = mono_add_us(now, NONSENSE_WAKE_US);
	}
	out->wake = mono_earlier(out->wake, steer->policy_wake);
}

/* --- the questions --------------------------------------------------------------------------- */

static void start(struct steer *steer, const struct path_view *views, struct mono now,
		  struct steer_verdict *out)
{
	struct mono grace = mono_add_us(steer->since, START_GRACE_US);
	size_t i;

	for (i = 0; i < steer->count && !mono_due(grace, now); i++) {
		if (views[i].link_up && views[i].state == PATH_UNKNOWN) {
			out->wake = mono_earlier(out->wake, grace);
			return;
		}
	}
	choose_now(steer, views, POLICY_START, "start", MONO_LONG_AGO, now, out);
}

/* When the active path's trouble began: the others have proved since then that they have none. */
static struct mono trouble(const struct steer *steer, const struct path_view *active)
{
	/* A dead link is our own doing and says nothing about the others: what was up is taken at
	 * once. */
	if (!active->link_up)
		return MONO_LONG_AGO;
	return eligible_is_dead(active) ? active->doubted : steer->since;
}

/* The active path is dead. Another one that answered a probe sent before that was known shows that
 * the fault was the active path's own. Where the first answers are later, the fault may have been
 * everybody's and be over: then the active path gets a moment to come back too. */
static bool may_come_back(struct steer *steer, const struct path_view *views, struct mono now,
			  struct steer_verdict *out)
{
	struct mono grace;
	size_t i;

	if (!views[steer->active].link_up ||
	    !show_paths(steer, views, trouble(steer, &views[steer->active]), now))
		return false;
	for (i = 0; i < steer->count; i++) {
		if (steer->shown[i].eligible && mono_before(views[i].confirmed, steer->died))
			return false;
	}
	steer->revived = mono_earlier(steer->revived, now);
	grace = mono_add_us(steer->revived, RETURN_GRACE_US);
	out->wake = mono_earlier(out->wake, grace);
	return !mono_due(grace, now);
}

static bool leave_active(struct steer *steer, const struct path_view *views, struct mono now,
			 struct steer_verdict *out)
{
	const struct path_view *active = &views[steer->active];

	if (eligible_is_dead(active) && may_come_back(steer, views, now, out))
		return false;
	if (eligible_is_dead(active) || steer->path[steer->active].unsettled)
		return choose_now(steer, views, POLICY_FAILOVER, "failover", trouble(steer, active),
				  now, out);
	if (steer->path[steer->active].drained)
		return choose_now(steer, views, POLICY_FAILOVER, "drain", MONO_LONG_AGO, now, out);
	return false;
}

static bool obey_operator(struct steer *steer, const struct path_view *views, struct mono now,
			  struct steer_verdict *out)
{
	int requested = steer->requested;

	steer->requested = POLICY_NONE;
	if (requested != POLICY_NONE && requested != steer->active &&
	    steer_eligible(steer, views, requested, now)) {
		migrate(steer, requested, "manual", out);
		return true;
	}
	if (steer->pinned == POLICY_NONE)
		return false;
	if (mono_due(steer->pinned_until, now)) {
		steer_unpin(steer);
		return false;
	}
	out->wake = mono_earlier(out->wake, steer->pinned_until);
	if (steer->pinned != steer->active && steer_eligible(steer, views, steer->pinned, now))
		migrate(steer, steer->pinned, "pin", out);
	return true;
}

bool steer_minds_figures(const struct steer *steer, const struct path_view *views)
{
	return steer->policy->minds_figures || steer->active == POLICY_NONE ||
	       !eligible_is_up(&views[steer->active]) || steer->path[steer->active].unsettled ||
	       steer->wish_delayed;
}

static void decide(struct steer *steer, const struct path_view *views, struct mono now,
		   struct steer_verdict *out)
{
	observe(steer, views, now);
	*out = (struct steer_verdict){STEER_KEEP, POLICY_NONE, NULL,
				      eligible_next_release(steer, now)};
	if (steer->moving_to != POLICY_NONE)
		return;
	if (steer->active == POLICY_NONE) {
		start(steer, views, now, out);
		return;
	}
	if (leave_active(steer, views, now, out))
		return;
	if (eligible_is_dead(&views[steer->active]))
		return; /* nowhere to go: hold, stay closed, wait for a path to come up */
	if (obey_operator(steer, views, now, out))
		return;
	follow_policy(steer, views, now, out);
}

void steer_decide(struct steer *steer, const struct path_view *views, struct mono now,
		  struct steer_verdict *out)
{
	decide(steer, views, now, out);
	if (out->action != STEER_MIGRATE)
		return;
	if (steer->active != POLICY_NONE)
		steer->left_bytes = eligible_bytes(&views[steer->active].policy);
	steer->entered_bytes = eligible_bytes(&views[out->to].policy);
}

/* --- what happened --------------------------------------------------------------------------- */

static void tell_policy_migrated(struct steer *steer, struct mono now)
{
	struct policy_answer answer;
	size_t i;

	for (i = 0; i < steer->count; i++)
		steer->shown[i].eligible = false; /* it is told, not asked */
	ask_policy(steer, POLICY_MIGRATED, now, &answer);
	steer->policy_started = true;
	steer->policy_wake = (struct mono){answer.wake_us};
	steer->wish_delayed = false;
}

void steer_on_outcome(struct steer *steer, enum migration_outcome outcome, struct mono moved,
		      struct mono now)
{
	int to = steer->moving_to;

	steer->moving_to = POLICY_NONE;
	if (outcome != MIGRATION_SETTLED && outcome != MIGRATION_UNCONFIRMED)
		hold_down(steer, (size_t)to, now);
	if (outcome == MIGRATION_REFUSED)
		return;
	if (outcome != MIGRATION_ROLLED_BACK) {
		if (steer->active != POLICY_NONE)
			steer->path[steer->active].unsettled = false;
		steer->active = to;
		steer->path[to].unsettled = outcome == MIGRATION_FAILED;
		share_move(&steer->share, steer->left_bytes, to, steer->entered_bytes, moved);
	}
	steer->since = moved;
	tell_policy_migrated(steer, now);
}

void steer_adopt(struct steer *steer, int active, struct mono now)
{
	steer->active = active;
	steer->since = now;
	share_move(&steer->share, 0, active, 0, now);
}

int steer_request(struct steer *steer, const struct path_view *views, int path, struct mono now)
{
	size_t i;

	if (steer->moving_to != POLICY_NONE)
		return -EBUSY;
	if (path != POLICY_NONE && path == steer->active)
		return -EALREADY;
	for (i = 1; path == POLICY_NONE && i <= steer->count; i++) {
		int candidate = (int)(((size_t)(steer->active + 1) + i - 1) % steer->count);

		if (candidate != steer->active && steer_eligible(steer, views, candidate, now))
			path = candidate;
	}
	if (path == POLICY_NONE || !steer_eligible(steer, views, path, now))
		return -EHOSTUNREACH;
	steer->requested = path;
	return 0;
}

void steer_pin(struct steer *steer, int path, struct mono until)
{
	steer->pinned = path;
	steer->pinned_until = until;
}

void steer_unpin(struct steer *steer)
{
	steer->pinned = POLICY_NONE;
	steer->pinned_until = MONO_NEVER;
}

void steer_pause(struct steer *steer)
{
	steer->session++;
}

void steer_drain(struct steer *steer, int path, bool drained)
{
	steer->path[path].drained = drained;
}
