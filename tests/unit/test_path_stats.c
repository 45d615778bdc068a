/* The smoothed RTT, the window and the states of one target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/path_stats.h"
#include "lib/rng.h"
#include "tests/unit/policy_world.h"

#define MS INT64_C(1000)

static const struct path_stats_config config = {
	.window = 10,
	.up_after = 3,
	.down_after = 4,
	.timeout_min_us = 50 * MS,
	.timeout_max_us = 1000 * MS,
};

struct fixture {
	struct path_stats stats;
	struct mono now;
	uint32_t next;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = (struct mono){5000 * MS};
	assert_int_equal(path_stats_init(&f->stats, &config, f->now), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	path_stats_fini(&f->stats);
	free(f);
	return 0;
}

/* Lets time pass, and looks when there is something to see. */
static void pass(struct fixture *f, int64_t us)
{
	struct mono until = mono_add_us(f->now, us), next;

	while (mono_before(next = path_stats_next_deadline(&f->stats), until)) {
		if (mono_before(f->now, next))
			f->now = next;
		path_stats_on_time(&f->stats, f->now);
		if (path_stats_next_deadline(&f->stats).us == next.us)
			break; /* a judgement is due, which is asked for apart */
	}
	f->now = until;
	path_stats_on_time(&f->stats, f->now);
}

static uint32_t send(struct fixture *f)
{
	path_stats_on_sent(&f->stats, f->next, f->now);
	return f->next++;
}

static void reply(struct fixture *f, uint32_t number, int64_t rtt_us)
{
	path_stats_on_reply(&f->stats, number, rtt_us, f->now);
}

/* A probe that is answered after `rtt_us`. */
static void answered(struct fixture *f, int64_t rtt_us)
{
	uint32_t number = send(f);

	pass(f, rtt_us);
	reply(f, number, rtt_us);
}

/* A probe that is not, and the time until that is certain. */
static void lost(struct fixture *f)
{
	send(f);
	pass(f, config.timeout_max_us);
}

/* The judgement, when a probe that left `ago_us` ago is the latest that was answered elsewhere. */
static void judge(struct fixture *f, int64_t ago_us)
{
	path_stats_judge(&f->stats, mono_add_us(f->now, -ago_us), f->now);
}

