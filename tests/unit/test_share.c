/* What part of the traffic each path carried lately, and the guard that goes by it. */
#include <math.h>

#include "core/share.h"
#include "tests/unit/steer_world.h"

static void expect(double value, double wanted)
{
	if (fabs(value - wanted) > 1e-9)
		fail_msg("%g, expected %g", value, wanted);
}

static struct mono at_s(int64_t s)
{
	return (struct mono){s * S};
}

static void test_shares_of_a_window(void **state)
{
	struct share share;

	(void)state;
	share_init(&share);
	expect(share_of(&share, 0, 1000, 30 * S, at_s(100)), 0);
	share_move(&share, 0, 0, 500, at_s(100));
	expect(share_of(&share, 0, 500, 30 * S, at_s(105)), 0); /* nothing was carried */
	expect(share_of(&share, 0, 800, 30 * S, at_s(110)), 1);
	share_move(&share, 800, 1, 7000, at_s(110)); /* 300 on path 0 */
	expect(share_of(&share, 1, 7100, 30 * S, at_s(120)), 0.25);
	expect(share_of(&share, 0, 7100, 30 * S, at_s(120)), 0.75);
	/* Half of the first stay is out of the window. */
	expect(share_of(&share, 0, 7150, 30 * S, at_s(135)), 0.5);
	expect(share_of(&share, 0, 7150, 30 * S, at_s(141)), 0);
	/* The interface was made again and counts from 0. */
	expect(share_of(&share, 1, 50, 30 * S, at_s(135)), 0.25);
}

static void test_more_stays_than_are_kept(void **state)
{
	struct share share;

	(void)state;
	share_init(&share);
	for (int i = 0; i < 1000; i++)
		share_move(&share, 100, i % 4, 0, (struct mono){i * 1000});
	for (int i = 0; i < 4; i++)
		expect(share_of(&share, i, 0, 3600 * S, (struct mono){1000000}), 0.25);
}

/* Path 0 carried everything of the last 30 seconds when the policy moves on. */
static void test_a_path_that_had_too_much_is_not_shown(void **state)
{
	struct steer_world *w = *state;

	w->steer.config.share_cap_percent = 50;
	on_path_0(w);
	w->views[0].policy.rx_bytes = 1000000;
	want(w, 1);
	expect_move(w, 1, 1, "whim");
	outcome(w, MIGRATION_SETTLED);
	want(w, POLICY_KEEP);
	decide_after(w, 5 * S);
	assert_false(w->script.eligible[0]);
	assert_true(w->script.eligible[2]);
	/* It is no limit for the operator, nor where there is no other path. */
	assert_true(steer_eligible(&w->steer, w->views, 0, w->now));
	for (int i = 2; i < PATHS; i++)
		set_state(w, i, PATH_DOWN);
	decide_after(w, 1);
	assert_true(w->script.eligible[0]);
	for (int i = 2; i < PATHS; i++)
		set_state(w, i, PATH_UP);
	/* The others catch up, and the window passes. */
	w->views[1].policy.rx_bytes = 3000000;
	decide_after(w, 1 * S);
	assert_true(w->script.eligible[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares_of_a_window),
		cmocka_unit_test(test_more_stays_than_are_kept),
		cmocka_unit_test_setup_teardown(test_a_path_that_had_too_much_is_not_shown,
						steer_world_setup, steer_world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
