/* One target that is probed, for the tests of core/path_stats.
 */
#ifndef COMPS_TESTS_UNIT_TARGET_WORLD_H
#define COMPS_TESTS_UNIT_TARGET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/path_stats.h"
#include "lib/rng.h"
#include "tests/unit/policy_world.h"

#define MS INT64_C(1000)

static const struct path_stats_config config = {
	.window = 10,
	.up_after = 3,
	.down_after = 4,
	.timeout_min_us = 50 * MS,
	.timeout_max_us = 1000 * MS,
};

struct fixture {
	struct path_stats stats;
	struct mono now;
	uint32_t next;
};

static inline int target_world_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = (struct mono){5000 * MS};
	assert_int_equal(path_stats_init(&f->stats, &config, f->now), 0);
	*state = f;
	return 0;
}

static inline int target_world_teardown(void **state)
{
	struct fixture *f = *state;

	path_stats_fini(&f->stats);
	free(f);
	return 0;
}

/* Lets time pass, and looks when there is something to see. */
static inline void pass(struct fixture *f, int64_t us)
{
	struct mono until = mono_add_us(f->now, us), next;

	while (mono_before(next = path_stats_next_deadline(&f->stats), until)) {
		if (mono_before(f->now, next))
			f->now = next;
		path_stats_on_time(&f->stats, f->now);
		if (path_stats_next_deadline(&f->stats).us == next.us)
			break; /* a judgement is due, which is asked for apart */
	}
	f->now = until;
	path_stats_on_time(&f->stats, f->now);
}

static inline uint32_t send(struct fixture *f)
{
	path_stats_on_sent(&f->stats, f->next, f->now);
	return f->next++;
}

static inline void reply(struct fixture *f, uint32_t number, int64_t rtt_us)
{
	path_stats_on_reply(&f->stats, number, rtt_us, f->now);
}

/* A probe that is answered after `rtt_us`. */
static inline void answered(struct fixture *f, int64_t rtt_us)
{
	uint32_t number = send(f);

	pass(f, rtt_us);
	reply(f, number, rtt_us);
}

/* A probe that is not, and the time until that is certain. */
static inline void lost(struct fixture *f)
{
	send(f);
	pass(f, config.timeout_max_us);
}

/* The judgement, when a probe that left `ago_us` ago is the latest that was answered elsewhere. */
static inline void judge(struct fixture *f, int64_t ago_us)
{
	path_stats_judge(&f->stats, mono_add_us(f->now, -ago_us), f->now);
}

#endif
