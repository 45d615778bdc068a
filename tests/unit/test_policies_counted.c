/* Policies that go by what a path has carried, by pauses, and by weights that are given. */
#include <errno.h>
#include <math.h>

#include "tests/unit/policy_world.h"

#define DRAWS 20000
#define MS    INT64_C(1000)

static void begin(struct world *w, const char *policy)
{
	world_init(w, policy, 3, test_seed());
	world_set(w, "dist", "fixed");
}

static void expect_refused(const char *policy, const char *param, const char *text, const char *why)
{
	struct policy_setup setup;
	char error[200] = "";
	struct world w;

	world_init(&w, policy, 3, 1);
	world_set(&w, param, text);
	w.state = calloc(1, w.ops->state_size);
	assert_non_null(w.state);
	setup = (struct policy_setup){w.values, 3};
	assert_int_equal(w.ops->init(w.state, &setup, error, sizeof(error)), -EINVAL);
	if (!strstr(error, why))
		fail_msg("%s=\"%s\": %s", param, text, error);
	world_fini(&w);
}

/* How often `to` is drawn when `from` was active, out of `draws` intervals. */
static void count_from(struct world *w, double share[3][3])
{
	int counts[3][3] = {0}, from[3] = {0};

	for (int i = 0; i < DRAWS; i++) {
		int was = w->in.active;

		step(w);
		from[was]++;
		counts[was][w->in.active]++;
	}
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++)
			share[i][j] = (double)counts[i][j] / from[i];
	}
}

static void expect_near(double share, double expected)
{
	if (fabs(share - expected) > 0.025)
		fail_msg("share %g, expected %g", share, expected);
}

/* --- weights and matrices --------------------------------------------------------------------- */

static void test_weighted_random_has_its_weights(void **state)
{
	double share[3][3];
	struct world w;

	(void)state;
	begin(&w, "weighted-random");
	world_set(&w, "weights", " 1 3  6");
	started_on(&w, 0);
	count_from(&w, share);
	for (int from = 0; from < 3; from++) {
		expect_near(share[from][0], 0.1);
		expect_near(share[from][1], 0.3);
		expect_near(share[from][2], 0.6);
	}
	world_set(&w, "weights", "1 0 2");
	started_on(&w, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_not_equal(step(&w), 1);
	world_fini(&w);
	expect_refused("weighted-random", "weights", "1 2", "2 numbers; one for each of 3");
	expect_refused("weighted-random", "weights", "0 0 0", "not all 0");
	expect_refused("weighted-random", "weights", "1 2 -3", "\"-3\" does not begin");
	expect_refused("weighted-random", "weights", "1 nan 3", "\"nan 3\"");
	expect_refused("weighted-random", "weights", "1 2e99 3", "from 0 to 1e9");
}

static void test_markov_follows_its_matrix(void **state)
{
	static const double row[3][3] = {{0, 1, 0}, {0.25, 0.25, 0.5}, {0.5, 0.5, 0}};
	double share[3][3];
	struct world w;

	(void)state;
	begin(&w, "markov");
	world_set(&w, "matrix", "0 1 0 / .25 .25 .5 / .5 .5 0");
	started_on(&w, 0);
	count_from(&w, share);
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++)
			expect_near(share[i][j], row[i][j]);
	}
	assert_int_equal(ask(&w, POLICY_FAILOVER) == w.in.active, false);
	world_fini(&w);
	expect_refused("markov", "matrix", "0 1 / 1 0", "2 rows, but there are 3 paths");
	expect_refused("markov", "matrix", "0 1 0 / 1 0 0", "row 2 is the last: not square");
	expect_refused("markov", "matrix", "0 1 0 / 1 0 / 1 0 0", "row 2 has another length");
	expect_refused("markov", "matrix", "0 1 0 / .5 .4 0 / 1 0 0", "row 2 does not add up");
	expect_refused("markov", "matrix", "0 1 0 / x", "\"x\"");
}

/* --- laps ------------------------------------------------------------------------------------- */

#define LAPS 200

/* Whether the paths from the `first` on come in laps. */
static bool comes_in_laps(const int *paths, int first, int orders[5])
{
	for (int lap = 0; lap < LAPS; lap++) {
		unsigned int seen = 0;

		for (int i = 0; i < 5; i++)
			seen |= 1U << paths[first + 5 * lap + i];
		if (seen != 0x1f)
			return false;
		orders[paths[first + 5 * lap]]++;
	}
	return true;
}

static void test_a_shuffled_lap_has_each_path_once(void **state)
{
	int paths[5 * LAPS + 5], first = 0, orders[5] = {0};
	struct world w;

	(void)state;
	world_init(&w, "round-robin", 5, test_seed());
	world_set(&w, "shuffle", "true");
	started_on(&w, 0);
	for (int i = 0; i < 5 * LAPS + 5; i++)
		paths[i] = step(&w); /* which is never the present one */
	while (first < 4 && !comes_in_laps(paths, first, orders))
		memset(orders, 0, sizeof(orders)), first++;
	assert_true(first < 4 || comes_in_laps(paths, first, orders));
	for (int i = 0; i < 5; i++)
		assert_in_range(orders[i], 15, 85);
	world_fini(&w);
}

/* --- budgets ---------------------------------------------------------------------------------- */

/* `bytes` go through the active path, looked at whenever the policy wants to. Returns how many had
 * gone when it moved. */
