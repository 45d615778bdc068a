/* Policies that draw a path by weights. */
#include <math.h>

#include "tests/unit/policy_world.h"

#define DRAWS 20000

/* A policy on path 0 of three, which may move at once. */
static void begin(struct world *w, const char *policy)
{
	world_init(w, policy, 3, test_seed());
	world_set(w, "interval", "1s");
	world_set(w, "dist", "fixed");
}

/* How often each path was the choice of an interval's end, the present one included. */
static void count(struct world *w, int draws, double share[3])
{
	int counts[3] = {0};

	for (int i = 0; i < draws; i++) {
		step(w);
		counts[w->in.active]++;
	}
	for (int i = 0; i < 3; i++)
		share[i] = (double)counts[i] / draws;
}

/* Within four standard errors of a share. */
static void expect_share(double share, double expected, int draws)
{
	double error = sqrt(expected * (1 - expected) / draws);

	if (fabs(share - expected) > 4 * error + 1e-12)
		fail_msg("share %g, expected %g", share, expected);
}

static void test_softmax_has_its_probabilities(void **state)
{
	double share[3], fast = 1, middle = exp(-1), slow = exp(-3), sum = fast + middle + slow;
	struct world w;

	(void)state;
	begin(&w, "latency-softmax");
	world_set(&w, "temperature", "10ms");
	world_set(&w, "floor", "0.3");
	started_on(&w, 0);
	w.paths[0].srtt_us = 40000;
	w.paths[1].srtt_us = 10000;
	w.paths[2].srtt_us = 20000;
	count(&w, DRAWS, share);
	expect_share(share[0], 0.7 * slow / sum + 0.1, DRAWS);
	expect_share(share[1], 0.7 * fast / sum + 0.1, DRAWS);
	expect_share(share[2], 0.7 * middle / sum + 0.1, DRAWS);
	world_fini(&w);
}

static void test_greedy_takes_the_fastest_but_for_epsilon(void **state)
{
	double share[3];
	struct world w;

	(void)state;
	begin(&w, "epsilon-greedy");
	world_set(&w, "epsilon", "0.3");
	started_on(&w, 0);
	w.paths[2].srtt_us = 10000;
	count(&w, DRAWS, share);
	expect_share(share[0], 0.1, DRAWS);
	expect_share(share[1], 0.1, DRAWS);
	expect_share(share[2], 0.8, DRAWS);
	world_set(&w, "epsilon", "0");
	started_on(&w, 0);
	count(&w, 1000, share);
	assert_true(share[2] == 1);
	world_fini(&w);
}

/* One session after the other: the largest share of each is the largest weight. */
static void sessions(const char *cap, double *mean, double *above)
{
	double share[3], largest;
	struct world w;
	int i, n = 2000;

	begin(&w, "dirichlet");
	world_set(&w, "cap", cap);
	world_set(&w, "session", "400s");
	started_on(&w, 0);
	*mean = *above = 0;
	for (i = 0; i < n; i++) {
		w.in.now_us += 1000 * S; /* the session is over */
		w.out.wake_us = w.in.now_us;
		count(&w, 200, share);
		largest = fmax(share[0], fmax(share[1], share[2]));
		*mean += largest / n;
		*above += (double)(largest > 0.6) / n;
	}
	world_fini(&w);
}

/* Of Dirichlet(1, 1, 1) the largest weight has the mean 11/18 and is above 0.6 with 0.48. The
 * shares of 200 draws are a little more uneven than the weights. */
static void test_dirichlet_weights_are_drawn_for_each_session(void **state)
{
	double mean, above;

	(void)state;
	sessions("1", &mean, &above);
	assert_true(fabs(mean - 0.611) < 0.03);
	assert_true(fabs(above - 0.48) < 0.06);
	sessions("0.5", &mean, &above);
	assert_true(mean < 0.5 && mean > 0.4);
	assert_true(above < 0.01);
}

static void test_a_cap_that_cannot_be_kept_is_even(void **state)
{
	double share[3];
	struct world w;

	(void)state;
	begin(&w, "dirichlet");
	world_set(&w, "cap", "0.3");
	started_on(&w, 0);
	count(&w, DRAWS, share);
	for (int i = 0; i < 3; i++)
		expect_share(share[i], 1.0 / 3, DRAWS);
	world_fini(&w);
}

static void test_balance_is_even_soon(void **state)
{
	double share[3];
	struct world w;

	(void)state;
	begin(&w, "exposure-balance");
	world_set(&w, "window", "30s");
	started_on(&w, 0);
	count(&w, 300, share);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(share[i] - 1.0 / 3) < 0.03);
	world_fini(&w);
}

/* What was drawn stays, however often a guard has it asked for again. */
static void test_a_delayed_choice_stays(void **state)
{
	struct world w;
	int i, first = POLICY_KEEP;

	(void)state;
	begin(&w, "latency-softmax");
	started_on(&w, 0);
	while (first == POLICY_KEEP)
		first = ask_at(&w, POLICY_TIMER, w.out.wake_us);
	for (i = 0; i < 100; i++)
		assert_int_equal(ask_at(&w, POLICY_PATHS, w.in.now_us + 1000), first);
	w.paths[first].eligible = false;
	for (i = 0; i < 100; i++)
		assert_int_not_equal(ask_at(&w, POLICY_PATHS, w.in.now_us + 1000), first);
	world_fini(&w);
}

static void test_a_failure_is_left_at_once(void **state)
{
	static const char *const policies[] = {"latency-softmax", "epsilon-greedy", "dirichlet",
					       "exposure-balance"};
	struct world w;

	(void)state;
	for (size_t p = 0; p < 4; p++) {
		begin(&w, policies[p]);
		started_on(&w, 1);
		for (int i = 0; i < 100; i++)
			assert_int_not_equal(ask(&w, POLICY_FAILOVER), POLICY_KEEP);
		world_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_softmax_has_its_probabilities),
		cmocka_unit_test(test_greedy_takes_the_fastest_but_for_epsilon),
		cmocka_unit_test(test_dirichlet_weights_are_drawn_for_each_session),
		cmocka_unit_test(test_a_cap_that_cannot_be_kept_is_even),
		cmocka_unit_test(test_balance_is_even_soon),
		cmocka_unit_test(test_a_delayed_choice_stays),
		cmocka_unit_test(test_a_failure_is_left_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
