/* What keeps steer from harm: hold-downs, the operator's wishes, and any order of events. */
#include "core/hold_down.h"
#include "tests/unit/steer_world.h"

static bool is_eligible(struct steer_world *w, int path)
{
	return steer_eligible(&w->steer, w->views, path, w->now);
}

/* --- hold-down --- */

static void test_hold_down_doubles_and_is_forgiven(void **state)
{
	static const struct hold_down_config config = {10 * S, 300 * S, 3600 * S};
	static const int64_t held_s[] = {10, 20, 40, 80, 160, 300, 300};
	struct hold_down hold = HOLD_DOWN_NONE;
	struct mono now = {0};
	size_t i;

	(void)state;
	assert_false(hold_down_active(&hold, now));
	for (i = 0; i < 7; i++) {
		hold_down_begin(&hold, &config, now);
		assert_int_equal(hold.until.us, now.us + held_s[i] * S);
		assert_true(hold_down_active(&hold, mono_add_us(hold.until, -1)));
		assert_false(hold_down_active(&hold, hold.until));
	}
	/* After one half-life the seven points are three and a half. */
	now = mono_add_us(now, config.half_life_us);
	hold_down_begin(&hold, &config, now);
	assert_int_equal(hold.until.us, now.us + 113137084 /* 10 s * 2^3.5 */);
	/* After many they are nothing. */
	now = mono_add_us(now, 60 * config.half_life_us);
	hold_down_begin(&hold, &config, now);
	assert_int_equal(hold.until.us, now.us + 10 * S);
}

/* Failures at a steady pace are held for a time that grows to a limit and stays there. */
static void test_steady_flapping_is_held_for_a_steady_time(void **state)
{
	static const struct hold_down_config config = {10 * S, 300 * S, 60 * S};
	struct hold_down hold = HOLD_DOWN_NONE;
	struct mono now = {0};
	int64_t before_us = 0;

	(void)state;
	for (int i = 0; i < 100; i++, now = mono_add_us(now, 60 * S)) {
		hold_down_begin(&hold, &config, now);
		assert_true(mono_diff_us(hold.until, now) >= before_us);
		before_us = mono_diff_us(hold.until, now);
	}
	assert_in_range(before_us, 20 * S - MS, 20 * S); /* penalty 1 + 1/2 + 1/4 + ... = 2 */
}

static void test_a_path_that_went_down_is_held(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	set_state(w, 1, PATH_DOWN);
	expect_keep(w, 0);
	assert_int_equal(w->verdict.wake.us, w->now.us + 1 * S);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 9999 * MS);
	assert_false(is_eligible(w, 1));
	expect_keep(w, 1 * MS);
	assert_true(is_eligible(w, 1));
}

static void test_a_path_that_went_down_with_all_others_is_not_held(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	set_state(w, 1, PATH_DOWN);
	w->views[1].blameless = true;
	expect_keep(w, 0);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 0);
	assert_true(is_eligible(w, 1));
}

static void test_a_failed_migration_holds_its_target(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	want(w, 1);
	expect_move(w, 0, 1, "whim");
	outcome(w, MIGRATION_ROLLED_BACK);
	assert_int_equal(w->steer.active, 0);
	assert_false(is_eligible(w, 1));
	assert_true(is_eligible(w, 2));
	want(w, 2);
	expect_move(w, 5 * S, 2, "whim");
	outcome(w, MIGRATION_REFUSED);
	assert_int_equal(w->steer.active, 0);
	assert_false(is_eligible(w, 2));
}

static void test_the_last_healthy_path_is_never_withheld(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	set_state(w, 1, PATH_DOWN);
	set_state(w, 2, PATH_DOWN);
	set_state(w, 3, PATH_DOWN);
	expect_keep(w, 0);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 1 * S);
	assert_false(is_eligible(w, 1)); /* while there is another */
	set_state(w, 0, PATH_SUSPECT);
	expect_keep(w, 10 * MS);
	set_state(w, 1, PATH_UP);
	set_state(w, 0, PATH_DOWN);
	expect_move(w, 10 * MS, 1, "failover");
}

static void test_a_refusing_kernel_is_not_asked_in_a_circle(void **state)
{
	struct steer_world *w = *state;
	int i, moves = 0;

	for (i = 0; i < 1000; i++) {
		if (decide_after(w, 10 * MS) == POLICY_KEEP)
			continue;
		outcome(w, MIGRATION_REFUSED);
		moves++;
	}
	assert_in_range(moves, PATHS, PATHS * 10);
}

