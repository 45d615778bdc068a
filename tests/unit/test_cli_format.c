/* Quantities as people read them: the edges where the unit changes, and what is no number. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/format.h"
#include "cli/policy_text.h"
#include "cli/view.h"

static void test_seconds(void **state)
{
	static const struct {
		double s;
		const char *text;
	} cases[] = {
		{0, "0s"},	    {1e-6, "1us"},	{0.00085, "850us"},  {0.0009996, "1.0ms"},
		{0.0234, "23.4ms"}, {0.0999, "99.9ms"}, {0.09996, "100ms"},  {0.9994, "999ms"},
		{0.99999, "1s"},    {1.5, "1.5s"},	{12.44, "12.4s"},    {59.4, "59.4s"},
		{59.96, "1m"},	    {60, "1m"},		{192, "3m 12s"},     {3599.9, "59m 59s"},
		{3600, "1h"},	    {86399, "23h 59m"}, {1047600, "12d 3h"}, {-0.001, "-"},
		{NAN, "-"},	    {1e300, "-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(format_seconds(cases[i].s).text, cases[i].text);
}

static void test_bytes(void **state)
{
	(void)state;
	assert_string_equal(format_bytes(0).text, "0 B");
	assert_string_equal(format_bytes(1023).text, "1023 B");
	assert_string_equal(format_bytes(1024).text, "1.0 KiB");
	assert_string_equal(format_bytes(1024 * 1024 - 1).text, "1.0 MiB");
	assert_string_equal(format_bytes(150.0 * 1024 * 1024).text, "150 MiB");
	assert_string_equal(format_bytes(18446744073709551615.0).text, "16384 PiB");
	assert_string_equal(format_bytes(-1).text, "-");
	assert_string_equal(format_bytes(NAN).text, "-");
}

static void test_percent(void **state)
{
	(void)state;
	assert_string_equal(format_percent(0).text, "0%");
	assert_string_equal(format_percent(0.004).text, "0.4%");
	assert_string_equal(format_percent(0.0996).text, "10%");
	assert_string_equal(format_percent(1).text, "100%");
	assert_string_equal(format_percent(NAN).text, "-");
}

static void test_time(void **state)
{
	(void)state;
	assert_string_equal(format_time(1718114602.9).text, "2024-06-11 14:03:22");
	assert_string_equal(format_time(NAN).text, "-");
	assert_string_equal(format_time(-1).text, "-");
	assert_string_equal(format_time(1e18).text, "-");
}

static void test_members_of_the_wrong_type_are_unknown(void **state)
{
	json_t *object =
		json_pack("{s:n, s:s, s:f, s:i}", "null", "text", "x", "real", 1.5, "whole", 7);

	(void)state;
	assert_true(isnan(format_number(object, "null")));
	assert_true(isnan(format_number(object, "text")));
	assert_true(isnan(format_number(object, "absent")));
	assert_true(isnan(format_number(NULL, "absent")));
	assert_true(format_number(object, "real") == 1.5);
	assert_true(format_number(object, "whole") == 7);
	assert_string_equal(format_string(object, "text"), "x");
	assert_string_equal(format_string(object, "real"), "-");
	assert_string_equal(format_string(NULL, "absent"), "-");
	json_decref(object);
}

static void expect_param(const char *policy, const char *param, json_t *value, const char *expected)
{
	char text[64];

	policy_text_param(policy, param, value, text, sizeof(text));
	assert_string_equal(text, expected);
	json_decref(value);
}

static void test_policy_values_get_their_units_back(void **state)
{
	(void)state;
	expect_param("random-interval", "interval", json_real(0.25), "250ms");
	expect_param("random-interval", "interval", json_integer(60), "1m");
	expect_param("random-interval", "interval", json_real(1e300), "1e+300");
	expect_param("random-interval", "dist", json_string("uniform"), "uniform");
	expect_param("latency-best", "relative", json_real(0.15), "0.15");
	expect_param("a-plugin", "interval", json_real(1.5), "1.5");
	expect_param("a-plugin", "sticky", json_true(), "true");
	expect_param("a-plugin", "odd", json_null(), "-");
}

static void test_a_long_policy_summary_is_cut(void **state)
{
	json_t *policy = json_pack("{s:s, s:{s:s, s:s}}", "name", "a-plugin", "params", "one",
				   "1111111111", "two", "2222222222");
	char whole[64];

	(void)state;
	policy_text_summary(policy, whole, sizeof(whole));
	assert_string_equal(whole, "a-plugin (one 1111111111, two 2222222222)");
	for (size_t bytes = 1; bytes < strlen(whole); bytes++) {
		char text[64];

		memset(text, 'x', sizeof(text));
		policy_text_summary(policy, text, bytes);
		assert_memory_equal(text, whole, bytes - 1);
		assert_int_equal(text[bytes - 1], '\0');
		assert_int_equal(text[bytes], 'x');
	}
	json_decref(policy);
}

static void test_sanitize(void **state)
{
	char text[] = "a\033[2Jb\nc\177d\302\233e\303\274f\302\240g";

	(void)state;
	view_sanitize(text);
	assert_string_equal(text, "a?[2Jb?c?d??e\303\274f\302\240g");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_members_of_the_wrong_type_are_unknown),
		cmocka_unit_test(test_policy_values_get_their_units_back),
		cmocka_unit_test(test_a_long_policy_summary_is_cut),
		cmocka_unit_test(test_sanitize),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
