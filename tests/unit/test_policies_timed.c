/* The policies that move by the clock. */
#include <math.h>

#include "tests/unit/policy_world.h"

static uint64_t seed;

/* Chi-square of `counts` against equal shares; p = 0.0005 (Wilson and Hilferty). */
static void expect_uniform(const size_t *counts, size_t cells)
{
	double total = 0, sum = 0, df = (double)cells - 1, limit;

	for (size_t i = 0; i < cells; i++)
		total += (double)counts[i];
	for (size_t i = 0; i < cells; i++)
		sum += pow((double)counts[i] - total / (double)cells, 2) / (total / (double)cells);
	limit = df * pow(1 - 2 / (9 * df) + 3.29 * sqrt(2 / (9 * df)), 3);
	if (sum > limit)
		fail_msg("chi-square %g over %g", sum, limit);
}

/* --- all of them --- */

static const char *const timed[] = {"round-robin", "random-interval", "pinned-random"};

static void test_asked_early_a_timed_policy_waits_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(timed) / sizeof(*timed); i++) {
		struct rng before;
		struct world w;
		int64_t wake_us;

		world_init(&w, timed[i], 3, seed);
		started_on(&w, 1);
		wake_us = w.out.wake_us;
		before = w.rng;
		assert_int_equal(ask_at(&w, POLICY_TIMER, wake_us - 1), POLICY_KEEP);
		assert_true(w.out.wake_us == wake_us);
		assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
		assert_true(w.out.wake_us == wake_us);
		assert_memory_equal(&w.rng, &before, sizeof(before));
		world_fini(&w);
	}
}

static void test_a_timed_policy_insists_while_it_is_delayed(void **state)
{
	static const char *const rotating[] = {"round-robin", "random-interval"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		world_init(&w, rotating[i], 3, seed);
		started_on(&w, 1);
		w.in.now_us = w.out.wake_us;
		for (int asked = 0; asked < 50; asked++) {
			assert_int_not_equal(ask(&w, asked % 2 ? POLICY_TIMER : POLICY_PATHS),
					     POLICY_KEEP);
			w.in.now_us += S;
		}
		world_fini(&w);
	}
}

/* --- round-robin --- */

static void test_round_robin_takes_turns(void **state)
{
	static const int expected[] = {1, 2, 4, 0, 1, 2, 4, 0};
	struct world w;

	(void)state;
	world_init(&w, "round-robin", 5, seed);
	world_load(&w);
	w.paths[3].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), 0);
	migrated(&w, 0, w.in.now_us);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(step(&w), expected[i]);
	world_fini(&w);
}

static void test_round_robin_counts_from_the_real_migration(void **state)
{
	int64_t from_us;
	struct world w;

	(void)state;
	world_init(&w, "round-robin", 3, seed);
	started_on(&w, 0);
	from_us = w.in.now_us;
	assert_true(w.out.wake_us == from_us + 30 * S);
	/* The guards let it go 7 s late, and the swap itself was told of 10 ms after it. */
	w.in.now_us = from_us + 37 * S + 10000;
	migrated(&w, 1, from_us + 37 * S);
	assert_true(w.out.wake_us == from_us + 67 * S);
	/* A failover in between: its turn begins anew, and the order goes on from there. */
	assert_int_equal(ask_at(&w, POLICY_FAILOVER, from_us + 50 * S), 2);
	migrated(&w, 2, from_us + 50 * S);
	assert_true(w.out.wake_us == from_us + 80 * S);
	assert_int_equal(step(&w), 0);
	world_fini(&w);
}

static void test_an_interval_that_ends_with_nowhere_to_go_is_skipped(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "round-robin", 2, seed);
	started_on(&w, 0);
	w.paths[1].eligible = false;
	assert_int_equal(step(&w), POLICY_KEEP);
	assert_true(w.out.wake_us == w.in.now_us + 30 * S);
	w.paths[1].eligible = true;
	assert_int_equal(ask_at(&w, POLICY_PATHS, w.in.now_us + S), POLICY_KEEP);
	assert_int_equal(step(&w), 1);
	world_fini(&w);
}

/* --- random-interval --- */

static void test_random_interval_chooses_uniformly_among_the_others(void **state)
{
	size_t by_distance[4] = {0}, by_pair[5][4] = {{0}}, by_path[4] = {0};
	struct world w;

	(void)state;
	world_init(&w, "random-interval", 5, seed);
	started_on(&w, 0);
	for (int i = 0; i < 10000; i++) {
		int from = w.in.active, distance = (step(&w) - from + 5) % 5 - 1;

		by_distance[distance]++;
		by_pair[from][distance]++;
	}
	expect_uniform(by_distance, 4);
	for (int from = 0; from < 5; from++)
		expect_uniform(by_pair[from], 4);
	/* The same among those that are left when one is not eligible. */
	w.paths[2].eligible = false;
	started_on(&w, 0);
	for (int i = 0; i < 10000; i++)
		by_path[(step(&w) + 2) % 5]++;
	expect_uniform((size_t[]){by_path[0], by_path[1], by_path[2], by_path[3]}, 4);
	world_fini(&w);
}

