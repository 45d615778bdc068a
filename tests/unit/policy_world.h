/* policy_world: a policy with its paths, its clock and its random numbers, for its tests. */
#ifndef COMPS_TESTS_UNIT_POLICY_WORLD_H
#define COMPS_TESTS_UNIT_POLICY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/policy_params.h"
#include "lib/rng.h"
#include "policies/registry.h"

#define PATHS_MAX 5
#define S	  INT64_C(1000000)
#define NOISE	  6 /* a stream of the tests' own */

struct world {
	const struct policy_ops *ops;
	union policy_value *values;
	void *state;
	struct rng rng;
	struct policy_path paths[PATHS_MAX];
	struct policy_input in;
	struct policy_answer out;
};

static inline uint64_t next(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream);
}

static inline void world_init(struct world *w, const char *policy, size_t path_count,
			      uint64_t from_seed)
{
	memset(w, 0, sizeof(*w));
	w->ops = registry_find(policy);
	assert_non_null(w->ops);
	w->values = conf_policy_values_new(w->ops);
	assert_non_null(w->values);
	assert_int_equal(rng_init_seed(&w->rng, from_seed), 0);
	for (size_t i = 0; i < PATHS_MAX; i++) {
		w->paths[i] = (struct policy_path){
			.name = "path",
			.eligible = true,
			.priority = (uint32_t)i,
			.srtt_us = 20000,
			.up_for_us = 1000 * S,
		};
	}
	w->in = (struct policy_input){
		.now_us = 5000 * S,
		.since_us = 5000 * S,
		.active = POLICY_NONE,
		.path_count = path_count,
		.paths = w->paths,
		.rng = {next, &w->rng},
	};
}

/* As in comps.yaml. It counts from the next world_load() on. */
static inline void world_set(struct world *w, const char *param, const char *text)
{
	assert_int_equal(conf_policy_param_set(w->ops, w->values, param, text, NULL), 0);
}

/* Forgets the state, and lets init() read the values. */
static inline void world_load(struct world *w)
{
	struct policy_setup setup = {w->values, w->in.path_count};
	char error[200] = "";

	free(w->state);
	w->state = calloc(1, w->ops->state_size + 1);
	assert_non_null(w->state);
	if (w->ops->init && w->ops->init(w->state, &setup, error, sizeof(error)) != 0)
		fail_msg("%s: %s", w->ops->name, error);
}

static inline void world_fini(struct world *w)
{
	free(w->state);
	free(w->values);
}

/* Asks, and holds the answer to the contract of policy.h. */
static inline int ask(struct world *w, enum policy_event event)
{
	w->in.event = event;
	w->out = (struct policy_answer){POLICY_KEEP, NULL, POLICY_NEVER};
	w->ops->decide(w->state, &w->in, &w->out);
	if (w->out.path == POLICY_KEEP) {
		assert_null(w->out.reason);
		return POLICY_KEEP;
	}
	assert_in_range(w->out.path, 0, w->in.path_count - 1);
	assert_true(w->paths[w->out.path].eligible);
	assert_int_not_equal(w->out.path, w->in.active);
	assert_non_null(w->out.reason);
	return w->out.path;
}

static inline int ask_at(struct world *w, enum policy_event event, int64_t now_us)
{
	w->in.now_us = now_us;
	return ask(w, event);
}

/* A migration took effect at `at_us`. As in core/steer.c, no path is shown as eligible. */
static inline void migrated(struct world *w, int to, int64_t at_us)
{
	struct policy_path hidden[PATHS_MAX];

	memcpy(hidden, w->paths, sizeof(hidden));
	for (size_t i = 0; i < PATHS_MAX; i++)
		hidden[i].eligible = false;
	w->in.active = to;
	w->in.since_us = at_us;
	if (w->in.now_us < at_us)
		w->in.now_us = at_us;
	w->in.paths = hidden;
	assert_int_equal(ask(w, POLICY_MIGRATED), POLICY_KEEP);
	w->in.paths = w->paths;
}

static inline void started_on(struct world *w, int active)
{
	world_load(w);
	ask(w, POLICY_START);
	migrated(w, active, w->in.now_us);
}

/* Goes to the wake-up; whatever the policy wants there takes effect at once. Returns the path. */
static inline int step(struct world *w)
{
	int path = ask_at(w, POLICY_TIMER, w->out.wake_us);

	if (path != POLICY_KEEP)
		migrated(w, path, w->in.now_us);
	return path;
}

/* The seed of a random test; COMPS_TEST_SEED sets another one. */
static inline uint64_t test_seed(void)
{
	const char *text = getenv("COMPS_TEST_SEED");

	return text ? strtoull(text, NULL, 10) : 1;
}

#endif
