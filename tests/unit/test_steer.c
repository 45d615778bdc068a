/* The decision: what is asked first, and what the guards let pass. */
#include "tests/unit/steer_world.h"

/* --- the start --- */

static void test_start_waits_for_paths_that_may_still_answer(void **state)
{
	struct steer_world *w = *state;

	set_state(w, 0, PATH_UNKNOWN);
	expect_keep(w, 0);
	assert_int_equal(w->verdict.wake.us, w->now.us + 1 * S);
	expect_keep(w, 900 * MS);
	expect_move(w, 100 * MS, 1, "start");
}

static void test_start_takes_the_policys_choice(void **state)
{
	struct steer_world *w = *state;

	want(w, 3);
	expect_move(w, 0, 3, "start");
	assert_int_equal(w->script.last.event, POLICY_START);
	assert_int_equal(w->script.last.active, POLICY_NONE);
}

static void test_start_with_nothing_up(void **state)
{
	struct steer_world *w = *state;
	int i;

	for (i = 0; i < PATHS; i++)
		set_state(w, i, PATH_DOWN);
	expect_keep(w, 0);
	expect_keep(w, 3600 * S);
	set_state(w, 2, PATH_UP);
	expect_move(w, 0, 2, "start");
}

static void test_adopted_path_that_was_not_heard_yet_is_kept(void **state)
{
	struct steer_world *w = *state;

	steer_adopt(&w->steer, 2, w->now);
	set_state(w, 2, PATH_UNKNOWN);
	expect_keep(w, 0);
	expect_keep(w, 500 * MS);
	set_state(w, 2, PATH_UP);
	expect_keep(w, 0);
	assert_int_equal(w->steer.active, 2);
}

static void test_adopted_path_that_is_dead_is_left(void **state)
{
	struct steer_world *w = *state;

	steer_adopt(&w->steer, 2, w->now);
	set_state(w, 2, PATH_UNKNOWN);
	expect_keep(w, 0);
	w->now = mono_add_us(w->now, 500 * MS);
	set_state(w, 0, PATH_UP);
	set_state(w, 2, PATH_DOWN);
	expect_move(w, 500 * MS, 0, "failover");
}

/* --- failover --- */

static void test_failover_pre_empts_the_dwell_and_the_rate_limit(void **state)
{
	struct steer_world *w = *state;
	int i;

	on_path_0(w);
	w->steer.migrations.full = mono_add_us(w->now, 3600 * S);
	for (i = 0; i < 3; i++) {
		set_state(w, i, PATH_SUSPECT);
		expect_keep(w, 10 * MS);
		set_state(w, i + 1, PATH_UP);
		set_state(w, i, PATH_DOWN);
		expect_move(w, 10 * MS, i + 1, "failover");
		outcome(w, MIGRATION_SETTLED);
	}
}

static void test_failover_is_the_policys_choice(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	set_state(w, 0, PATH_SUSPECT);
	expect_keep(w, 10 * MS);
	want(w, 3);
	set_state(w, 1, PATH_UP);
	set_state(w, 3, PATH_UP);
	set_state(w, 0, PATH_DOWN);
	expect_move(w, 10 * MS, 3, "failover");
	assert_int_equal(w->script.last.event, POLICY_FAILOVER);
	assert_false(w->script.eligible[2]); /* it has not answered since the trouble began */
	assert_true(w->script.eligible[1]);
}

static void test_failover_waits_for_a_fresh_answer(void **state)
{
	struct steer_world *w = *state;
	struct mono sent;

	on_path_0(w);
	set_state(w, 0, PATH_SUSPECT);
	expect_keep(w, 10 * MS);
	sent = w->now;
	set_state(w, 0, PATH_DOWN);
	expect_keep(w, 100 * MS);
	w->views[1].confirmed = sent; /* its answer came later, from far away */
	expect_move(w, 100 * MS, 1, "failover");
}

