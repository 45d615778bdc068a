/* What the targets say about the paths, and all paths together about what is broken. */
#include "tests/unit/path_world.h"

static bool is_blameless(const struct fixture *f, size_t path)
{
	struct path_view views[PATHS];

	paths_view(&f->paths, f->now, views);
	return views[path].blameless;
}

/* --- faults --- */

static void test_all_is_well(void **state)
{
	struct fixture *f = *state;

	expect_states(f, PATH_UNKNOWN, PATH_UNKNOWN, PATH_UNKNOWN);
	live(f, 3);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
}

static void test_a_proxy_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	f->dead[1][PATH_TARGET_PROXY] = f->dead[1][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_PROXY);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
	assert_false(is_blameless(f, 1));
}

static void test_a_leg_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	f->dead[1][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_PROXY_EXIT);
}

static void test_the_exit_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_DOWN, PATH_DOWN);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_EXIT);
	assert_int_equal(paths_fault(&f->paths, 2), PATH_FAULT_EXIT);
	kill_target(f, PATH_TARGET_EXIT, false);
	live(f, 4);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
}

static void test_the_uplink_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	kill_target(f, PATH_TARGET_PROXY, true);
	live(f, 10);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_UPLINK);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_UPLINK);
	assert_true(is_blameless(f, 0) && is_blameless(f, 1) && is_blameless(f, 2));
}

static void test_a_dead_proxy_while_the_exit_is_dead(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	f->dead[0][PATH_TARGET_PROXY] = true;
	live(f, 10);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_PROXY);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_EXIT);
}

static void test_an_exit_that_drops_pings_judges_nobody(void **state)
{
	struct fixture *f = *state;

	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 20);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_NONE);
	f->dead[0][PATH_TARGET_PROXY] = true;
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_UP, PATH_UP);
}

static void test_without_a_proxy_target_the_exit_judges(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < PATHS; i++)
		f->paths.path[i].probed[PATH_TARGET_PROXY] = false;
	live(f, 3);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	f->dead[2][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_UP, PATH_DOWN);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_EXIT);
}

/* The first path to hear the exit must not cast doubt on those that have heard their proxy. */
static void test_the_change_of_judge_is_no_fault(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < PATHS; i++)
		probe(f, i, PATH_TARGET_PROXY);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	f->effects = 0;
	probe(f, 0, PATH_TARGET_EXIT);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(f->effects, 0);
	kill_target(f, PATH_TARGET_EXIT, true);
	for (i = 0; i < 4; i++)
		probe(f, 1, PATH_TARGET_EXIT);
	pass(f, 1000 * MS);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
}

/* --- links --- */

static void test_a_link_goes_and_comes(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_INTERFACE);
	assert_true(f->effects & PATHS_BURST);
	f->effects = 0;
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	assert_int_equal(f->effects, 0);
	note(f, paths_on_link(&f->paths, 1, true, f->now));
	expect_states(f, PATH_UP, PATH_UNKNOWN, PATH_UP);
	assert_int_equal(f->paths.path[1].target[PATH_TARGET_EXIT].srtt_us, -1);
	live(f, 1);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
}

static void test_a_new_link_is_not_up_while_the_exit_is_dead(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	note(f, paths_on_link(&f->paths, 1, true, f->now));
	live(f, 1);
	expect_states(f, PATH_DOWN, PATH_UNKNOWN, PATH_DOWN);
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_DOWN, PATH_DOWN);
}

static void test_one_path_cannot_tell_its_fault_from_a_common_one(void **state)
{
	struct paths paths;
	struct mono now = {0};
	int i;

	(void)state;
	assert_int_equal(paths_init(&paths, 1, &config, now), 0);
	paths.path[0].link_up = paths.path[0].probed[PATH_TARGET_PROXY] = true;
	for (i = 0; i < 4; i++)
		paths_on_sent(&paths, 0, PATH_TARGET_PROXY, (uint32_t)i, now);
	paths_on_time(&paths, (struct mono){config.timeout_max_us});
	assert_int_equal(paths.path[0].state, PATH_DOWN);
	assert_int_equal(paths_common_fault(&paths), PATH_FAULT_NONE);
	assert_int_equal(paths_fault(&paths, 0), PATH_FAULT_PROXY);
	paths_fini(&paths);
}

/* --- the rest --- */

static void test_a_suspicion_is_no_transition(void **state)
{
	struct fixture *f = *state;
	struct path_view views[PATHS];
	uint32_t transitions;

	live(f, 10);
	transitions = f->paths.path[0].transitions;
	lose_one(f);
	paths_view(&f->paths, f->now, views);
	assert_int_equal(views[0].state, PATH_SUSPECT);
	assert_int_equal(views[0].policy.up_for_us, 10 * 200 * MS + 60 * MS + 1);
	live(f, 1);
	assert_int_equal(f->paths.path[0].transitions, transitions);
}

static void test_views(void **state)
{
	struct fixture *f = *state;
	struct path_view views[PATHS];

	f->dead[2][PATH_TARGET_EXIT] = true;
	live(f, 10);
	paths_view(&f->paths, f->now, views);
	assert_int_equal(paths_find(&f->paths, "fra"), 1);
	assert_int_equal(paths_find(&f->paths, "nowhere"), -1);
	assert_string_equal(views[1].policy.name, "fra");
	assert_int_equal(views[1].policy.priority, 2);
	assert_int_equal(views[1].policy.srtt_us, 20 * MS);
	assert_int_equal(views[1].policy.rtt_min_us, 20 * MS);
	assert_true(views[1].policy.loss == 0);
	assert_int_equal(views[1].confirmed.us, f->now.us - 200 * MS);
	assert_int_equal(views[2].state, PATH_DOWN);
	assert_int_equal(views[2].policy.up_for_us, 0);
	assert_true(views[2].policy.loss == 1);
	assert_true(views[2].confirmed.us == MONO_LONG_AGO.us);
}

static void test_resume_blames_nobody(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	lose_one(f);
	kill_target(f, PATH_TARGET_EXIT, true);
	probe(f, 1, PATH_TARGET_EXIT);
	f->now = mono_add_us(f->now, 3600 * 1000 * MS);
	paths_on_resume(&f->paths, f->now);
	pass(f, 0);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_true(paths_next_deadline(&f->paths).us == MONO_NEVER.us);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, path_world_setup, path_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_well),
		TEST(test_a_proxy_dies),
		TEST(test_a_leg_dies),
		TEST(test_the_exit_dies),
		TEST(test_the_uplink_dies),
		TEST(test_a_dead_proxy_while_the_exit_is_dead),
		TEST(test_an_exit_that_drops_pings_judges_nobody),
		TEST(test_without_a_proxy_target_the_exit_judges),
		TEST(test_the_change_of_judge_is_no_fault),
		TEST(test_a_link_goes_and_comes),
		TEST(test_a_new_link_is_not_up_while_the_exit_is_dead),
		TEST(test_one_path_cannot_tell_its_fault_from_a_common_one),
		TEST(test_a_suspicion_is_no_transition),
		TEST(test_views),
		TEST(test_resume_blames_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
