/* steer_world: steer with paths that a test moves, and a policy that says what the test wants. */
#ifndef COMPS_TESTS_UNIT_STEER_WORLD_H
#define COMPS_TESTS_UNIT_STEER_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/steer.h"

#define PATHS 4
#define MS    INT64_C(1000)
#define S     INT64_C(1000000)

/* What the policy answers (to all but POLICY_MIGRATED), and what it was asked. */
struct script {
	int path;
	const char *reason;
	int64_t wake_us;
	int asked;
	struct policy_input last;
	bool eligible[PATHS]; /* in the last question */
};

struct steer_world {
	struct rng rng;
	struct steer steer;
	struct steer_config config;
	struct policy_ops policy;
	struct script script;
	struct path_view views[PATHS];
	struct mono now;
	struct steer_verdict verdict;
};

/* The random numbers that it is given lie at the beginning of its world. */
static inline void script_decide(void *state, const struct policy_input *in,
				 struct policy_answer *out)
{
	struct script *script = &((struct steer_world *)in->rng.arg)->script;
	size_t i;

	(void)state;
	script->asked++;
	script->last = *in;
	for (i = 0; i < in->path_count; i++)
		script->eligible[i] = in->paths[i].eligible;
	out->wake_us = script->wake_us;
	if (in->event == POLICY_MIGRATED)
		return;
	out->path = script->path;
	out->reason = script->reason;
}

static inline int steer_world_setup(void **state)
{
	struct steer_world *w = calloc(1, sizeof(*w));
	size_t i;

	w->config = (struct steer_config){2 * S, 120, {10 * S, 300 * S, 60 * S}, 0, 30 * S};
	w->script = (struct script){POLICY_KEEP, NULL, POLICY_NEVER, 0, {0}, {0}};
	w->policy = (struct policy_ops){
		.name = "script",
		.decide = script_decide,
	};
	w->now = (struct mono){1000 * S};
	assert_int_equal(rng_init_seed(&w->rng, 1), 0);
	for (i = 0; i < PATHS; i++)
		w->views[i] = (struct path_view){
			.policy = {.priority = (uint32_t)i, .srtt_us = 20 * MS},
			.state = PATH_UP,
			.link_up = true,
			.confirmed = w->now,
		};
	assert_int_equal(steer_init(&w->steer, &w->config, PATHS, &w->policy, NULL,
				    steer_rng(&w->rng), w->now, NULL),
			 0);
	*state = w;
	return 0;
}

static inline int steer_world_teardown(void **state)
{
	struct steer_world *w = *state;

	steer_fini(&w->steer);
	free(w);
	return 0;
}

/* The verdict after `us` more. */
static inline int decide_after(struct steer_world *w, int64_t us)
{
	w->now = mono_add_us(w->now, us);
	steer_decide(&w->steer, w->views, w->now, &w->verdict);
	if (w->verdict.action == STEER_KEEP)
		return POLICY_KEEP;
	return w->verdict.to;
}

static inline void outcome(struct steer_world *w, enum migration_outcome outcome)
{
	steer_on_outcome(&w->steer, outcome, w->now, w->now);
}

/* Begins on path 0, and lets the dwell pass. */
static inline void on_path_0(struct steer_world *w)
{
	size_t i;

	assert_int_equal(decide_after(w, 0), 0);
	outcome(w, MIGRATION_SETTLED);
	w->now = mono_add_us(w->now, 60 * S);
	for (i = 0; i < PATHS; i++)
		w->views[i].confirmed = w->now;
	assert_int_equal(decide_after(w, 1), POLICY_KEEP);
}

static inline void set_state(struct steer_world *w, int path, enum path_state state)
{
	struct path_view *view = &w->views[path];

	if (state == PATH_UP)
		view->confirmed = w->now;
	else if (view->state == PATH_UP)
		view->doubted = w->now;
	view->state = state;
}

/* The policy wants `path` from now on. */
static inline void want(struct steer_world *w, int path)
{
	w->script.path = path;
	w->script.reason = path == POLICY_KEEP ? NULL : "whim";
}

static inline void expect_move(struct steer_world *w, int64_t after_us, int to, const char *reason)
{
	assert_int_equal(decide_after(w, after_us), to);
	assert_string_equal(w->verdict.reason, reason);
}

static inline void expect_keep(struct steer_world *w, int64_t after_us)
{
	assert_int_equal(decide_after(w, after_us), POLICY_KEEP);
}

#endif