static void test_random_interval_keeps_its_mean_and_minimum(void **state)
{
	double sum = 0;
	struct world w;

	(void)state;
	world_init(&w, "random-interval", 3, seed);
	started_on(&w, 0);
	for (int i = 0; i < 10000; i++) {
		int64_t stay_us = w.out.wake_us - w.in.since_us;

		assert_true(stay_us >= S);
		sum += (double)stay_us;
		step(&w);
	}
	/* Shifted-exponential: deviation 29 s; four standard errors. */
	assert_true(fabs(sum / 10000 - 30e6) < 4 * 29e6 / 100);
	world_fini(&w);
}

static void test_random_interval_can_be_fixed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "random-interval", 3, seed);
	world_set(&w, "dist", "fixed");
	world_set(&w, "interval", "100ms");
	started_on(&w, 0);
	for (int i = 0; i < 100; i++) {
		assert_true(w.out.wake_us - w.in.since_us == 100000);
		assert_int_not_equal(step(&w), POLICY_KEEP);
	}
	world_fini(&w);
}

/* --- pinned-random --- */

/* The path on which a session begins that starts with `active`, asked `times` times. */
static int pinned_first(uint64_t from_seed, int active, int times)
{
	struct world w;
	int path;

	world_init(&w, "pinned-random", 3, from_seed);
	world_load(&w);
	w.in.active = active;
	path = ask(&w, POLICY_START);
	for (int i = 1; i < times; i++)
		assert_int_equal(ask_at(&w, POLICY_PATHS, w.in.now_us + S), path);
	world_fini(&w);
	return path == POLICY_KEEP ? active : path;
}

static void test_pinned_random_chooses_uniformly(void **state)
{
	size_t fresh[3] = {0}, adopted[3] = {0}, delayed[3] = {0};

	(void)state;
	for (uint64_t i = 0; i < 3000; i++) {
		fresh[pinned_first(seed + i, POLICY_NONE, 1)]++;
		adopted[pinned_first(seed + i, 1, 1)]++;
		delayed[pinned_first(seed + i, 1, 20)]++;
	}
	expect_uniform(fresh, 3);
	expect_uniform(adopted, 3);
	/* That a guard makes it wait must not make it stay. */
	expect_uniform(delayed, 3);
}

static void test_pinned_random_draws_anew_each_epoch(void **state)
{
	size_t next_path[3] = {0};
	double sum = 0;
	struct world w;

	(void)state;
	world_init(&w, "pinned-random", 3, seed);
	started_on(&w, 0);
	for (int i = 0; i < 6000; i++) {
		int64_t from_us = w.in.now_us, length_us = w.out.wake_us - from_us;
		int from = w.in.active;

		assert_in_range(length_us, 300 * S, 900 * S);
		sum += (double)length_us;
		step(&w);
		next_path[(w.in.active - from + 3) % 3]++;
	}
	expect_uniform(next_path, 3);
	assert_true(fabs(sum / 6000 - 600e6) < 4 * 600e6 / sqrt(12 * 6000));
	world_fini(&w);
}

static void test_pinned_random_without_epochs_holds_until_it_fails(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "pinned-random", 3, seed);
	world_set(&w, "epoch", "0s");
	started_on(&w, 0);
	assert_true(w.out.wake_us == POLICY_NEVER);
	assert_int_equal(ask_at(&w, POLICY_PATHS, 90 * 86400 * S), POLICY_KEEP);
	assert_int_not_equal(ask(&w, POLICY_FAILOVER), POLICY_KEEP);
	world_fini(&w);
}

static void test_pinned_random_forgets_a_choice_that_failed(void **state)
{
	struct world w;
	int path;

	(void)state;
	world_init(&w, "pinned-random", 5, seed);
	started_on(&w, 0);
	w.in.now_us = w.out.wake_us;
	while ((path = ask(&w, POLICY_TIMER)) == POLICY_KEEP)
		w.in.now_us = w.out.wake_us;
	w.paths[path].eligible = false;
	assert_int_not_equal(ask(&w, POLICY_PATHS), path);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_early_a_timed_policy_waits_on),
		cmocka_unit_test(test_a_timed_policy_insists_while_it_is_delayed),
		cmocka_unit_test(test_round_robin_takes_turns),
		cmocka_unit_test(test_round_robin_counts_from_the_real_migration),
		cmocka_unit_test(test_an_interval_that_ends_with_nowhere_to_go_is_skipped),
		cmocka_unit_test(test_random_interval_chooses_uniformly_among_the_others),
		cmocka_unit_test(test_random_interval_keeps_its_mean_and_minimum),
		cmocka_unit_test(test_random_interval_can_be_fixed),
		cmocka_unit_test(test_pinned_random_chooses_uniformly),
		cmocka_unit_test(test_pinned_random_draws_anew_each_epoch),
		cmocka_unit_test(test_pinned_random_without_epochs_holds_until_it_fails),
		cmocka_unit_test(test_pinned_random_forgets_a_choice_that_failed),
	};

	seed = test_seed();
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
