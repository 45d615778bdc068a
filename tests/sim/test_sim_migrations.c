/* Paths that come and go, failback, and migrations that do not succeed, in virtual time. */
#include "tests/sim/scenario.h"

/* --- a path that comes and goes ------------------------------------------------------------ */

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

/* --- migrations that do not succeed -------------------------------------------------------- */

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
		cmocka_unit_test(test_flapping_path_is_damped),
		cmocka_unit_test(test_failback),
		cmocka_unit_test(test_migration_that_never_settles_is_rolled_back),
		cmocka_unit_test(test_target_dies_while_settling),
		cmocka_unit_test(test_failover_goes_on_until_one_settles),
		cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_last_kick_undoes_late_packets),
		cmocka_unit_test(test_direct_mode),
	};

	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)first_seed());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
