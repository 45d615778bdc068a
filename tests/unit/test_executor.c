/* A migration as a transaction, over a kernel that a test plays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/executor.h"

#define MS	INT64_C(1000)
#define SWAP_US 300

struct fixture {
	struct executor executor;
	struct mono now;
	int route;    /* where the kernel sends the traffic */
	int watched;  /* POLICY_NONE: nothing */
	int unfit;    /* the path that fails the check; POLICY_NONE: none does */
	bool refuses; /* the swap fails */
	int swaps, kicks, reasserts;
};

static int check(void *ctx, int path, struct err *err)
{
	struct fixture *f = ctx;

	return path == f->unfit ? err_set(err, -ENETDOWN, "unfit") : 0;
}

static int swap(void *ctx, int from, int to, int64_t *swap_us, struct err *err)
{
	struct fixture *f = ctx;

	assert_int_equal(from, f->route);
	if (f->refuses)
		return err_set(err, -EPERM, "the kernel says no");
	f->route = to;
	f->swaps++;
	*swap_us = SWAP_US;
	return 0;
}

static void watch(void *ctx, int path)
{
	((struct fixture *)ctx)->watched = path;
}

static void unwatch(void *ctx, int path)
{
	struct fixture *f = ctx;

	assert_int_equal(path, f->watched);
	f->watched = POLICY_NONE;
}

static void reassert(void *ctx)
{
	((struct fixture *)ctx)->reasserts++;
}

static void kick(void *ctx)
{
	((struct fixture *)ctx)->kicks++;
}

static const struct executor_ops ops = {check, swap, watch, unwatch, reassert, kick};

