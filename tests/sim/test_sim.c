/* Scenarios of a whole client in virtual time: what breaks, what it does, and within which bound.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define SEEDS 5 /* every scenario is played with so many */

static uint64_t first_seed = 1;

typedef void (*scenario_fn)(struct world *world);

/* Plays `scenario` with each seed, after a quiet minute. */
static void play(const struct world_config *config, scenario_fn scenario)
{
	uint64_t i;

	for (i = 0; i < SEEDS; i++) {
		struct world *world = world_new(config, first_seed + i);

		world_run(world, MINUTE);
		assert_int_equal(world->count, 1);
		assert_string_equal(world_last(world)->reason, "start");
		scenario(world);
		world_free(world);
	}
}

static void play_default(size_t paths, scenario_fn scenario)
{
	struct world_config config = world_defaults(paths, "failover");

	play(&config, scenario);
}

/* --- bounds that follow from the configuration ------------------------------------------------ */

/* From the first to the last probe of a burst (schedule.h), and until that one is given up. */
static int64_t burst_us(const struct world *world)
{
	const struct conf_probe *probe = &world->config.probe;

	return probe->burst_gap_us + (probe->burst - 1) * probe->burst_gap_us * 5 / 4 + 10 * MS;
}

static int64_t timeout_us(const struct world *world)
{
	return path_stats_timeout_us(paths_judge(&world->paths, (size_t)world->steer.active));
}

/* Nothing but probes shows the death: one is sent within three intervals, its loss is noticed, and
 * the burst decides. */
static int64_t idle_bound_us(const struct world *world)
{
	return 3 * world->config.probe.interval_us + timeout_us(world) + burst_us(world) +
	       timeout_us(world);
}

/* The traffic shows it: a reading of the counters notices that answers are missing. */
static int64_t loaded_bound_us(const struct world *world)
{
	int64_t stall_us = 2 * timeout_us(world) > 100 * MS ? 2 * timeout_us(world) : 100 * MS;

	return 2 * 200 * MS + stall_us + 25 * MS + burst_us(world) + timeout_us(world);
}

static void expect_failover(struct world *world, struct mono broken, int64_t bound_us)
{
	const struct migration *m = world_last(world);

	assert_string_equal(m->reason, "failover");
	assert_int_equal(m->outcome, MIGRATION_SETTLED);
	assert_in_range(mono_diff_us(m->decided, broken), 0, bound_us);
	assert_int_equal(m->to, world->net.route);
	assert_true(net_carries(&world->net, (size_t)m->to));
}

static void load(struct world *world)
{
	world->net.up_pps = 100;
	world->net.down_pps = 500;
	world_run(world, 10 * SECOND);
}

/* --- 1: one path breaks ----------------------------------------------------------------------- */

static void proxy_dies_idle(struct world *world)
{
	struct mono broken = world->now;
	int64_t bound_us = idle_bound_us(world);

	world->net.path[0].proxy_dead = true;
	world_run(world, 30 * SECOND);
	expect_failover(world, broken, bound_us);
	assert_int_equal(paths_fault(&world->paths, 0), PATH_FAULT_PROXY);
	assert_int_equal(world->count, 2);
}

static void test_proxy_dies_idle(void **state)
{
	(void)state;
	play_default(2, proxy_dies_idle);
	play_default(3, proxy_dies_idle);
}

static void proxy_dies_under_load(struct world *world)
{
	struct mono broken;
	int64_t bound_us;

	load(world);
	broken = world->now;
	bound_us = loaded_bound_us(world);
	world->net.path[0].proxy_dead = true;
	world_run(world, 30 * SECOND);
	expect_failover(world, broken, bound_us);
	assert_true(bound_us < 750 * MS);
	assert_int_equal(world->count, 2);
}

static void test_proxy_dies_under_load(void **state)
{
	(void)state;
	play_default(3, proxy_dies_under_load);
}

static void leg_dies(struct world *world)
{
	struct mono broken = world->now;
	int64_t bound_us = idle_bound_us(world);

	world->net.path[0].leg_dead = true;
	world_run(world, 30 * SECOND);
	expect_failover(world, broken, bound_us);
	assert_int_equal(paths_fault(&world->paths, 0), PATH_FAULT_PROXY_EXIT);
	assert_int_equal(paths_fault(&world->paths, 1), PATH_FAULT_NONE);
	assert_int_equal(paths_common_fault(&world->paths), PATH_FAULT_NONE);
}

