/* The log that keeps the last migrations and counts all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/migration.h"

static void add(struct migration_log *log, int to, const char *reason,
		enum migration_outcome outcome)
{
	struct migration migration = {.to = to, .reason = reason, .outcome = outcome};

	migration_log_add(log, &migration);
}

static void test_an_empty_log(void **state)
{
	struct migration_log log = {0};

	(void)state;
	assert_null(migration_log_get(&log, 0));
}

static void test_newest_first_and_the_oldest_forgotten(void **state)
{
	struct migration_log log = {0};
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		add(&log, i, "random", MIGRATION_SETTLED);
		assert_int_equal(migration_log_get(&log, 0)->to, i);
		if (i > 0)
			assert_int_equal(migration_log_get(&log, 1)->to, i - 1);
	}
	assert_int_equal(migration_log_get(&log, MIGRATION_KEPT - 1)->to, 1000 - MIGRATION_KEPT);
	assert_null(migration_log_get(&log, MIGRATION_KEPT));
	assert_int_equal(log.total, 1000);
}

static void test_outcomes_are_counted(void **state)
{
	struct migration_log log = {0};

	(void)state;
	add(&log, 0, "start", MIGRATION_SETTLED);
	add(&log, 1, "random", MIGRATION_UNCONFIRMED);
	add(&log, 2, "random", MIGRATION_ROLLED_BACK);
	add(&log, 3, "failover", MIGRATION_FAILED);
	add(&log, 4, "failover", MIGRATION_REFUSED);
	assert_int_equal(log.total, 5);
	assert_int_equal(log.rolled_back, 1);
	assert_int_equal(log.failed, 2);
}

static void test_reasons_are_counted_by_their_text(void **state)
{
	char other[] = "random"; /* another string at another address */
	struct migration_log log = {0};

	(void)state;
	add(&log, 0, "start", MIGRATION_SETTLED);
	add(&log, 1, "random", MIGRATION_SETTLED);
	add(&log, 2, other, MIGRATION_SETTLED);
	assert_int_equal(log.reason_count, 2);
	assert_string_equal(log.by_reason[0].reason, "start");
	assert_int_equal(log.by_reason[0].count, 1);
	assert_int_equal(log.by_reason[1].count, 2);
}

static void test_reasons_beyond_the_limit_count_as_the_last(void **state)
{
	static char reasons[MIGRATION_REASONS + 5][8];
	struct migration_log log = {0};
	int i;

	(void)state;
	for (i = 0; i < MIGRATION_REASONS + 5; i++) {
		snprintf(reasons[i], sizeof(reasons[i]), "r%d", i);
		add(&log, i, reasons[i], MIGRATION_SETTLED);
	}
	assert_int_equal(log.reason_count, MIGRATION_REASONS);
	assert_int_equal(log.by_reason[MIGRATION_REASONS - 1].count, 6);
	add(&log, 0, "r0", MIGRATION_SETTLED);
	assert_int_equal(log.by_reason[0].count, 2);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(migration_outcome_name(MIGRATION_SETTLED), "settled");
	assert_string_equal(migration_outcome_name(MIGRATION_UNCONFIRMED), "unconfirmed");
	assert_string_equal(migration_outcome_name(MIGRATION_ROLLED_BACK), "rolled-back");
	assert_string_equal(migration_outcome_name(MIGRATION_FAILED), "failed");
	assert_string_equal(migration_outcome_name(MIGRATION_REFUSED), "refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_log),
		cmocka_unit_test(test_newest_first_and_the_oldest_forgotten),
		cmocka_unit_test(test_outcomes_are_counted),
		cmocka_unit_test(test_reasons_are_counted_by_their_text),
		cmocka_unit_test(test_reasons_beyond_the_limit_count_as_the_last),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
