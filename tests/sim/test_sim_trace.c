/* What a trace keeps is enough to repeat every verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/policy_params.h"
#include "policies/registry.h"
#include "replay/verify.h"
#include "tests/sim/recording.h"

#define LIVES 36

static int find_policy(void *arg, const char *name, const char *params,
		       const struct policy_ops **ops, union policy_value **values, struct err *err)
{
	(void)arg;
	*ops = registry_find(name);
	assert_non_null(*ops);
	return conf_policy_values_parse(*ops, params, values, err);
}

static void verify(const struct recording *r, struct verify_result *result)
{
	struct trace_reader *reader;
	struct err err = {""};

	if (trace_reader_open(r->file, &reader, &err))
		fail_msg("%s", err.text);
	assert_int_equal(trace_reader_run_count(reader), 1);
	if (verify_run(reader, 0, find_policy, NULL, NULL, result, &err))
		fail_msg("%s", err.text);
	trace_reader_free(reader);
}

static void test_every_verdict_can_be_repeated(void **state)
{
	const struct policy_ops *const *all = registry_all();
	struct verify_result result;
	size_t policies = 0;
	uint64_t seed;

	(void)state;
	while (all[policies])
		policies++;
	for (seed = 1; seed <= LIVES; seed++) {
		struct recording r = {0};
		const char *policy = all[seed % policies]->name;

		recording_of_life(&r, policy, seed, 20 * MINUTE);
		verify(&r, &result);
		if (result.differs || !result.complete)
			fail_msg("seed %d, %s: %s", (int)seed, policy, result.text);
		assert_int_equal(result.verdicts, r.kept);
		assert_true(r.kept < r.decisions);
		recording_fini(&r);
	}
}

/* A reply that is left out changes what is known of a path, and sooner or later a verdict. */
static void test_a_trace_with_a_hole_is_told(void **state)
{
	struct verify_result result = {0};
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= LIVES && !result.differs; seed++) {
		struct recording r = {.forget = 2000 + seed};

		recording_of_life(&r, "latency-best", seed, 20 * MINUTE);
		verify(&r, &result);
		recording_fini(&r);
	}
	assert_true(result.differs);
	assert_non_null(strstr(result.text, "recorded"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_verdict_can_be_repeated),
		cmocka_unit_test(test_a_trace_with_a_hole_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
