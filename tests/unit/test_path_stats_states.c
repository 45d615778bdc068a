/* The states of one target. */
#include "tests/unit/target_world.h"

/* --- states --- */

static void test_unknown_becomes_up_or_down(void **state)
{
	struct fixture *f = *state;
	struct mono began = f->now;
	int i;

	for (i = 0; i < 3; i++) {
		lost(f);
		assert_int_equal(f->stats.state, PATH_UNKNOWN);
	}
	lost(f);
	assert_int_equal(f->stats.state, PATH_DOWN);
	assert_int_equal(f->stats.doubted.us, began.us);
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
	assert_int_equal(f->stats.doubted.us, end.us - config.timeout_max_us);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, target_world_setup, target_world_teardown)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