static int setup(void **state)
{
	static const struct executor_config config = {true, 500 * MS};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = (struct mono){1000 * MS};
	f->route = 0;
	f->watched = f->unfit = POLICY_NONE;
	executor_init(&f->executor, &config, &ops, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void start_with(struct fixture *f, int to, int64_t from_rtt_us, int64_t to_rtt_us)
{
	struct steer_verdict verdict = {STEER_MIGRATE, to, "random", MONO_NEVER};

	assert_int_equal(f->executor.state, EXECUTOR_IDLE);
	executor_start(&f->executor, f->route, &verdict, from_rtt_us, to_rtt_us, f->now, 77);
	f->now = mono_add_us(f->now, SWAP_US);
}

static void start(struct fixture *f)
{
	start_with(f, 1, 20 * MS, 30 * MS);
}

/* Lives until `us` from now, doing what is due on time. */
static void pass(struct fixture *f, int64_t us)
{
	struct mono end = mono_add_us(f->now, us);

	for (;;) {
		struct mono next = executor_next_deadline(&f->executor);

		if (mono_before(end, next))
			break;
		if (mono_before(f->now, next))
			f->now = next;
		executor_on_time(&f->executor, f->now);
	}
	f->now = end;
}

/* The watched path gets a packet from the exit; its owner stops watching, as in the daemon. */
static void packet(struct fixture *f)
{
	assert_int_not_equal(f->watched, POLICY_NONE);
	f->watched = POLICY_NONE;
	executor_on_packet(&f->executor, f->now, f->now);
}

static struct migration expect(struct fixture *f, enum migration_outcome outcome, int route)
{
	struct migration migration;

	assert_true(executor_take_result(&f->executor, &migration));
	assert_int_equal(migration.outcome, outcome);
	assert_string_equal(migration.reason, "random");
	assert_int_equal(migration.wall_us, 77);
	assert_int_equal(f->route, route);
	assert_int_equal(f->watched, POLICY_NONE);
	assert_int_equal(f->executor.state, EXECUTOR_IDLE);
	assert_true(executor_next_deadline(&f->executor).us == MONO_NEVER.us);
	assert_false(executor_take_result(&f->executor, &migration));
	return migration;
}

static void expect_under_way(struct fixture *f)
{
	struct migration migration;

	assert_false(executor_take_result(&f->executor, &migration));
}

static void test_settles(void **state)
{
	struct fixture *f = *state;
	struct migration m;
	int64_t decided_us = f->now.us;

	start(f);
	assert_int_equal(f->route, 1);
	assert_int_equal(f->watched, 1);
	assert_int_equal(f->reasserts, 1);
	assert_int_equal(f->kicks, 1); /* at once */
	pass(f, 40 * MS);
	expect_under_way(f);
	assert_in_range(f->kicks, 3, 4); /* and every 10 to 20 ms */
	packet(f);
	m = expect(f, MIGRATION_SETTLED, 1);
	assert_int_equal(m.from, 0);
	assert_int_equal(m.to, 1);
	assert_int_equal(m.decided.us, decided_us);
	assert_int_equal(m.swap_us, SWAP_US);
	assert_int_equal(m.swapped.us, decided_us + SWAP_US);
	assert_int_equal(m.settle_us, 40 * MS);
	assert_string_equal(m.error, "");
}

static void test_kicks_end_with_the_migration(void **state)
{
	struct fixture *f = *state;
	int kicks;

	start(f);
	packet(f);
	kicks = f->kicks;
	expect(f, MIGRATION_SETTLED, 1);
	pass(f, 10000 * MS);
	assert_int_equal(f->kicks, kicks);
}

static void test_deadline_rolls_back(void **state)
{
	struct fixture *f = *state;
	struct migration m;

	start(f);
	pass(f, 499 * MS);
	assert_int_equal(f->route, 1);
	pass(f, 1 * MS);
	assert_int_equal(f->route, 0);
	assert_int_equal(f->watched, 0);
	assert_int_equal(f->reasserts, 2);
	expect_under_way(f);
	packet(f);
	m = expect(f, MIGRATION_ROLLED_BACK, 0);
	assert_int_equal(m.settle_us, -1);
	assert_non_null(strstr(m.error, "500ms"));
}

static void test_roll_back_does_not_wait_for_ever(void **state)
{
	struct fixture *f = *state;

	start(f);
	pass(f, 501 * MS);
	pass(f, 500 * MS);
	expect(f, MIGRATION_ROLLED_BACK, 0);
}

static void test_no_way_back(void **state)
{
	struct fixture *f = *state;

	start(f);
	f->unfit = 0;
	pass(f, 600 * MS);
	expect(f, MIGRATION_FAILED, 1);
}

static void test_swap_back_is_refused(void **state)
{
	struct fixture *f = *state;

	start(f);
	f->refuses = true;
	pass(f, 600 * MS);
	expect(f, MIGRATION_FAILED, 1);
}

static void test_first_migration_has_no_way_back(void **state)
{
	struct fixture *f = *state;

	f->route = POLICY_NONE;
	start(f);
	pass(f, 600 * MS);
	assert_int_equal(expect(f, MIGRATION_FAILED, 1).from, POLICY_NONE);
}

static void test_unfit_target_is_refused(void **state)
{
	struct fixture *f = *state;

	f->unfit = 1;
	start(f);
	assert_string_equal(expect(f, MIGRATION_REFUSED, 0).error, "unfit");
	assert_int_equal(f->swaps + f->kicks + f->reasserts, 0);
}

static void test_failed_swap_is_refused(void **state)
{
	struct fixture *f = *state;

	f->refuses = true;
	start(f);
	assert_string_equal(expect(f, MIGRATION_REFUSED, 0).error, "the kernel says no");
	assert_int_equal(f->kicks, 0);
}

static void test_path_lost_while_settling(void **state)
{
	struct fixture *f = *state;

	start(f);
	pass(f, 10 * MS);
	executor_on_path_lost(&f->executor, f->now);
	assert_int_equal(f->route, 0);
	packet(f);
	assert_non_null(strstr(expect(f, MIGRATION_ROLLED_BACK, 0).error, "died"));
}

static void test_deadline_allows_for_a_slow_path(void **state)
{
	struct fixture *f = *state;

	start_with(f, 1, 20 * MS, 400 * MS);
	pass(f, 1199 * MS);
	assert_int_equal(f->route, 1);
	pass(f, 2 * MS);
	assert_int_equal(f->route, 0);
}

static void test_one_more_kick_after_late_packets(void **state)
{
	struct fixture *f = *state;
	int kicks;

	start_with(f, 1, 200 * MS, 20 * MS);
	pass(f, 20 * MS);
	packet(f);
	expect_under_way(f);
	kicks = f->kicks;
	pass(f, 70 * MS); /* the difference of the one-way delays is 90 ms */
	assert_int_equal(f->kicks, kicks);
	expect_under_way(f);
	pass(f, 10 * MS);
	assert_int_equal(f->kicks, kicks + 1);
	assert_int_equal(expect(f, MIGRATION_SETTLED, 1).settle_us, 20 * MS);
}

static void test_no_more_kick_towards_a_slower_path(void **state)
{
	struct fixture *f = *state;

	start_with(f, 1, 20 * MS, 200 * MS);
	pass(f, 200 * MS);
	packet(f);
	expect(f, MIGRATION_SETTLED, 1);
}

static void test_path_lost_while_lingering_has_settled(void **state)
{
	struct fixture *f = *state;

	start_with(f, 1, 200 * MS, 20 * MS);
	packet(f);
	executor_on_path_lost(&f->executor, f->now);
	expect(f, MIGRATION_SETTLED, 1);
}

static void test_unknown_round_trips(void **state)
{
	struct fixture *f = *state;

	start_with(f, 1, 200 * MS, -1);
	packet(f);
	expect(f, MIGRATION_SETTLED, 1);
	start_with(f, 0, -1, 20 * MS);
	packet(f);
	expect(f, MIGRATION_SETTLED, 0);
}

static void test_direct_mode_is_done_with_the_swap(void **state)
{
	struct fixture *f = *state;

	f->executor.config.confirm = false;
	start(f);
	expect(f, MIGRATION_UNCONFIRMED, 1);
	assert_int_equal(f->kicks + f->reasserts, 0);
}

static void test_stray_events_are_ignored(void **state)
{
	struct fixture *f = *state;

	executor_on_packet(&f->executor, f->now, f->now);
	executor_on_path_lost(&f->executor, f->now);
	executor_on_time(&f->executor, f->now);
	assert_int_equal(f->executor.state, EXECUTOR_IDLE);
	start(f);
	packet(f);
	executor_on_packet(&f->executor, f->now, f->now);
	executor_on_path_lost(&f->executor, f->now);
	expect(f, MIGRATION_SETTLED, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_settles),
		TEST(test_kicks_end_with_the_migration),
		TEST(test_deadline_rolls_back),
		TEST(test_roll_back_does_not_wait_for_ever),
		TEST(test_no_way_back),
		TEST(test_swap_back_is_refused),
		TEST(test_first_migration_has_no_way_back),
		TEST(test_unfit_target_is_refused),
		TEST(test_failed_swap_is_refused),
		TEST(test_path_lost_while_settling),
		TEST(test_deadline_allows_for_a_slow_path),
		TEST(test_one_more_kick_after_late_packets),
		TEST(test_no_more_kick_towards_a_slower_path),
		TEST(test_path_lost_while_lingering_has_settled),
		TEST(test_unknown_round_trips),
		TEST(test_direct_mode_is_done_with_the_swap),
		TEST(test_stray_events_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
