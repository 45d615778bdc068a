/* What makes a path suspect, and when the fast burst is asked for. */
#include "tests/unit/path_world.h"

/* --- bursts --- */

static void test_a_suspicion_asks_for_one_burst(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	f->effects = 0;
	lose_one(f);
	assert_int_equal(f->effects, PATHS_BURST | PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	lose_one(f);
	assert_int_equal(f->bursts, 1);
}

static void test_bursts_are_limited_and_wait_for_their_turn(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 5; i++) {
		lose_one(f);
		assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
		if (i < 4)
			probe(f, 0, PATH_TARGET_EXIT);
	}
	assert_int_equal(f->bursts, 3);
	pass(f, 1000 * MS); /* still suspected when the next token comes */
	assert_int_equal(f->bursts, 4);
}

static void test_a_suspicion_that_cleared_up_needs_no_burst(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 5; i++) {
		lose_one(f);
		probe(f, 0, PATH_TARGET_EXIT);
	}
	pass(f, 1000 * MS);
	assert_int_equal(f->bursts, 3);
}

static void test_the_first_answer_of_a_dead_path_asks_for_a_burst(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 30);
	kill_target(f, PATH_TARGET_EXIT, false);
	f->bursts = 0;
	probe(f, 2, PATH_TARGET_PROXY); /* it answered all the time */
	assert_int_equal(f->bursts, 0);
	probe(f, 2, PATH_TARGET_EXIT);
	assert_int_equal(f->bursts, 1);
}

/* A burst to all targets, and time for its end. */
static void burst(struct fixture *f)
{
	size_t i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < PATHS; i++) {
			probe(f, i, PATH_TARGET_PROXY);
			probe(f, i, PATH_TARGET_EXIT);
		}
		pass(f, 5 * MS);
	}
	pass(f, 100 * MS);
}

static void test_the_burst_decides_when_another_path_answers_it(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	lose_one(f);
	f->dead[0][PATH_TARGET_EXIT] = true;
	burst(f);
	expect_states(f, PATH_DOWN, PATH_UP, PATH_UP);
}

static void test_a_moment_without_any_answer_brings_nothing_down(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	kill_target(f, PATH_TARGET_PROXY, true);
	kill_target(f, PATH_TARGET_EXIT, true);
	burst(f);
	expect_states(f, PATH_SUSPECT, PATH_SUSPECT, PATH_SUSPECT);
	kill_target(f, PATH_TARGET_EXIT, false);
	live(f, 1);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
}

/* --- traffic --- */

static unsigned int read_counters(struct fixture *f, bool active, uint64_t tx, uint64_t rx)
{
	struct path_counters counters = f->paths.path[0].counters;

	counters.tx_packets += tx;
	counters.rx_packets += rx;
	f->now = mono_add_us(f->now, 25 * MS);
	f->paths.path[0].counters = counters;
	return paths_on_stall(&f->paths, 0, paths_watch(&f->paths, 0, active, &counters, f->now),
			      f->now);
}

static void test_a_stalled_downlink_raises_a_suspicion(void **state)
{
	struct fixture *f = *state;
	unsigned int effects = 0;
	int i;

	live(f, 10);
	for (i = 0; i < 20 && !effects; i++)
		effects = read_counters(f, true, 5, 0);
	assert_int_equal(effects, PATHS_BURST | PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	assert_int_equal(read_counters(f, true, 5, 5), PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_UP);
}

static void test_only_the_active_path_can_stall(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 100; i++)
		assert_int_equal(read_counters(f, false, 5, 0), 0);
}

static void test_incoming_data_clears_a_suspicion(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	read_counters(f, true, 0, 0);
	lose_one(f);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	read_counters(f, true, 0, 1);
	assert_int_equal(f->paths.path[0].state, PATH_UP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, path_world_setup, path_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_suspicion_asks_for_one_burst),
		TEST(test_bursts_are_limited_and_wait_for_their_turn),
		TEST(test_a_suspicion_that_cleared_up_needs_no_burst),
		TEST(test_the_first_answer_of_a_dead_path_asks_for_a_burst),
		TEST(test_the_burst_decides_when_another_path_answers_it),
		TEST(test_a_moment_without_any_answer_brings_nothing_down),
		TEST(test_a_stalled_downlink_raises_a_suspicion),
		TEST(test_only_the_active_path_can_stall),
		TEST(test_incoming_data_clears_a_suspicion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
