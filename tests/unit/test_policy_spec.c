/* Policies on the command line, and ranges of their parameters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/policy_spec.h"
#include "policies/registry.h"

static void expect(const char *text, const char *const *params)
{
	struct policy_specs specs = {NULL, 0};
	struct err err = {""};
	size_t i;

	if (policy_specs_add(&specs, registry_all(), text, &err))
		fail_msg("%s: %s", text, err.text);
	for (i = 0; params[i]; i++) {
		assert_true(i < specs.count);
		assert_string_equal(specs.items[i].params, params[i]);
	}
	assert_int_equal(specs.count, i);
	policy_specs_fini(&specs);
}

static void refuse(const char *text, const char *words)
{
	struct policy_specs specs = {NULL, 0};
	struct err err = {""};

	assert_int_equal(policy_specs_add(&specs, registry_all(), text, &err), -EINVAL);
	if (!strstr(err.text, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, words);
	policy_specs_fini(&specs);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_a_name_and_its_parameters(void **state)
{
	struct policy_specs specs = {NULL, 0};
	struct err err;

	(void)state;
	expect("hold", LIST(""));
	expect("round-robin,interval=10s,dist=uniform", LIST("interval=10s,dist=uniform"));
	assert_int_equal(policy_specs_add(&specs, registry_all(), "round-robin,interval=10s", &err),
			 0);
	assert_string_equal(specs.items[0].ops->name, "round-robin");
	assert_int_equal(specs.items[0].values[0].duration_us, 10000000);
	policy_specs_fini(&specs);
}

static void test_ranges(void **state)
{
	(void)state;
	expect("round-robin,interval=1s..8s*2",
	       LIST("interval=1s", "interval=2s", "interval=4s", "interval=8s"));
	expect("round-robin,interval=1s..9s*2",
	       LIST("interval=1s", "interval=2s", "interval=4s", "interval=8s"));
	expect("round-robin,interval=2s..3s+500ms",
	       LIST("interval=2s", "interval=2500ms", "interval=3s"));
	expect("latency-best,relative=0..0.3+0.1",
	       LIST("relative=0", "relative=0.1", "relative=0.2", "relative=0.3"));
	expect("round-robin,interval=5s..5s*2", LIST("interval=5s"));
	expect("latency-best,evaluations=1..2+1,hold=1s..2s*2",
	       LIST("evaluations=1,hold=1s", "evaluations=1,hold=2s", "evaluations=2,hold=1s",
		    "evaluations=2,hold=2s"));
}

static void test_mistakes_are_named(void **state)
{
	(void)state;
	refuse("round-robbin", "did you mean \"round-robin\"");
	refuse("", "no policy");
	refuse("round-robin,intervall=1s", "did you mean \"interval\"");
	refuse("round-robin,interval", "\"interval\" is not KEY=VALUE");
	refuse("round-robin,interval=5", "interval: ");
	refuse("round-robin,interval=1s..2", "is no range");
	refuse("round-robin,interval=1s..2s", "is no range");
	refuse("round-robin,interval=1s..2s*1", "never ends");
	refuse("round-robin,interval=1s..2s+0s", "never ends");
	refuse("round-robin,interval=2s..1s*2", "never ends");
	refuse("round-robin,interval=0s..2s*2", "never ends");
	refuse("round-robin,interval=1s..2s*2s", "never ends");
	refuse("round-robin,interval=1us..20d+1ms", "more than 10000 policies");
	refuse("random-interval,interval=2s,min=3s", "min (3s) must be shorter");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_and_its_parameters),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
