/* conf/policy_params, and conf/nearest which words its messages. */
#include "conf/nearest.h"
#include "conf/policy_params.h"
#include "policies/registry.h"
#include "tests/unit/conf_fixture.h"

static void expect_set(union policy_value *values, const char *key, const char *text)
{
	struct err e;

	assert_int_equal(conf_policy_param_set(&fake_random_interval, values, key, text, &e), 0);
}

static void test_values(void **state)
{
	union policy_value *v = conf_policy_values_new(&fake_random_interval);

	(void)state;
	assert_int_equal(v[0].duration_us, 30000000);
	assert_int_equal(v[1].choice, 2);
	expect_set(v, "interval", "250ms");
	expect_set(v, "dist", "uniform");
	expect_set(v, "factor", "7.5e-1");
	expect_set(v, "rounds", "10");
	expect_set(v, "eager", "true");
	assert_int_equal(v[0].duration_us, 250000);
	assert_int_equal(v[1].choice, 1);
	assert_true(v[2].number == 0.75);
	assert_int_equal(v[3].count, 10);
	assert_true(v[4].flag);
	free(v);
}

static void expect_refused(const char *key, const char *text, int code, const char *part)
{
	union policy_value *v = conf_policy_values_new(&fake_random_interval);
	union policy_value *before = conf_policy_values_new(&fake_random_interval);
	struct err e;

	assert_int_equal(conf_policy_param_set(&fake_random_interval, v, key, text, &e), code);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, e.text);
	assert_memory_equal(v, before, fake_random_interval.param_count * sizeof(*v));
	free(v);
	free(before);
}

static void test_refusals(void **state)
{
	(void)state;
	expect_refused("intervall", "1s", -ENOENT, "did you mean \"interval\"?");
	expect_refused("", "1s", -ENOENT, "known: interval, dist");
	expect_refused("interval", "5", -EINVAL, "write 5s or 5ms (range 1ms..1h)");
	expect_refused("interval", "2h", -EINVAL, "out of range (range 1ms..1h)");
	expect_refused("dist", "unifrom", -EINVAL, "did you mean \"uniform\"?");
	expect_refused("factor", "", -EINVAL, "not a number");
	expect_refused("factor", "nan", -EINVAL, "not a number");
	expect_refused("factor", "0x1", -EINVAL, "not a number");
	expect_refused("factor", "-0.1", -EINVAL, "out of range (range 0..1)");
	expect_refused("factor", "1e999", -EINVAL, "out of range");
	expect_refused("rounds", "2.5", -EINVAL, "not a whole number (range 1..10)");
	expect_refused("rounds", "0", -EINVAL, "out of range");
	expect_refused("rounds", "99999999999999999999", -EINVAL, "out of range");
	expect_refused("eager", "1", -EINVAL, "neither true nor false");
}

static void test_together(void **state)
{
	union policy_value *v = conf_policy_values_new(&fake_random_interval);
	struct err e;

	(void)state;
	assert_int_equal(conf_policy_values_check(&fake_random_interval, v, 3, &e), 0);
	expect_set(v, "eager", "true");
	expect_set(v, "rounds", "1");
	assert_int_equal(conf_policy_values_check(&fake_random_interval, v, 3, &e), -EINVAL);
	assert_string_equal(e.text, "eager needs at least 2 rounds");
	free(v);
}

static void test_find(void **state)
{
	struct err e;

	(void)state;
	assert_ptr_equal(conf_policy_find(fake_policies, "hold", &e), &fake_hold);
	assert_null(conf_policy_find(fake_policies, "hodl", &e));
	assert_string_equal(e.text, "there is no policy \"hodl\"; did you mean \"hold\"? known: "
				    "hold, random-interval");
}

/* Every default of the built-in policies is accepted as it would be written down. */
static void test_built_in(void **state)
{
	const struct policy_ops *const *all = registry_all();
	char text[64];
	struct err e;

	(void)state;
	for (; *all; all++) {
		union policy_value *v = conf_policy_values_new(*all);

		for (size_t i = 0; i < (*all)->param_count; i++) {
			const struct policy_param *p = &(*all)->params[i];

			assert_int_equal(conf_policy_value_format(p, v[i], text, sizeof(text)), 0);
			if (conf_policy_param_set(*all, v, p->name, text, &e) < 0)
				fail_msg("%s %s=%s: %s", (*all)->name, p->name, text, e.text);
			if (p->type == POLICY_TEXT)
				assert_string_equal(v[i].text, p->preset.text);
			else
				assert_memory_equal(&v[i], &p->preset, sizeof(v[i]));
		}
		assert_int_equal(conf_policy_values_check(*all, v, 3, &e), 0);
		free(v);
	}
}

static void test_format_cut(void **state)
{
	union policy_value value = {.choice = 2};
	char text[8];

	(void)state;
	assert_int_equal(conf_policy_value_format(&fake_params[1], value, text, sizeof(text)),
			 -ENOSPC);
}

static void test_distance(void **state)
{
	char longest[70] = {0};

	(void)state;
	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("name", "name"), 0);
	assert_int_equal(nearest_distance("nmae", "name"), 1);
	assert_int_equal(nearest_distance("nam", "name"), 1);
	assert_int_equal(nearest_distance("naame", "name"), 1);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	memset(longest, 'a', 69);
	assert_true(nearest_distance(longest, "a") > NEAREST_MAX);
	assert_true(nearest_distance("a", longest) > NEAREST_MAX);
	longest[63] = '\0';
	assert_int_equal(nearest_distance(longest, longest), 0);
}

static void test_hint(void **state)
{
	static const char *const known[] = {"mode", "inner", "log"};
	char hint[64], small[16];

	(void)state;
	nearest_hint("MODE", known, 3, hint, sizeof(hint));
	assert_string_equal(hint, "did you mean \"mode\"? known: mode, inner, log");
	nearest_hint("xyz", known, 3, hint, sizeof(hint));
	assert_string_equal(hint, "known: mode, inner, log");
	nearest_hint("xyz", known, 3, small, sizeof(small));
	assert_string_equal(small, "known: mode, in");
	nearest_hint("xyz", known, 0, hint, sizeof(hint));
	assert_string_equal(hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	 cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_together), cmocka_unit_test(test_find),
		cmocka_unit_test(test_built_in), cmocka_unit_test(test_format_cut),
		cmocka_unit_test(test_distance), cmocka_unit_test(test_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