/* --- the operator --- */

static void test_drained_path_is_left_and_not_chosen(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	steer_drain(&w->steer, 0, true);
	expect_move(w, 0, 1, "drain");
	outcome(w, MIGRATION_SETTLED);
	assert_false(is_eligible(w, 0));
	steer_drain(&w->steer, 2, true);
	steer_drain(&w->steer, 3, true);
	steer_drain(&w->steer, 1, true);
	expect_keep(w, 10 * S); /* better a drained path than none */
	steer_drain(&w->steer, 3, false);
	expect_move(w, 0, 3, "drain");
}

static void test_drained_but_working_path_is_not_left_for_a_held_one(void **state)
{
	struct steer_world *w = *state;
	int i;

	on_path_0(w);
	for (i = 1; i < PATHS; i++)
		set_state(w, i, PATH_DOWN);
	expect_keep(w, 0);
	set_state(w, 1, PATH_UP);
	steer_drain(&w->steer, 0, true);
	expect_keep(w, 9999 * MS);
	expect_move(w, 1 * MS, 1, "drain");
}

static void test_drained_path_takes_no_failover(void **state)
{
	struct steer_world *w = *state;
	int i;

	on_path_0(w);
	for (i = 1; i < PATHS; i++)
		steer_drain(&w->steer, i, true);
	w->views[0].link_up = false;
	expect_keep(w, 10 * S);
}

static void test_request(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	assert_int_equal(steer_request(&w->steer, w->views, 0, w->now), -EALREADY);
	set_state(w, 1, PATH_DOWN);
	assert_int_equal(steer_request(&w->steer, w->views, 1, w->now), -EHOSTUNREACH);
	assert_int_equal(steer_request(&w->steer, w->views, 3, w->now), 0);
	expect_move(w, 0, 3, "manual");
	outcome(w, MIGRATION_SETTLED);
	expect_keep(w, 1 * MS); /* once */
	assert_int_equal(steer_request(&w->steer, w->views, POLICY_NONE, w->now), 0);
	expect_move(w, 0, 0, "manual"); /* the next one; no dwell for the operator */
	outcome(w, MIGRATION_SETTLED);
	assert_int_equal(steer_request(&w->steer, w->views, POLICY_NONE, w->now), 0);
	expect_move(w, 0, 2, "manual"); /* path 1 is down */
}

static void test_request_that_became_impossible(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	assert_int_equal(steer_request(&w->steer, w->views, 1, w->now), 0);
	set_state(w, 1, PATH_DOWN);
	expect_keep(w, 0);
	set_state(w, 1, PATH_UP);
	expect_keep(w, 60 * S);
}

static void test_pin(void **state)
{
	struct steer_world *w = *state;
	int asked;

	on_path_0(w);
	want(w, 1);
	steer_pin(&w->steer, 2, mono_add_us(w->now, 600 * S));
	expect_move(w, 0, 2, "pin");
	outcome(w, MIGRATION_SETTLED);
	asked = w->script.asked;
	expect_keep(w, 60 * S);
	assert_int_equal(w->script.asked, asked);
	assert_int_equal(w->verdict.wake.us, w->steer.pinned_until.us);
	expect_move(w, 540 * S, 1, "whim"); /* the time is over */
	assert_int_equal(w->steer.pinned, POLICY_NONE);
}

static void test_pinned_path_that_fails_is_returned_to(void **state)
{
	struct steer_world *w = *state;

	on_path_0(w);
	steer_pin(&w->steer, 0, MONO_NEVER);
	w->views[0].link_up = false;
	expect_move(w, 10 * S, 1, "failover");
	outcome(w, MIGRATION_SETTLED);
	want(w, 3);
	expect_keep(w, 5 * S);
	w->views[0].link_up = true;
	set_state(w, 0, PATH_UP);
	expect_keep(w, 4 * S);
	expect_move(w, 1 * S, 0, "pin"); /* after its hold-down */
	outcome(w, MIGRATION_SETTLED);
	steer_unpin(&w->steer);
	expect_move(w, 10 * S, 3, "whim");
}

/* --- whatever comes --- */

#define NOISE 7

struct history {
	struct mono whims[2 * 120];
	size_t whim_count;
	bool moving;
};