static void test_proxy_exit_leg_dies(void **state)
{
	(void)state;
	play_default(3, leg_dies);
}

static void link_is_deleted(struct world *world)
{
	struct mono broken = world->now;

	load(world);
	broken = world->now;
	world_set_link(world, 0, false);
	world_run(world, 10 * SECOND);
	expect_failover(world, broken, 0);
	assert_int_equal(paths_fault(&world->paths, 0), PATH_FAULT_INTERFACE);
	world_set_link(world, 0, true);
	world_run(world, 2 * MINUTE);
	assert_string_equal(world_last(world)->reason, "failback");
	assert_int_equal(world->net.route, 0);
	assert_int_equal(world->count, 3);
}

static void test_link_is_deleted(void **state)
{
	(void)state;
	play_default(3, link_is_deleted);
}

static void only_path_dies(struct world *world)
{
	world->net.path[0].proxy_dead = true;
	world_run(world, MINUTE);
	assert_int_equal(world->paths.path[0].state, PATH_DOWN);
	world->net.path[0].proxy_dead = false;
	world_run(world, MINUTE);
	assert_int_equal(world->paths.path[0].state, PATH_UP);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->net.route, 0);
}

static void test_only_path_dies(void **state)
{
	(void)state;
	play_default(1, only_path_dies);
}

static void one_of_a_hundred_dies(struct world *world)
{
	struct mono broken = world->now;
	int64_t bound_us = idle_bound_us(world) + 200 * MS; /* 200 probes a burst are paced */

	world->net.path[0].proxy_dead = true;
	world_run(world, 10 * SECOND);
	expect_failover(world, broken, bound_us);
	assert_int_equal(world->count, 2);
}

static void test_one_of_a_hundred_dies(void **state)
{
	(void)state;
	play_default(100, one_of_a_hundred_dies);
}

/* --- 2: what no migration can mend ------------------------------------------------------------ */

static void expect_nothing_moves(struct world *world, bool *part, int64_t for_us,
				 enum path_fault fault)
{
	size_t before = world->count;
	int route = world->net.route;

	*part = true;
	world_run(world, for_us);
	if (fault != PATH_FAULT_NONE)
		assert_int_equal(paths_common_fault(&world->paths), fault);
	net_advance(&world->net, world->now);
	*part = false;
	world_run(world, 10 * MINUTE);
	assert_int_equal(world->count, before);
	assert_int_equal(world->net.route, route);
	assert_int_equal(world->paths.path[route].state, PATH_UP);
	assert_int_equal(paths_common_fault(&world->paths), PATH_FAULT_NONE);
}

static void uplink_is_down(struct world *world)
{
	expect_nothing_moves(world, &world->net.uplink_dead, MINUTE, PATH_FAULT_UPLINK);
	load(world);
	expect_nothing_moves(world, &world->net.uplink_dead, MINUTE, PATH_FAULT_UPLINK);
	expect_nothing_moves(world, &world->net.uplink_dead, 100 * MS, PATH_FAULT_NONE);
	expect_nothing_moves(world, &world->net.uplink_dead, 5 * SECOND, PATH_FAULT_UPLINK);
}

static void test_uplink_is_down(void **state)
{
	(void)state;
	play_default(2, uplink_is_down);
	play_default(5, uplink_is_down);
}

static void exit_is_down(struct world *world)
{
	expect_nothing_moves(world, &world->net.exit_dead, MINUTE, PATH_FAULT_EXIT);
	load(world);
	expect_nothing_moves(world, &world->net.exit_dead, HOUR, PATH_FAULT_EXIT);
}

static void test_exit_is_down(void **state)
{
	(void)state;
	play_default(3, exit_is_down);
}

static void all_die_and_one_comes_back(struct world *world)
{
	struct mono back;
	size_t i;

	for (i = 0; i < 3; i++) {
		world->net.path[i].proxy_dead = true;
		world_run(world, 20 * MS);
	}
	world_run(world, MINUTE);
	assert_int_equal(world->count, 1);
	back = world->now;
	world->net.path[2].proxy_dead = false;
	world_run(world, 20 * SECOND);
	/* A probe within three intervals, a burst, and the second of the active path. */
	expect_failover(world, back, 3 * SECOND + burst_us(world) + 100 * MS + SECOND);
	assert_int_equal(world->net.route, 2);
	assert_int_equal(world->count, 2);
}

static void test_all_die_and_one_comes_back(void **state)
{
	(void)state;
	play_default(3, all_die_and_one_comes_back);
}

