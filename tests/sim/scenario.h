/* scenario: plays something that happens to a client with several seeds, and the bounds that follow
 * from the configuration.
 */
#ifndef COMPS_TESTS_SIM_SCENARIO_H
#define COMPS_TESTS_SIM_SCENARIO_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define SEEDS 3 /* every scenario is played with so many */

/* The first of the seeds; COMPS_TEST_SEED sets another one. */
static inline uint64_t first_seed(void)
{
	const char *given = getenv("COMPS_TEST_SEED");

	return given ? strtoull(given, NULL, 10) : 1;
}

typedef void (*scenario_fn)(struct world *world);

/* Plays `scenario` with each seed, after a quiet minute. */
static inline void play(const struct world_config *config, scenario_fn scenario)
{
	uint64_t i;

	for (i = 0; i < SEEDS; i++) {
		struct world *world = world_new(config, first_seed() + i);

		world_run(world, MINUTE);
		assert_int_equal(world->count, 1);
		assert_string_equal(world_last(world)->reason, "start");
		scenario(world);
		world_free(world);
	}
}

static inline void play_default(size_t paths, scenario_fn scenario)
{
	struct world_config config = world_defaults(paths, "failover");

	play(&config, scenario);
}

/* --- bounds that follow from the configuration ------------------------------------------------ */

/* From the first to the last probe of a burst (schedule.h), and until that one is given up. */
static inline int64_t burst_us(const struct world *world)
{
	const struct conf_probe *probe = &world->config.probe;

	return probe->burst_gap_us + (probe->burst - 1) * probe->burst_gap_us * 5 / 4 + 10 * MS;
}

static inline int64_t timeout_us(const struct world *world)
{
	return path_stats_timeout_us(
		paths_judge(&world->machine.paths, (size_t)world->machine.steer.active));
}

/* Nothing but probes shows the death: one is sent within three intervals, its loss is noticed, and
 * the burst decides. */
static inline int64_t idle_bound_us(const struct world *world)
{
	return 3 * world->config.probe.interval_us + timeout_us(world) + burst_us(world) +
	       timeout_us(world);
}

/* The traffic shows it: a reading of the counters notices that answers are missing. */
static inline int64_t loaded_bound_us(const struct world *world)
{
	int64_t stall_us =
		timeout_us(world) + 20 * MS > 40 * MS ? timeout_us(world) + 20 * MS : 40 * MS;

	return 3 * STALL_POLL_BUSY_US + stall_us + burst_us(world) + timeout_us(world);
}

static inline void expect_failover(struct world *world, struct mono broken, int64_t bound_us)
{
	const struct migration *m = world_last(world);

	assert_string_equal(m->reason, "failover");
	assert_int_equal(m->outcome, MIGRATION_SETTLED);
	assert_in_range(mono_diff_us(m->decided, broken), 0, bound_us);
	assert_int_equal(m->to, world->net.route);
	assert_true(net_carries(&world->net, (size_t)m->to));
}

static inline void load(struct world *world)
{
	world->net.up_pps = 100;
	world->net.down_pps = 500;
	world_run(world, 10 * SECOND);
}

#endif
