/* The policies that move by what was measured. */
#include "tests/unit/policy_world.h"

static uint64_t seed;

/* --- latency-best --- */

static void set_srtt(struct world *w, int64_t ams_us, int64_t fra_us, int64_t lon_us)
{
	w->paths[0].srtt_us = ams_us;
	w->paths[1].srtt_us = fra_us;
	w->paths[2].srtt_us = lon_us;
}

static void latency_world(struct world *w, int active)
{
	world_init(w, "latency-best", 3, seed);
	started_on(w, active);
}

/* The number of evaluations until it moves, at most `most`. */
static int evaluations(struct world *w, int most)
{
	for (int i = 1; i <= most; i++) {
		if (ask_at(w, POLICY_TIMER, w->out.wake_us) != POLICY_KEEP)
			return i;
	}
	return 0;
}

static void test_latency_best_begins_with_the_fastest(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "latency-best", 3, seed);
	world_load(&w);
	set_srtt(&w, -1, 30000, 10000);
	assert_int_equal(ask(&w, POLICY_START), 2);
	w.paths[2].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), 1);
	w.paths[1].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), 0);
	world_fini(&w);
}

static void test_latency_best_moves_after_enough_evaluations(void **state)
{
	struct world w;

	(void)state;
	latency_world(&w, 0);
	set_srtt(&w, 40000, 40000, 40000);
	assert_int_equal(evaluations(&w, 10), 0);
	set_srtt(&w, 40000, 20000, 10000);
	assert_int_equal(evaluations(&w, 10), 3);
	assert_int_equal(w.out.path, 2);
	assert_string_equal(w.out.reason, "latency");
	world_fini(&w);
}

static void test_latency_best_starts_counting_again_after_a_bad_evaluation(void **state)
{
	struct world w;

	(void)state;
	latency_world(&w, 0);
	for (int i = 0; i < 20; i++) {
		set_srtt(&w, 40000, 10000, 40000);
		assert_int_equal(evaluations(&w, 2), 0);
		set_srtt(&w, 40000, 40000, 40000);
		assert_int_equal(evaluations(&w, 1), 0);
	}
	world_fini(&w);
}

static void test_latency_best_does_not_count_every_question(void **state)
{
	int64_t wake_us;
	struct world w;

	(void)state;
	latency_world(&w, 0);
	set_srtt(&w, 40000, 40000, 40000);
	evaluations(&w, 10);
	set_srtt(&w, 40000, 10000, 40000);
	wake_us = w.out.wake_us;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
		assert_true(w.out.wake_us == wake_us);
	}
	assert_int_equal(evaluations(&w, 10), 3);
	/* Delayed by a guard, it insists, and gives up as soon as the reason is gone. */
	assert_int_equal(ask(&w, POLICY_TIMER), 1);
	assert_int_equal(ask(&w, POLICY_PATHS), 1);
	set_srtt(&w, 40000, 40000, 40000);
	assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
	world_fini(&w);
}

static void test_latency_best_holds_for_a_while(void **state)
{
	struct world w;

	(void)state;
	latency_world(&w, 0);
	set_srtt(&w, 40000, 10000, 40000);
	assert_int_equal(evaluations(&w, 10), 5);
	world_fini(&w);
}

static void test_latency_best_has_both_margins(void **state)
{
	struct world w;

	(void)state;
	latency_world(&w, 0);
	/* 100 ms * (1 - 0.15) - 5 ms */
	set_srtt(&w, 100000, 80000, 90000);
	assert_int_equal(evaluations(&w, 20), 0);
	set_srtt(&w, 100000, 79999, 90000);
	assert_int_equal(evaluations(&w, 20), 3);
	/* 5 ms cannot be beaten by another 5 ms. */
	world_fini(&w);
	latency_world(&w, 0);
	set_srtt(&w, 5000, 1, 5000);
	assert_int_equal(evaluations(&w, 20), 0);
	world_fini(&w);
}

static void test_latency_best_needs_measurements(void **state)
{
	struct world w;

	(void)state;
	latency_world(&w, 0);
	set_srtt(&w, -1, 1000, 1000);
	assert_int_equal(evaluations(&w, 20), 0);
	set_srtt(&w, 100000, -1, -1);
	assert_int_equal(evaluations(&w, 20), 0);
	world_fini(&w);
}

/* A quarter hour at ten probes a second over three paths of 20 ms, each sample 0 .. 20 ms more.
 * Returns how often the policy moves; *greedy counts the moves of one without any margin. */
static int noisy_life(struct world *w, int *greedy)
{
	int moves = 0, best = 0;

	*greedy = 0;
	for (int i = 0; i < 9000; i++) {
		int64_t sample_us = 20000 + rng_below(&w->rng, NOISE, 20000);
		struct policy_path *path = &w->paths[i % 3];
		int to;

		path->srtt_us += (sample_us - path->srtt_us) / 8;
		if (path->srtt_us < w->paths[best].srtt_us) {
			best = i % 3;
			++*greedy;
		}
		w->in.now_us += 100000;
		to = ask(w, w->in.now_us >= w->out.wake_us ? POLICY_TIMER : POLICY_PATHS);
		if (to == POLICY_KEEP)
			continue;
		migrated(w, to, w->in.now_us);
		moves++;
	}
	return moves;
}