/* The others have missed nothing yet, and steer was last asked long ago. */
static void test_an_answer_from_before_the_suspicion_proves_nothing(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	w->now = mono_add_us(w->now, 10 * S);
	set_state(w, 1, PATH_UP);
	w->now = mono_add_us(w->now, 1);
	set_state(w, 0, PATH_SUSPECT);
	expect_keep(w, 10 * MS);
	set_state(w, 0, PATH_DOWN);
	expect_keep(w, 1 * S);
	w->views[1].confirmed = w->views[0].doubted;
	expect_move(w, 10 * MS, 1, "failover");
}

static void test_nothing_moves_while_nothing_answers(void **state)
{
	struct steer_world *w = *state;
	int i;

	on_path_0(w);
	for (i = 0; i < PATHS; i++) {
		set_state(w, i, PATH_DOWN);
		expect_keep(w, 100 * MS);
	}
	for (i = 0; i < 100; i++)
		expect_keep(w, 10 * S);
	assert_int_equal(w->steer.active, 0);
}

static void all_down_for_a_minute(struct steer_world *w)
{
	int i;

	on_path_0(w);
	for (i = 0; i < PATHS; i++)
		set_state(w, i, PATH_DOWN);
	expect_keep(w, 0);
	expect_keep(w, 60 * S);
}

static void test_after_a_common_fault_the_active_path_may_come_back(void **state)
{
	struct steer_world *w = *state;

	all_down_for_a_minute(w);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 100 * MS);
	set_state(w, 0, PATH_UP);
	expect_keep(w, 100 * MS);
	expect_keep(w, 10 * S);
}

static void test_after_a_common_fault_it_has_only_a_second(void **state)
{
	struct steer_world *w = *state;

	all_down_for_a_minute(w);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 100 * MS);
	assert_int_equal(w->verdict.wake.us, w->now.us + 1 * S);
	expect_keep(w, 999 * MS);
	expect_move(w, 1 * MS, 1, "failover");
}

static void test_a_deleted_link_is_left_at_once(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	w->views[0].link_up = false;
	set_state(w, 0, PATH_DOWN);
	expect_move(w, 30 * S, 1, "failover");
}

static void test_unsettled_path_is_left_for_one_that_answers_since(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	set_state(w, 0, PATH_SUSPECT);
	expect_keep(w, 10 * MS);
	set_state(w, 1, PATH_UP);
	set_state(w, 0, PATH_DOWN);
	expect_move(w, 10 * MS, 1, "failover");
	outcome(w, MIGRATION_FAILED);
	assert_int_equal(w->steer.active, 1);
	expect_keep(w, 10 * MS);
	set_state(w, 1, PATH_UP); /* its probes are answered all the same */
	set_state(w, 2, PATH_UP);
	expect_move(w, 10 * MS, 2, "failover");
}

static void test_unsettled_path_that_died_and_came_back_is_like_any_other(void **state)
{
	struct steer_world *w = *state;
	int i;

	on_path_0(w);
	w->views[0].link_up = false;
	expect_move(w, 10 * MS, 1, "failover");
	outcome(w, MIGRATION_FAILED);
	for (i = 0; i < PATHS; i++)
		set_state(w, i, PATH_DOWN);
	expect_keep(w, 10 * S);
	for (i = 0; i < PATHS; i++)
		set_state(w, i, PATH_UP);
	expect_keep(w, 0);
	expect_keep(w, 60 * S);
}

/* --- one at a time --- */

static void test_never_two_migrations_at_once(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	want(w, 1);
	expect_move(w, 0, 1, "whim");
	set_state(w, 0, PATH_DOWN);
	expect_keep(w, 10 * S);
	assert_int_equal(steer_request(&w->steer, w->views, 2, w->now), -EBUSY);
	outcome(w, MIGRATION_SETTLED);
	assert_int_equal(w->script.last.event, POLICY_MIGRATED);
	assert_int_equal(w->script.last.active, 1);
}

/* --- what the policy may --- */

static void test_minimum_dwell(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	want(w, 1);
	expect_move(w, 0, 1, "whim");
	outcome(w, MIGRATION_SETTLED);
	want(w, 2);
	expect_keep(w, 500 * MS);
	assert_int_equal(w->verdict.wake.us, w->now.us + 1500 * MS);
	expect_keep(w, 1499 * MS);
	expect_move(w, 1 * MS, 2, "whim");
}