/* --- 3: what looks like a fault and is none --------------------------------------------------- */

static void only_upward(struct world *world)
{
	uint64_t bursts = world->bursts;

	world->net.one_way = true;
	world->net.up_pps = 200;
	world_run(world, HOUR);
	assert_int_equal(world->count, 1);
	/* The patience grows to ten seconds. */
	assert_in_range(world->bursts - bursts, 1, 3600 / 10 + 10);
}

static void test_one_way_traffic(void **state)
{
	(void)state;
	play_default(3, only_upward);
}

static void bufferbloat(struct world *world)
{
	int round;

	load(world);
	for (round = 0; round < 20; round++) {
		net_advance(&world->net, world->now);
		world->net.path[0].queue_us = 780 * MS;
		world_run(world, 20 * SECOND);
		world->net.path[0].queue_us = 0;
		world_run(world, 20 * SECOND);
	}
	assert_int_equal(world->count, 1);
}

static void test_bufferbloat(void **state)
{
	(void)state;
	play_default(3, bufferbloat);
}

static void lossy(struct world *world)
{
	world->net.path[0].loss = 0.3;
	load(world);
	world_run(world, HOUR);
	/* A burst of four is lost once in 120; such a path is left now and then, not all the time.
	 */
	assert_in_range(world->count, 1, 30);
	assert_int_equal(world_migrations(world, "failover"),
			 world_migrations(world, "failback") + (world->net.route != 0));
	assert_true(world->bursts < 3600);
}

static void test_lossy_path(void **state)
{
	(void)state;
	play_default(3, lossy);
}

/* --- 4: a path that comes and goes ------------------------------------------------------------ */

static void flapping(struct world *world)
{
	int round;

	for (round = 0; round < 360; round++) {
		net_advance(&world->net, world->now);
		world->net.path[0].proxy_dead = !world->net.path[0].proxy_dead;
		world_run(world, 10 * SECOND);
	}
	/* Held for 10, 20, 40, 80, 160 and then 300s, and again before each is over. */
	assert_in_range(world_migrations(world, "failback"), 1, 4);
	world->net.path[0].proxy_dead = false;
	world_run(world, 6 * MINUTE);
	assert_int_equal(world->net.route, 0);
}

static void test_flapping_path_is_damped(void **state)
{
	struct world_config config = world_defaults(3, "failover");

	(void)state;
	config.params[0] = "failback";
	config.params[1] = "immediate";
	play(&config, flapping);
}

static int64_t stay_away_us(struct world *world)
{
	world->net.path[0].proxy_dead = true;
	world_run(world, 30 * SECOND);
	assert_int_equal(world->net.route, 1);
	net_advance(&world->net, world->now);
	world->net.path[0].proxy_dead = false;
	world_run(world, 10 * MINUTE);
	return world->net.route == 0
		       ? mono_diff_us(world_last(world)->decided, world->net.path[0].broken)
		       : -1;
}

static void fails_back_later(struct world *world)
{
	assert_in_range(stay_away_us(world), 60 * SECOND, 60 * SECOND + 10 * SECOND);
}

static void fails_back_at_once(struct world *world)
{
	assert_in_range(stay_away_us(world), 0, 10 * SECOND);
}

static void never_fails_back(struct world *world)
{
	assert_int_equal(stay_away_us(world), -1);
}

static void test_failback(void **state)
{
	struct world_config config = world_defaults(3, "failover");

	(void)state;
	play(&config, fails_back_later);
	config.params[0] = "failback";
	config.params[1] = "immediate";
	play(&config, fails_back_at_once);
	config.params[1] = "never";
	play(&config, never_fails_back);
}

/* --- 5: migrations that do not succeed -------------------------------------------------------- */

static void target_swallows(struct world *world)
{
	world->swallows[1] = true;
	assert_int_equal(world_request(world, 1), 0);
	world_run(world, 5 * SECOND);
	assert_int_equal(world->count, 2);
	assert_int_equal(world_last(world)->outcome, MIGRATION_ROLLED_BACK);
	assert_int_equal(world->net.route, 0);
	assert_int_equal(world->net.exit_at, 0);
	assert_int_equal(world_request(world, 1), -EHOSTUNREACH);
}

static void test_migration_that_never_settles_is_rolled_back(void **state)
{
	(void)state;
	play_default(3, target_swallows);
}

