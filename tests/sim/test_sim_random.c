/* Days of virtual time: quiet ones, the laws of the policies, and scenarios drawn at random. The
 * rules that no migration may break are checked by world.c at every one of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/registry.h"
#include "tests/sim/life.h"
#include "tests/sim/world.h"

#define ROUNDS 200

static uint64_t first_seed = 1;

/* Probes seldom, so that a day costs little. */
static struct world_config sparse(size_t paths, const char *policy)
{
	struct world_config config = world_defaults(paths, policy);

	config.probe.interval_us = 5 * SECOND;
	return config;
}

/* --- quiet days ------------------------------------------------------------------------------- */

static void quiet(const struct world_config *config, int64_t us)
{
	struct world *world = world_new(config, first_seed);
	size_t i;

	for (i = 0; i < config->paths; i++)
		world->net.path[i].loss = 0.02;
	world_run(world, us - HOUR);
	world->net.up_pps = 20;
	world->net.down_pps = 50;
	world_run(world, HOUR);
	assert_int_equal(world_migrations(world, "failover"), 0);
	assert_int_equal(world->machine.steer.policy_errors, 0);
	for (i = 0; i < config->paths; i++)
		assert_int_equal(world->machine.paths.path[i].transitions, 1); /* it came up */
	for (i = 0; i < world->count; i++)
		assert_int_equal(world->history[i].outcome, MIGRATION_SETTLED);
	world_free(world);
}

static void test_a_quiet_day_with_loss(void **state)
{
	const struct policy_ops *const *policy;
	struct world_config config;

	(void)state;
	for (policy = registry_all(); *policy; policy++) {
		config = sparse(3, (*policy)->name);
		quiet(&config, 24 * HOUR);
	}
	config = world_defaults(3, "failover");
	quiet(&config, 6 * HOUR);
}

/* --- laws ------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How long each path was kept, in seconds, sorted. */
static size_t dwells(const struct world *world, double *out)
{
	size_t i;

	for (i = 0; i + 1 < world->count; i++)
		out[i] = (double)mono_diff_us(world->history[i + 1].decided,
					      world->history[i].swapped) /
			 1e6;
	qsort(out, world->count - 1, sizeof(*out), compare);
	return world->count - 1;
}

/* The Kolmogorov-Smirnov distance to a shifted exponential law. */
static double distance(const double *sorted, size_t n, double min, double mean)
{
	double most = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double law = sorted[i] < min ? 0 : 1 - exp(-(sorted[i] - min) / (mean - min));

		most = fmax(most,
			    fmax(law - (double)i / (double)n, (double)(i + 1) / (double)n - law));
	}
	return most;
}

static void test_random_interval_keeps_its_law(void **state)
{
	struct world_config config = sparse(4, "random-interval");
	double *sorted = calloc(WORLD_HISTORY, sizeof(*sorted));
	size_t i, n, steps[4] = {0};
	struct world *world;

	(void)state;
	config.params[0] = "interval";
	config.params[1] = "10s";
	config.params[2] = "min";
	config.params[3] = "3s";
	world = world_new(&config, first_seed);
	world_run(world, 10 * HOUR);
	n = dwells(world, sorted);
	assert_in_range(n, 3300, 3900);
	/* One run in a thousand is further off (Kolmogorov's distribution). */
	assert_true(distance(sorted, n, 3, 10) < 1.95 / sqrt((double)n));
	for (i = 1; i < world->count; i++)
		steps[(world->history[i].to - world->history[i].from + 4) % 4]++;
	assert_int_equal(steps[0], 0);
	for (i = 1; i < 4; i++) /* within four standard deviations of a third */
		assert_true(fabs((double)steps[i] / (double)n - 1.0 / 3) <
			    4 * sqrt(2.0 / 9 / (double)n));
	world_free(world);
	free(sorted);
}

#define EACH_S (2 * 3600 / 5) /* of two hours */

static void test_round_robin_gives_equal_shares(void **state)
{
	struct world_config config = sparse(5, "round-robin");
	struct world *world;
	size_t i;

	(void)state;
	world = world_new(&config, first_seed);
	world->net.up_pps = world->net.down_pps = 100;
	world_run(world, 2 * HOUR);
	for (i = 0; i < 5; i++) {
		assert_in_range(world->active_us[i], (EACH_S - 31) * SECOND,
				(EACH_S + 31) * SECOND);
		assert_in_range(world->net.path[i].counters.rx_bytes, (EACH_S - 31) * 50000,
				(EACH_S + 31) * 50000);
	}
	for (i = 1; i < world->count; i++)
		assert_int_equal(world->history[i].to, (world->history[i].from + 1) % 5);
	world_free(world);
}

static void test_rate_limit_holds_a_hurried_policy_back(void **state)
{
	struct world_config config = sparse(3, "round-robin");
	struct world *world;

	(void)state;
	config.guards.min_dwell_us = 0;
	config.guards.max_migrations_per_min = 6;
	config.params[0] = "interval";
	config.params[1] = "500ms";
	world = world_new(&config, first_seed);
	world_run(world, HOUR);
	assert_in_range(world->count, 6 * 60 - 5, 6 * 60 + 6 + 2);
	world_free(world);
}

/* --- random scenarios ------------------------------------------------------------------------- */

static void random_life(uint64_t seed)
{
	const struct policy_ops *const *all = registry_all();
	struct world_config config;
	struct world *world;
	size_t policies = 0;

	while (all[policies])
		policies++;
	config = sparse(1 + seed % 6, all[seed / 6 % policies]->name);
	config.direct = seed % 5 == 0;
	world = world_new(&config, seed);
	life_live(world, HOUR);
	life_heal(world);
	world_run(world, 15 * MINUTE);
	machine_views(&world->machine, world->now);
	if (world->net.route < 0 || !net_carries(&world->net, (size_t)world->net.route) ||
	    !world->machine.views[world->net.route].policy.up_for_us ||
	    world->machine.steer.policy_errors)
		fail_msg("seed %llu: not well after everything was healed",
			 (unsigned long long)seed);
	world_free(world);
}

static void test_random_lives(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < ROUNDS; i++)
		random_life(first_seed + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_quiet_day_with_loss),
		cmocka_unit_test(test_random_interval_keeps_its_law),
		cmocka_unit_test(test_round_robin_gives_equal_shares),
		cmocka_unit_test(test_rate_limit_holds_a_hurried_policy_back),
		cmocka_unit_test(test_random_lives),
	};

	if (getenv("COMPS_TEST_SEED"))
		first_seed = strtoull(getenv("COMPS_TEST_SEED"), NULL, 10);
	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)first_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