static void test_latency_best_does_not_flap_on_noise(void **state)
{
	struct world w;
	int greedy, moves;

	(void)state;
	latency_world(&w, 0);
	set_srtt(&w, 30000, 30000, 30000);
	moves = noisy_life(&w, &greedy);
	print_message("%d migrations, without margins %d\n", moves, greedy);
	assert_true(greedy > 300);
	assert_true(moves <= 3);
	world_fini(&w);
}

/* --- failover --- */

static void failover_world(struct world *w, const char *failback)
{
	world_init(w, "failover", 3, seed);
	world_set(w, "failback", failback);
	started_on(w, 0);
	w->paths[0].eligible = false;
	w->paths[0].up_for_us = 0;
	assert_int_equal(ask(w, POLICY_FAILOVER), 1);
	migrated(w, 1, w->in.now_us);
}

/* Path 0 has been up for `up_for_us`, `after_us` after the failover. */
static int ask_when_back(struct world *w, int64_t after_us, int64_t up_for_us)
{
	w->paths[0].eligible = up_for_us > 0;
	w->paths[0].up_for_us = up_for_us;
	return ask_at(w, POLICY_PATHS, w->in.since_us + after_us);
}

static void test_failover_goes_by_priority(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "failover", 3, seed);
	world_load(&w);
	w.paths[0].priority = 9;
	w.paths[2].priority = w.paths[1].priority;
	assert_int_equal(ask(&w, POLICY_START), 1);
	w.paths[1].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), 2);
	w.paths[2].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), 0);
	world_fini(&w);
}

static void test_failback_waits_for_its_delay(void **state)
{
	struct world w;

	(void)state;
	failover_world(&w, "delay");
	assert_int_equal(ask_when_back(&w, 100 * S, 1 * S), POLICY_KEEP);
	assert_true(w.out.wake_us == w.in.now_us + 59 * S);
	assert_int_equal(ask_when_back(&w, 159 * S - 1, 60 * S - 1), POLICY_KEEP);
	assert_int_equal(ask_when_back(&w, 159 * S, 60 * S), 0);
	assert_string_equal(w.out.reason, "failback");
	world_fini(&w);
}

static void test_a_path_that_comes_and_goes_gets_no_failback(void **state)
{
	struct world w;

	(void)state;
	failover_world(&w, "delay");
	for (int64_t s = 10; s < 3600; s += 50) {
		assert_int_equal(ask_when_back(&w, s * S, 40 * S), POLICY_KEEP);
		assert_int_equal(ask_when_back(&w, (s + 10) * S, 0), POLICY_KEEP);
		assert_true(w.out.wake_us == POLICY_NEVER);
	}
	world_fini(&w);
}

static void test_failback_immediate_and_never(void **state)
{
	struct world w;

	(void)state;
	failover_world(&w, "immediate");
	assert_int_equal(ask_when_back(&w, 1 * S, 1), 0);
	world_fini(&w);
	failover_world(&w, "never");
	assert_int_equal(ask_when_back(&w, 86400 * S, 86000 * S), POLICY_KEEP);
	assert_true(w.out.wake_us == POLICY_NEVER);
	world_fini(&w);
}

static void test_failback_prefers_the_best_that_is_ready(void **state)
{
	struct world w;

	(void)state;
	failover_world(&w, "delay");
	migrated(&w, 2, w.in.now_us);
	w.paths[1].up_for_us = 300 * S;
	assert_int_equal(ask_when_back(&w, 100 * S, 20 * S), 1);
	assert_int_equal(ask_when_back(&w, 100 * S, 90 * S), 0);
	/* Nobody leaves a path for one of the same rank. */
	w.paths[0].priority = w.paths[1].priority = w.paths[2].priority;
	assert_int_equal(ask_when_back(&w, 1000 * S, 900 * S), POLICY_KEEP);
	world_fini(&w);
}

static void test_a_path_chosen_by_hand_is_kept_for_the_delay(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "failover", 3, seed);
	started_on(&w, 0);
	migrated(&w, 2, w.in.now_us);
	assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
	assert_true(w.out.wake_us == w.in.since_us + 60 * S);
	assert_int_equal(step(&w), 0);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency_best_begins_with_the_fastest),
		cmocka_unit_test(test_latency_best_moves_after_enough_evaluations),
		cmocka_unit_test(test_latency_best_starts_counting_again_after_a_bad_evaluation),
		cmocka_unit_test(test_latency_best_does_not_count_every_question),
		cmocka_unit_test(test_latency_best_holds_for_a_while),
		cmocka_unit_test(test_latency_best_has_both_margins),
		cmocka_unit_test(test_latency_best_needs_measurements),
		cmocka_unit_test(test_latency_best_does_not_flap_on_noise),
		cmocka_unit_test(test_failover_goes_by_priority),
		cmocka_unit_test(test_failback_waits_for_its_delay),
		cmocka_unit_test(test_a_path_that_comes_and_goes_gets_no_failback),
		cmocka_unit_test(test_failback_immediate_and_never),
		cmocka_unit_test(test_failback_prefers_the_best_that_is_ready),
		cmocka_unit_test(test_a_path_chosen_by_hand_is_kept_for_the_delay),
	};

	seed = test_seed();
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
