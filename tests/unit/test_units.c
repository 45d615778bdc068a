#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rng.h"
#include "lib/units.h"

static void expect_us(const char *text, int64_t expected)
{
	int64_t us = -1;
	struct err e;

	assert_int_equal(units_parse_duration(text, &us, &e), 0);
	assert_int_equal(us, expected);
}

static void expect_bad(const char *text, int code, const char *part)
{
	int64_t us = -7;
	struct err e;

	assert_int_equal(units_parse_duration(text, &us, &e), code);
	assert_int_equal(us, -7);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, e.text);
}

static void test_durations(void **state)
{
	(void)state;
	expect_us("0s", 0);
	expect_us("1us", 1);
	expect_us("250ms", 250000);
	expect_us("1.5s", 1500000);
	expect_us("0.000001s", 1);
	expect_us("5m", 300000000);
	expect_us("1h", 3600000000);
	expect_us("2d", 172800000000);
	expect_us("010s", 10000000);
	expect_us("0.1d", 8640000000);
}

static void test_bad_durations(void **state)
{
	(void)state;
	expect_bad("5", -EINVAL, "\"5\" has no unit; write 5s or 5ms");
	expect_bad("", -EINVAL, "is not a duration");
	expect_bad("s", -EINVAL, "is not a duration");
	expect_bad(".5s", -EINVAL, "is not a duration");
	expect_bad("5.s", -EINVAL, "is not a duration");
	expect_bad("-1s", -EINVAL, "is not a duration");
	expect_bad(" 1s", -EINVAL, "is not a duration");
	expect_bad("inf", -EINVAL, "is not a duration");
	expect_bad("1 s", -EINVAL, "unknown unit; use us, ms, s, m, h or d");
	expect_bad("1.2.3s", -EINVAL, "unknown unit");
	expect_bad("1S", -EINVAL, "unknown unit");
	expect_bad("1h30m", -EINVAL, "unknown unit");
	expect_bad("0x10s", -EINVAL, "unknown unit");
	expect_bad("0.5us", -ERANGE, "finer than 1us");
	expect_bad("106751992d", -ERANGE, "too long");
	expect_bad("9999999999999999s", -ERANGE, "too long");
}

static void test_longest_duration(void **state)
{
	(void)state;
	expect_us("106751991d", INT64_C(106751991) * 86400000000);
}

static void expect_bytes(const char *text, uint64_t expected)
{
	uint64_t bytes = 1;
	struct err e;

	assert_int_equal(units_parse_size(text, &bytes, &e), 0);
	assert_int_equal(bytes, expected);
}

static void test_sizes(void **state)
{
	uint64_t bytes;
	struct err e;

	(void)state;
	expect_bytes("64B", 64);
	expect_bytes("256KiB", 262144);
	expect_bytes("1MiB", 1048576);
	expect_bytes("1.5GiB", 1610612736);
	assert_int_equal(units_parse_size("64", &bytes, &e), -EINVAL);
	assert_string_equal(e.text, "\"64\" has no unit; write 64B or 64KiB");
	assert_int_equal(units_parse_size("1MB", &bytes, &e), -EINVAL);
	assert_non_null(strstr(e.text, "use B, KiB, MiB or GiB"));
	assert_int_equal(units_parse_size("0.3B", &bytes, &e), -ERANGE);
}

static void expect_text(int64_t us, const char *expected)
{
	char text[UNITS_TEXT_BYTES];

	units_format_duration(us, text);
	assert_string_equal(text, expected);
}

static void test_format(void **state)
{
	char text[UNITS_TEXT_BYTES];

	(void)state;
	expect_text(0, "0s");
	expect_text(1, "1us");
	expect_text(1500000, "1500ms");
	expect_text(90000000, "90s");
	expect_text(60000000, "1m");
	expect_text(86400000000, "1d");
	units_format_size(0, text);
	assert_string_equal(text, "0B");
	units_format_size(1500, text);
	assert_string_equal(text, "1500B");
	units_format_size(1 << 20, text);
	assert_string_equal(text, "1MiB");
}

/* What is written reads back as the same. */
static void test_round_trip(void **state)
{
	const char *given = getenv("COMPS_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid();
	struct rng rng;

	(void)state;
	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	for (int i = 0; i < 2000; i++) {
		/* Of every magnitude. */
		int64_t us = (int64_t)(rng_next(&rng, 0) >> (1 + rng_below(&rng, 0, 63)));
		char text[UNITS_TEXT_BYTES];

		units_format_duration(us, text);
		expect_us(text, us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),	 cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_longest_duration), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_format),		 cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
