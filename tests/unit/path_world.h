/* Three paths with both targets, for the tests of core/path. */
#ifndef COMPS_TESTS_UNIT_PATH_WORLD_H
#define COMPS_TESTS_UNIT_PATH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/path.h"

#define MS    INT64_C(1000)
#define PATHS 3

static const struct path_stats_config config = {
	.window = 20,
	.up_after = 3,
	.down_after = 4,
	.timeout_min_us = 50 * MS,
	.timeout_max_us = 1000 * MS,
};

struct fixture {
	struct paths paths;
	struct mono now;
	uint32_t number[PATHS][PATH_TARGETS];
	bool dead[PATHS][PATH_TARGETS];
	unsigned int effects; /* since they were last looked at */
	int bursts;
};

static inline void note(struct fixture *f, unsigned int effects)
{
	f->effects |= effects;
	f->bursts += (effects & PATHS_BURST) != 0;
}

static inline int path_world_setup(void **state)
{
	static const char *const names[] = {"ams", "fra", "waw"};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = (struct mono){1000000 * MS};
	assert_int_equal(paths_init(&f->paths, PATHS, &config, f->now), 0);
	for (size_t i = 0; i < PATHS; i++) {
		struct path *path = &f->paths.path[i];

		path->name = path->interface = names[i];
		path->priority = (uint32_t)i + 1;
		path->link_up = true;
		path->probed[PATH_TARGET_PROXY] = path->probed[PATH_TARGET_EXIT] = true;
	}
	*state = f;
	return 0;
}

static inline int path_world_teardown(void **state)
{
	struct fixture *f = *state;

	paths_fini(&f->paths);
	free(f);
	return 0;
}

static inline void pass(struct fixture *f, int64_t us)
{
	struct mono until = mono_add_us(f->now, us), next;

	while (mono_before(next = paths_next_deadline(&f->paths), until)) {
		f->now = next;
		note(f, paths_on_time(&f->paths, f->now));
	}
	f->now = until;
	note(f, paths_on_time(&f->paths, f->now));
}

static inline void probe(struct fixture *f, size_t path, enum path_target target)
{
	uint32_t number = f->number[path][target]++;

	if (!f->paths.path[path].probed[target])
		return;
	paths_on_sent(&f->paths, path, target, number, f->now);
	if (!f->dead[path][target])
		note(f, paths_on_reply(&f->paths, path, target, number, 20 * MS, f->now));
}

/* Rounds of probes to all targets, 200 ms apart; all answers come at once. */
static inline void live(struct fixture *f, int rounds)
{
	size_t i;

	for (; rounds > 0; rounds--) {
		for (i = 0; i < PATHS; i++) {
			probe(f, i, PATH_TARGET_PROXY);
			probe(f, i, PATH_TARGET_EXIT);
		}
		pass(f, 200 * MS);
	}
}

static inline void kill_target(struct fixture *f, enum path_target target, bool dead)
{
	size_t i;

	for (i = 0; i < PATHS; i++)
		f->dead[i][target] = dead;
}

static inline void expect_states(struct fixture *f, enum path_state a, enum path_state b,
				 enum path_state c)
{
	assert_int_equal(f->paths.path[0].state, a);
	assert_int_equal(f->paths.path[1].state, b);
	assert_int_equal(f->paths.path[2].state, c);
}

/* One lost probe to the exit on path 0, and time for it to be missed. */
static inline void lose_one(struct fixture *f)
{
	f->dead[0][PATH_TARGET_EXIT] = true;
	pass(f, 1);
	probe(f, 0, PATH_TARGET_EXIT);
	pass(f, 60 * MS);
	f->dead[0][PATH_TARGET_EXIT] = false;
}

#endif