static double loss(const struct fixture *f)
{
	int64_t min_us;
	double share;

	path_stats_window(&f->stats, &min_us, &share);
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

	path_stats_summarize(&f->stats, &summary);
	assert_int_equal(summary.p50_us, -1);
	assert_int_equal(summary.min_us, -1);
	assert_true(summary.loss == 0);
	answered(f, 1 * MS); /* leaves the window again */
	for (i = 0; i < 10; i++)
		answered(f, rtts[i] * MS);
	path_stats_summarize(&f->stats, &summary);
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

static void test_a_late_reply_corrects_the_loss(void **state)
{
	struct fixture *f = *state;
	uint32_t number;

	answered(f, 20 * MS);
	number = send(f);
	pass(f, 80 * MS);
	assert_true(loss(f) == 0.5);
	assert_int_equal(f->stats.missed, 1);
	reply(f, number, 80 * MS);
	assert_true(loss(f) == 0);
	assert_int_equal(f->stats.missed, 0);
	assert_int_equal(f->stats.late, 1);
	assert_int_equal(f->stats.answered, 2);
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

/* --- states --- */

static void test_unknown_becomes_up_or_down(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 3; i++) {
		lost(f);
		assert_int_equal(f->stats.state, PATH_UNKNOWN);
	}
	lost(f);
	assert_int_equal(f->stats.state, PATH_DOWN);
	path_stats_reset(&f->stats, f->now);
	assert_int_equal(f->stats.state, PATH_UNKNOWN);
	answered(f, 20 * MS);
	assert_int_equal(f->stats.state, PATH_UP);
}

static void test_a_miss_raises_a_suspicion_and_the_burst_decides(void **state)
{
	struct fixture *f = *state;
	int i;

	answered(f, 20 * MS);
	for (i = 0; i < 3; i++) {
		lost(f);
		judge(f, 0);
		assert_int_equal(f->stats.state, PATH_SUSPECT);
	}
	lost(f);
	judge(f, 0);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void send_burst(struct fixture *f)
{
	int i;

	for (i = 0; i < 4; i++) {
		send(f);
		pass(f, 5 * MS);
	}
}

static void test_silence_needs_a_witness(void **state)
{
	struct fixture *f = *state;
	int64_t timeout_us;

	answered(f, 20 * MS);
	timeout_us = path_stats_timeout_us(&f->stats);
	path_stats_suspect(&f->stats, f->now);
	send_burst(f);
	pass(f, 380 * MS); /* 400 ms after the suspicion */
	judge(f, 401 * MS);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
	judge(f, 400 * MS); /* heard now: this one has its timeout left */
	assert_int_equal(path_stats_next_deadline(&f->stats).us, f->now.us + timeout_us);
	pass(f, timeout_us - 1);
	judge(f, 0);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
	pass(f, 1);
	judge(f, 0);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void test_silence_without_a_witness_takes_the_longest_timeout(void **state)
{
	struct fixture *f = *state;
	struct mono end;

	answered(f, 20 * MS);
	path_stats_suspect(&f->stats, f->now);
	end = mono_add_us(f->now, config.timeout_max_us);
	send_burst(f);
	pass(f, 300 * MS);
	assert_int_equal(path_stats_next_deadline(&f->stats).us, end.us);
	f->now = mono_add_us(end, -1);
	judge(f, 10000 * MS);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
	f->now = end;
	judge(f, 10000 * MS);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void test_one_answer_clears_the_suspicion(void **state)
{
	struct fixture *f = *state;
	int i;

	answered(f, 20 * MS);
	for (i = 0; i < 4; i++)
		lost(f);
	answered(f, 20 * MS);
	assert_int_equal(f->stats.state, PATH_UP);
	lost(f); /* counting begins anew */
	judge(f, 0);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
}

static void test_a_miss_before_an_answer_is_just_loss(void **state)
{
	struct fixture *f = *state;
	uint32_t second;

	answered(f, 20 * MS);
	send(f);
	pass(f, 10 * MS);
	second = send(f);
	pass(f, 20 * MS);
	reply(f, second, 20 * MS);
	pass(f, 1000 * MS);
	assert_int_equal(f->stats.missed, 1);
	assert_int_equal(f->stats.state, PATH_UP);
}

static void go_down(struct fixture *f)
{
	int i;

	answered(f, 20 * MS);
	for (i = 0; i < 4; i++)
		lost(f);
	judge(f, 0);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void test_back_up_after_answers_in_a_row(void **state)
{
	struct fixture *f = *state;

	go_down(f);
	pass(f, 1);
	answered(f, 20 * MS);
	answered(f, 20 * MS);
	assert_int_equal(f->stats.state, PATH_DOWN);
	lost(f);
	answered(f, 20 * MS);
	answered(f, 20 * MS);
	assert_int_equal(f->stats.state, PATH_DOWN);
	answered(f, 20 * MS);
	assert_int_equal(f->stats.state, PATH_UP);
}

static void test_late_answers_do_not_bring_it_back(void **state)
{
	struct fixture *f = *state;

	go_down(f);
	reply(f, 2, 3000 * MS);
	reply(f, 3, 2000 * MS);
	reply(f, 4, 1000 * MS);
	assert_int_equal(f->stats.late, 3);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void test_other_evidence(void **state)
{
	struct fixture *f = *state;

	path_stats_suspect(&f->stats, f->now);
	assert_int_equal(f->stats.state, PATH_UNKNOWN);
	answered(f, 20 * MS);
	path_stats_suspect(&f->stats, f->now);
	assert_int_equal(f->stats.state, PATH_SUSPECT);
	path_stats_clear(&f->stats, f->now);
	assert_int_equal(f->stats.state, PATH_UP);
	go_down(f);
	path_stats_clear(&f->stats, f->now);
	path_stats_suspect(&f->stats, f->now);
	assert_int_equal(f->stats.state, PATH_DOWN);
}

static void test_forgotten_probes_are_nobodys_fault(void **state)
{
	struct fixture *f = *state;

	answered(f, 20 * MS);
	send(f);
	path_stats_forget_pending(&f->stats);
	pass(f, 60000 * MS);
	assert_int_equal(f->stats.missed, 0);
	assert_int_equal(f->stats.state, PATH_UP);
	assert_true(path_stats_next_deadline(&f->stats).us == MONO_NEVER.us);
}

static void test_confirmed_is_when_the_answered_probe_left(void **state)
{
	struct fixture *f = *state;
	struct mono second;

	assert_true(f->stats.confirmed.us == MONO_LONG_AGO.us);
	send(f);
	pass(f, 10 * MS);
	second = f->now;
	send(f);
	pass(f, 30 * MS);
	reply(f, 1, 30 * MS);
	assert_int_equal(f->stats.confirmed.us, second.us);
	reply(f, 0, 40 * MS); /* overtaken */
	assert_int_equal(f->stats.confirmed.us, second.us);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_smoothing_by_hand),
		TEST(test_timeout_is_bounded),
		TEST(test_a_probe_keeps_the_timeout_it_left_with),
		TEST(test_a_machine_that_is_late_itself_blames_nobody_yet),
		TEST(test_quantiles_by_nearest_rank),
		TEST(test_pending_probes_are_no_loss),
		TEST(test_a_late_reply_corrects_the_loss),
		TEST(test_duplicates_change_nothing_but_their_count),
		TEST(test_replies_from_outside_the_window_are_ignored),
		TEST(test_unknown_becomes_up_or_down),
		TEST(test_a_miss_raises_a_suspicion_and_the_burst_decides),
		TEST(test_silence_needs_a_witness),
		TEST(test_silence_without_a_witness_takes_the_longest_timeout),
		TEST(test_one_answer_clears_the_suspicion),
		TEST(test_a_miss_before_an_answer_is_just_loss),
		TEST(test_back_up_after_answers_in_a_row),
		TEST(test_late_answers_do_not_bring_it_back),
		TEST(test_other_evidence),
		TEST(test_forgotten_probes_are_nobodys_fault),
		TEST(test_confirmed_is_when_the_answered_probe_left),
		TEST(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