static void test_minimum_dwell_is_two_round_trips_at_least(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	w->views[3].policy.srtt_us = 4 * S;
	want(w, 1);
	expect_move(w, 0, 1, "whim");
	outcome(w, MIGRATION_SETTLED);
	want(w, 2);
	expect_keep(w, 7999 * MS);
	expect_move(w, 1 * MS, 2, "whim");
}

static void test_rate_limit(void **state)
{
	struct steer_world *w = *state;
	int i, moves = 0;

	w->steer.config.min_dwell_us = 0;
	on_path_0(w);
	for (i = 0; i < 6000; i++) {
		want(w, (w->steer.active + 1) % PATHS);
		if (decide_after(w, 50 * MS) == POLICY_KEEP)
			continue;
		moves++;
		outcome(w, MIGRATION_SETTLED);
	}
	/* 120 at once and 120 a minute; a dwell of two round trips would allow 6000 */
	assert_in_range(moves, 5 * 120 + 118, 5 * 120 + 121);
}

static void test_policy_nonsense_is_counted_and_not_done(void **state)
{
	static const int nonsense[] = {0, 2, -2, PATHS, 1000};
	struct steer_world *w = *state;
	size_t i;

	on_path_0(w);
	set_state(w, 2, PATH_DOWN);
	for (i = 0; i < 5; i++) {
		want(w, nonsense[i]);
		expect_keep(w, 10 * S);
		assert_int_equal(w->steer.policy_errors, i + 1);
	}
	w->script.path = 1;
	w->script.reason = NULL;
	expect_keep(w, 10 * S);
	assert_int_equal(w->steer.policy_errors, 6);
	assert_int_equal(w->steer.active, 0);
}

static void test_policy_nonsense_at_a_failover(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	want(w, 0);
	w->views[0].link_up = false;
	expect_move(w, 0, 1, "failover");
	assert_int_equal(w->steer.policy_errors, 1);
}

static void test_a_wake_in_the_past_makes_no_busy_loop(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	w->script.wake_us = 5;
	expect_keep(w, 1);
	assert_int_equal(w->steer.policy_errors, 1);
	assert_int_equal(w->verdict.wake.us, w->now.us + 1 * S);
}

static void test_wakes_and_events(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	w->script.wake_us = w->now.us + 30 * S;
	expect_keep(w, 1);
	assert_int_equal(w->verdict.wake.us, w->script.wake_us);
	expect_keep(w, 10 * S);
	assert_int_equal(w->script.last.event, POLICY_PATHS);
	w->now = (struct mono){w->script.wake_us};
	w->script.wake_us = POLICY_NEVER;
	expect_keep(w, 0);
	assert_int_equal(w->script.last.event, POLICY_TIMER);
	assert_true(w->verdict.wake.us == MONO_NEVER.us);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, steer_world_setup, steer_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_start_waits_for_paths_that_may_still_answer),
		TEST(test_start_takes_the_policys_choice),
		TEST(test_start_with_nothing_up),
		TEST(test_adopted_path_that_was_not_heard_yet_is_kept),
		TEST(test_adopted_path_that_is_dead_is_left),
		TEST(test_failover_pre_empts_the_dwell_and_the_rate_limit),
		TEST(test_failover_is_the_policys_choice),
		TEST(test_failover_waits_for_a_fresh_answer),
		TEST(test_an_answer_from_before_the_suspicion_proves_nothing),
		TEST(test_nothing_moves_while_nothing_answers),
		TEST(test_after_a_common_fault_the_active_path_may_come_back),
		TEST(test_after_a_common_fault_it_has_only_a_second),
		TEST(test_a_deleted_link_is_left_at_once),
		TEST(test_unsettled_path_is_left_for_one_that_answers_since),
		TEST(test_unsettled_path_that_died_and_came_back_is_like_any_other),
		TEST(test_never_two_migrations_at_once),
		TEST(test_minimum_dwell),
		TEST(test_minimum_dwell_is_two_round_trips_at_least),
		TEST(test_rate_limit),
		TEST(test_policy_nonsense_is_counted_and_not_done),
		TEST(test_policy_nonsense_at_a_failover),
		TEST(test_a_wake_in_the_past_makes_no_busy_loop),
		TEST(test_wakes_and_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
