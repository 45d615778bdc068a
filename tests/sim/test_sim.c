/* Faults of a whole client in virtual time: what it does, and within which bound. */
#include "tests/sim/scenario.h"

/* --- one path breaks ----------------------------------------------------------------------- */

static void proxy_dies_idle(struct world *world)
{
	struct mono broken = world->now;
	int64_t bound_us = idle_bound_us(world);

	world->net.path[0].proxy_dead = true;
	world_run(world, 30 * SECOND);
	expect_failover(world, broken, bound_us);
	assert_int_equal(paths_fault(&world->machine.paths, 0), PATH_FAULT_PROXY);
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
	assert_true(bound_us < 350 * MS);
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
	assert_int_equal(paths_fault(&world->machine.paths, 0), PATH_FAULT_PROXY_EXIT);
	assert_int_equal(paths_fault(&world->machine.paths, 1), PATH_FAULT_NONE);
	assert_int_equal(paths_common_fault(&world->machine.paths), PATH_FAULT_NONE);
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
	assert_int_equal(paths_fault(&world->machine.paths, 0), PATH_FAULT_INTERFACE);
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
	assert_int_equal(world->machine.paths.path[0].state, PATH_DOWN);
	world->net.path[0].proxy_dead = false;
	world_run(world, MINUTE);
	assert_int_equal(world->machine.paths.path[0].state, PATH_UP);
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

/* --- what no migration can mend ------------------------------------------------------------ */

static void expect_nothing_moves(struct world *world, bool *part, int64_t for_us,
				 enum path_fault fault)
{
	size_t before = world->count;
	int route = world->net.route;

	*part = true;
	world_run(world, for_us);
	if (fault != PATH_FAULT_NONE)
		assert_int_equal(paths_common_fault(&world->machine.paths), fault);
	net_advance(&world->net, world->now);
	*part = false;
	world_run(world, 10 * MINUTE);
	assert_int_equal(world->count, before);
	assert_int_equal(world->net.route, route);
	assert_int_equal(world->machine.paths.path[route].state, PATH_UP);
	assert_int_equal(paths_common_fault(&world->machine.paths), PATH_FAULT_NONE);
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

/* --- what looks like a fault and is none --------------------------------------------------- */

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
	};

	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)first_seed());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
