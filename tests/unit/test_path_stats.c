/* The smoothed RTT and the window of one target. */
#include "tests/unit/target_world.h"

static double loss(const struct fixture *f)
{
	int64_t min_us;
	double share;

	path_stats_window(&f->stats, f->now, &min_us, &share);
	return share;
}

/* --- RFC 6298 --- */

static void test_smoothing_by_hand(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->stats.srtt_us, -1);
	assert_int_equal(path_stats_timeout_us(&f->stats), 1000 * MS);
	answered(f, 100 * MS);
	assert_int_equal(f->stats.srtt_us, 100 * MS);
	assert_int_equal(f->stats.rttvar_us, 50 * MS);
	assert_int_equal(path_stats_timeout_us(&f->stats), 300 * MS);
	/* RTTVAR = 3/4 50 + 1/4 |100 - 60| = 47.5; SRTT = 7/8 100 + 1/8 60 = 95 */
	answered(f, 60 * MS);
	assert_int_equal(f->stats.srtt_us, 95 * MS);
	assert_int_equal(f->stats.rttvar_us, 47500);
	assert_int_equal(path_stats_timeout_us(&f->stats), 285 * MS);
	/* RTTVAR = 3/4 47.5 + 1/4 |95 - 175| = 55.625; SRTT = 7/8 95 + 1/8 175 = 105 */
	answered(f, 175 * MS);
	assert_int_equal(f->stats.srtt_us, 105 * MS);
	assert_int_equal(f->stats.rttvar_us, 55625);
}

static void test_timeout_is_bounded(void **state)
{
	struct fixture *f = *state;

	answered(f, 1 * MS);
	assert_int_equal(path_stats_timeout_us(&f->stats), config.timeout_min_us);
	answered(f, 900 * MS);
	assert_int_equal(path_stats_timeout_us(&f->stats), config.timeout_max_us);
}

static void test_a_probe_keeps_the_timeout_it_left_with(void **state)
{
	struct fixture *f = *state;
	uint32_t first = send(f);

	assert_int_equal(path_stats_next_deadline(&f->stats).us, f->now.us + 1000 * MS);
	pass(f, 500 * MS);
	send(f);
	assert_int_equal(path_stats_next_deadline(&f->stats).us, f->now.us + 500 * MS);
	reply(f, first, 500 * MS);
	assert_int_equal(path_stats_next_deadline(&f->stats).us, f->now.us + 1000 * MS);
	pass(f, 1000 * MS - 1);
	assert_int_equal(f->stats.missed, 0);
	pass(f, 1);
	assert_int_equal(f->stats.missed, 1);
	assert_true(path_stats_next_deadline(&f->stats).us == MONO_NEVER.us);
}

static void test_a_machine_that_is_late_itself_blames_nobody_yet(void **state)
{
	struct fixture *f = *state;
	uint32_t number;

	answered(f, 20 * MS);
	number = send(f);
	f->now = mono_add_us(f->now, 200 * MS); /* the deadline was long ago */
	path_stats_on_time(&f->stats, f->now);
	assert_int_equal(f->stats.missed, 0);
	pass(f, 5 * MS);
	reply(f, number, 20 * MS);
	assert_int_equal(f->stats.state, PATH_UP);
	send(f);
	f->now = mono_add_us(f->now, 300 * MS);
	path_stats_on_time(&f->stats, f->now);
	pass(f, 10 * MS); /* but not for long */
	assert_int_equal(f->stats.missed, 1);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
}

/* --- the window --- */

static void test_quantiles_by_nearest_rank(void **state)
{
	static const int64_t rtts[] = {70, 10, 90, 30, 50, 100, 20, 80, 60, 40};
	struct fixture *f = *state;
	struct path_stats_summary summary;
	size_t i;

	path_stats_summarize(&f->stats, f->now, &summary);
	assert_int_equal(summary.p50_us, -1);
	assert_int_equal(summary.min_us, -1);
	assert_true(summary.loss == 0);
	answered(f, 1 * MS); /* leaves the window again */
	for (i = 0; i < 10; i++)
		answered(f, rtts[i] * MS);
	path_stats_summarize(&f->stats, f->now, &summary);
	assert_int_equal(summary.min_us, 10 * MS);
	assert_int_equal(summary.p50_us, 50 * MS);
	assert_int_equal(summary.p95_us, 100 * MS);
	assert_int_equal(summary.p99_us, 100 * MS);
	assert_true(summary.loss == 0);
}