static void disturb(struct steer_world *w)
{
	int path = (int)rng_below(&w->rng, NOISE, PATHS);

	switch (rng_below(&w->rng, NOISE, 9)) {
	case 0:
	case 1:
	case 2:
		set_state(w, path,
			  rng_below(&w->rng, NOISE, 4)
				  ? PATH_UP
				  : (enum path_state)rng_below(&w->rng, NOISE, 4));
		break;
	case 3:
		w->views[path].confirmed = w->now;
		break;
	case 4:
		w->views[path].link_up = rng_below(&w->rng, NOISE, 8) != 0;
		break;
	case 5:
		steer_drain(&w->steer, path, rng_below(&w->rng, NOISE, 3) == 0);
		break;
	case 6:
		steer_request(&w->steer, w->views, path - 1, w->now);
		break;
	case 7:
		if (rng_below(&w->rng, NOISE, 5))
			steer_unpin(&w->steer);
		else
			steer_pin(&w->steer, path, mono_add_us(w->now, 60 * S));
		break;
	case 8: /* sometimes nonsense */
		w->script.path = (int)rng_below(&w->rng, NOISE, PATHS + 3) - 2;
		w->script.reason = rng_below(&w->rng, NOISE, 10) ? "whim" : NULL;
		break;
	}
}

static void check_whim(struct steer_world *w, struct history *h)
{
	struct mono *before = &h->whims[h->whim_count++ % (2 * 120)];

	assert_true(mono_diff_us(w->now, w->steer.since) >= w->config.min_dwell_us);
	assert_true(h->whim_count <= 2 * 120 || mono_diff_us(w->now, *before) >= 60 * S);
	assert_int_equal(w->steer.pinned, POLICY_NONE);
	*before = w->now;
}

static void check_move(struct steer_world *w, struct history *h, int to)
{
	const char *reason = w->verdict.reason;
	int from = w->steer.active;

	assert_false(h->moving);
	assert_int_not_equal(to, from);
	assert_true(w->views[to].link_up);
	assert_int_equal(w->views[to].state, PATH_UP);
	assert_false(w->steer.path[to].drained);
	assert_true(is_eligible(w, to));
	if (!strcmp(reason, "whim"))
		check_whim(w, h);
	if (strcmp(reason, "failover") != 0 && from >= 0)
		assert_true(w->views[from].link_up && w->views[from].state != PATH_DOWN);
	if (!strcmp(reason, "failover") && w->views[from].link_up)
		assert_false(mono_before(w->views[to].confirmed, w->views[from].state == PATH_DOWN
									 ? w->views[from].doubted
									 : w->steer.since));
}

static void test_invariants(void **state)
{
	struct steer_world *w = *state;
	const char *given = getenv("COMPS_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
	struct history h = {0};
	int i, to;

	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&w->rng, seed), 0);
	w->steer.config.hold_down = (struct hold_down_config){1 * S, 8 * S, 10 * S};
	for (i = 0; i < 200000; i++) {
		disturb(w);
		to = decide_after(w, rng_below(&w->rng, NOISE, 1000000));
		assert_true(mono_before(w->now, w->verdict.wake));
		if (to != POLICY_KEEP) {
			check_move(w, &h, to);
			h.moving = true;
		} else if (h.moving && rng_below(&w->rng, NOISE, 2)) {
			outcome(w, (enum migration_outcome)rng_below(&w->rng, NOISE, 5));
			h.moving = false;
		}
	}
	assert_true(h.whim_count > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, steer_world_setup, steer_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_hold_down_doubles_and_is_forgiven),
		TEST(test_steady_flapping_is_held_for_a_steady_time),
		TEST(test_a_path_that_went_down_is_held),
		TEST(test_a_path_that_went_down_with_all_others_is_not_held),
		TEST(test_a_failed_migration_holds_its_target),
		TEST(test_the_last_healthy_path_is_never_withheld),
		TEST(test_a_refusing_kernel_is_not_asked_in_a_circle),
		TEST(test_drained_path_is_left_and_not_chosen),
		TEST(test_drained_but_working_path_is_not_left_for_a_held_one),
		TEST(test_drained_path_takes_no_failover),
		TEST(test_request),
		TEST(test_request_that_became_impossible),
		TEST(test_pin),
		TEST(test_pinned_path_that_fails_is_returned_to),
		TEST(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