static uint64_t carry_until_moved(struct world *w, uint64_t bytes_per_ms)
{
	struct policy_path *path = &w->paths[w->in.active];
	uint64_t from = path->tx_bytes + path->rx_bytes, gone;
	int to;

	do {
		int64_t ms = (w->out.wake_us - w->in.now_us) / MS;

		assert_true(ms > 0);
		path->rx_bytes += bytes_per_ms * (uint64_t)ms;
		path->rx_packets += bytes_per_ms * (uint64_t)ms / 1000;
		to = ask_at(w, POLICY_TIMER, w->out.wake_us);
		gone = path->tx_bytes + path->rx_bytes - from;
	} while (to == POLICY_KEEP);
	migrated(w, to, w->in.now_us);
	return gone;
}

static void test_a_byte_budget_is_kept_whatever_the_speed(void **state)
{
	static const uint64_t bytes_per_ms[] = {10, 100, 1000, 10000};
	struct world w;

	(void)state;
	begin(&w, "byte-budget");
	world_set(&w, "bytes", "1000000");
	world_set(&w, "longest", "1h");
	started_on(&w, 0);
	for (size_t i = 0; i < 4; i++) {
		uint64_t over = 10 * bytes_per_ms[i];

		for (int n = 0; n < 20; n++)
			assert_in_range(carry_until_moved(&w, bytes_per_ms[i]), 1000000,
					1000000 + (n || i ? over : 200 * bytes_per_ms[i]));
	}
	world_fini(&w);
}

static void test_byte_budgets_have_their_law(void **state)
{
	double sum = 0;
	struct world w;

	(void)state;
	world_init(&w, "byte-budget", 3, test_seed());
	world_set(&w, "bytes", "1000000");
	world_set(&w, "min", "0");
	world_set(&w, "longest", "1h");
	started_on(&w, 0);
	for (int i = 0; i < 4000; i++)
		sum += (double)carry_until_moved(&w, 100);
	assert_true(fabs(sum / 4000 / 1000000 - 1) < 0.08);
	world_fini(&w);
}

static void test_an_idle_path_is_left_after_the_longest_stay(void **state)
{
	struct world w;
	int64_t from_us;

	(void)state;
	begin(&w, "packet-budget");
	world_set(&w, "longest", "7s");
	started_on(&w, 0);
	from_us = w.in.now_us;
	while (step(&w) == POLICY_KEEP)
		assert_true(w.in.now_us < from_us + 7 * S);
	assert_true(w.in.now_us == from_us + 7 * S);
	world_fini(&w);
	world_init(&w, "byte-budget", 3, 1);
	world_set(&w, "min", "262144");
	world_fini(&w);
	expect_refused("byte-budget", "min", "262144", "must be less than the mean");
}

/* --- gaps and pauses -------------------------------------------------------------------------- */

/* The interval is over; packets pass until `quiet_from_us`. Returns when it moved. */
static int64_t move_in_gap(struct world *w, int64_t quiet_from_us)
{
	int to;

	do {
		w->in.now_us = w->out.wake_us;
		if (w->in.now_us < quiet_from_us)
			w->paths[w->in.active].tx_packets++;
		to = ask(w, POLICY_TIMER);
	} while (to == POLICY_KEEP);
	return w->in.now_us;
}

static void test_burst_aware_waits_for_a_gap(void **state)
{
	struct world w;
	int64_t due_us;

	(void)state;
	begin(&w, "burst-aware");
	world_set(&w, "interval", "1s");
	started_on(&w, 0);
	due_us = w.out.wake_us;
	assert_true(due_us == w.in.since_us + S);
	assert_true(move_in_gap(&w, due_us + 100 * MS) == due_us + 110 * MS);
	migrated(&w, 1, w.in.now_us);
	due_us = w.out.wake_us;
	assert_true(move_in_gap(&w, INT64_MAX) == due_us + 500 * MS); /* there is none */
	migrated(&w, 2, w.in.now_us);
	due_us = w.out.wake_us;
	assert_true(move_in_gap(&w, 0) == due_us + 20 * MS); /* it is quiet already */
	world_fini(&w);
}

static void test_a_pause_begins_a_session(void **state)
{
	int elsewhere = 0;
	struct world w;

	(void)state;
	world_init(&w, "pinned-random", 3, test_seed());
	world_set(&w, "epoch", "0s");
	started_on(&w, 0);
	for (int i = 0; i < 300; i++) {
		int path;

		assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
		w.in.session++;
		path = ask(&w, POLICY_PATHS);
		elsewhere += path != POLICY_KEEP;
		if (path != POLICY_KEEP)
			migrated(&w, path, w.in.now_us);
	}
	assert_in_range(elsewhere, 150, 250); /* of three paths, the present one included */
	world_set(&w, "pause", "false");
	started_on(&w, 0);
	w.in.session++;
	assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weighted_random_has_its_weights),
		cmocka_unit_test(test_markov_follows_its_matrix),
		cmocka_unit_test(test_a_shuffled_lap_has_each_path_once),
		cmocka_unit_test(test_a_byte_budget_is_kept_whatever_the_speed),
		cmocka_unit_test(test_byte_budgets_have_their_law),
		cmocka_unit_test(test_an_idle_path_is_left_after_the_longest_stay),
		cmocka_unit_test(test_burst_aware_waits_for_a_gap),
		cmocka_unit_test(test_a_pause_begins_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