static void test_pending_probes_are_no_loss(void **state)
{
	struct fixture *f = *state;

	answered(f, 20 * MS);
	answered(f, 20 * MS);
	answered(f, 20 * MS);
	send(f);
	assert_true(loss(f) == 0);
	pass(f, 1000 * MS);
	assert_true(loss(f) == 0.25);
}

static void test_a_late_reply_is_no_loss(void **state)
{
	struct fixture *f = *state;
	uint32_t number;

	answered(f, 20 * MS);
	number = send(f);
	pass(f, 80 * MS);
	assert_int_equal(f->stats.missed, 1);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
	assert_true(loss(f) == 0);
	reply(f, number, 80 * MS);
	assert_true(loss(f) == 0);
	assert_int_equal(f->stats.missed, 0);
	assert_int_equal(f->stats.late, 1);
	assert_int_equal(f->stats.answered, 2);
}

static void test_a_miss_is_lost_after_the_longest_timeout(void **state)
{
	struct fixture *f = *state;

	answered(f, 20 * MS);
	send(f);
	pass(f, config.timeout_max_us - 1);
	assert_true(loss(f) == 0);
	pass(f, 1);
	assert_true(loss(f) == 0.5);
}

static void test_a_miss_is_lost_once_a_later_probe_is_answered(void **state)
{
	struct fixture *f = *state;
	uint32_t first, second;

	answered(f, 20 * MS);
	answered(f, 20 * MS);
	first = send(f);
	pass(f, 10 * MS);
	second = send(f);
	pass(f, 70 * MS);
	assert_true(loss(f) == 0);
	reply(f, second, 70 * MS);
	assert_true(loss(f) == 0.25);
	reply(f, first, 80 * MS); /* overtaken */
	assert_true(loss(f) == 0);
}

static void test_duplicates_change_nothing_but_their_count(void **state)
{
	struct fixture *f = *state;

	answered(f, 20 * MS);
	reply(f, 0, 90 * MS);
	assert_int_equal(f->stats.duplicates, 1);
	assert_int_equal(f->stats.answered, 1);
	assert_int_equal(f->stats.srtt_us, 20 * MS);
}

static void test_replies_from_outside_the_window_are_ignored(void **state)
{
	struct fixture *f = *state;
	uint32_t old = send(f);
	int i;

	for (i = 0; i < 10; i++)
		send(f);
	reply(f, old, 20 * MS);
	reply(f, 11, 20 * MS);
	reply(f, UINT32_MAX, 20 * MS);
	assert_int_equal(f->stats.answered, 0);
	assert_int_equal(f->stats.state, PATH_UNKNOWN);
	reply(f, 1, 20 * MS);
	assert_int_equal(f->stats.answered, 1);
}

/* --- whatever comes --- */

static void test_invariants(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = test_seed();
	struct rng rng;
	int i;

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	for (i = 0; i < 20000; i++) {
		uint32_t back = rng_below(&rng, NOISE, 15);

		if (rng_below(&rng, NOISE, 2))
			send(f);
		pass(f, rng_below(&rng, NOISE, 100000));
		if (f->next > back && rng_below(&rng, NOISE, 2))
			reply(f, f->next - 1 - back, 1 + rng_below(&rng, NOISE, 400000));
		judge(f, rng_below(&rng, NOISE, 2000000));
		assert_in_range(loss(f) * 1000, 0, 1000);
		assert_true(f->stats.answered + f->stats.missed <= f->stats.sent);
		assert_true(mono_before(f->now, path_stats_next_deadline(&f->stats)));
		assert_in_range(path_stats_timeout_us(&f->stats), config.timeout_min_us,
				config.timeout_max_us);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, target_world_setup, target_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_smoothing_by_hand),
		TEST(test_timeout_is_bounded),
		TEST(test_a_probe_keeps_the_timeout_it_left_with),
		TEST(test_a_machine_that_is_late_itself_blames_nobody_yet),
		TEST(test_quantiles_by_nearest_rank),
		TEST(test_pending_probes_are_no_loss),
		TEST(test_a_late_reply_is_no_loss),
		TEST(test_a_miss_is_lost_after_the_longest_timeout),
		TEST(test_a_miss_is_lost_once_a_later_probe_is_answered),
		TEST(test_duplicates_change_nothing_but_their_count),
		TEST(test_replies_from_outside_the_window_are_ignored),
		TEST(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