static void target_dies_while_settling(struct world *world)
{
	assert_int_equal(world_request(world, 1), 0);
	world->net.path[1].proxy_dead = true;
	world_run(world, 10 * SECOND);
	assert_int_equal(world->count, 2);
	assert_int_equal(world_last(world)->outcome, MIGRATION_ROLLED_BACK);
	assert_int_equal(world->net.route, 0);
}

static void test_target_dies_while_settling(void **state)
{
	(void)state;
	play_default(3, target_dies_while_settling);
}

static void failover_onto_a_swallower(struct world *world)
{
	world->swallows[1] = true;
	world->net.path[0].proxy_dead = true;
	world_run(world, 10 * SECOND);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->history[1].outcome, MIGRATION_FAILED);
	assert_int_equal(world_last(world)->outcome, MIGRATION_SETTLED);
	assert_int_equal(world->net.route, 2);
	assert_true(mono_diff_us(world_last(world)->decided, world->history[1].decided) < 800 * MS);
}

static void test_failover_goes_on_until_one_settles(void **state)
{
	(void)state;
	play_default(3, failover_onto_a_swallower);
}

static void kernel_refuses(struct world *world)
{
	world->refuses_swap = true;
	world->net.path[0].proxy_dead = true;
	world_run(world, MINUTE);
	assert_int_equal(world->net.route, 0);
	assert_int_equal(world_last(world)->outcome, MIGRATION_REFUSED);
	assert_in_range(world->count, 3, 125); /* asked again, and not in a circle */
	world->refuses_swap = false;
	world_run(world, 2 * SECOND);
	assert_int_equal(world_last(world)->outcome, MIGRATION_SETTLED);
}

static void test_kernel_refuses(void **state)
{
	(void)state;
	play_default(3, kernel_refuses);
}

static void from_slow_to_fast(struct world *world)
{
	int64_t astray_us = world->net.astray_us;

	world->net.path[0].rtt_us = 400 * MS;
	world->net.up_pps = 1;
	world->net.down_pps = 100;
	world_run(world, MINUTE);
	assert_int_equal(world_request(world, 1), 0);
	world_run(world, 5 * SECOND);
	assert_int_equal(world_last(world)->outcome, MIGRATION_SETTLED);
	/* The late packet calls the exit back, and the last kick corrects it: without that the
	 * next packet of the traffic would, a second later. */
	assert_true(world->net.astray_us - astray_us < 100 * MS);
}

static void test_last_kick_undoes_late_packets(void **state)
{
	(void)state;
	play_default(2, from_slow_to_fast);
}

static void nothing_confirms(struct world *world)
{
	struct mono broken = world->now;
	int64_t bound_us = idle_bound_us(world);

	world->net.path[0].proxy_dead = true;
	world_run(world, 10 * SECOND);
	assert_string_equal(world_last(world)->reason, "failover");
	assert_int_equal(world_last(world)->outcome, MIGRATION_UNCONFIRMED);
	assert_in_range(mono_diff_us(world_last(world)->decided, broken), 0, bound_us);
}

static void test_direct_mode(void **state)
{
	struct world_config config = world_defaults(3, "failover");

	(void)state;
	config.direct = true;
	play(&config, nothing_confirms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_dies_idle),
		cmocka_unit_test(test_proxy_dies_under_load),
		cmocka_unit_test(test_proxy_exit_leg_dies),
		cmocka_unit_test(test_link_is_deleted),
		cmocka_unit_test(test_only_path_dies),
		cmocka_unit_test(test_one_of_a_hundred_dies),
		cmocka_unit_test(test_uplink_is_down),
		cmocka_unit_test(test_exit_is_down),
		cmocka_unit_test(test_all_die_and_one_comes_back),
		cmocka_unit_test(test_one_way_traffic),
		cmocka_unit_test(test_bufferbloat),
		cmocka_unit_test(test_lossy_path),
		cmocka_unit_test(test_flapping_path_is_damped),
		cmocka_unit_test(test_failback),
		cmocka_unit_test(test_migration_that_never_settles_is_rolled_back),
		cmocka_unit_test(test_target_dies_while_settling),
		cmocka_unit_test(test_failover_goes_on_until_one_settles),
		cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_last_kick_undoes_late_packets),
		cmocka_unit_test(test_direct_mode),
	};

	if (getenv("COMPS_TEST_SEED"))
		first_seed = strtoull(getenv("COMPS_TEST_SEED"), NULL, 10);
	print_message("seeds %llu to %llu\n", (unsigned long long)first_seed,
		      (unsigned long long)first_seed + SEEDS - 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
