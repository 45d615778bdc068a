/* A shadow that is asked only where it can matter does what one does that is asked every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/registry.h"
#include "replay/shadow.h"
#include "tests/sim/recording.h"

#define LIVES 24

static void expect_same(const struct shadow_result *a, const struct shadow_result *b)
{
	size_t i;

	assert_int_equal(a->dwell_count, b->dwell_count);
	for (i = 0; i < a->dwell_count; i++) {
		assert_int_equal(a->dwells[i].path, b->dwells[i].path);
		assert_int_equal(a->dwells[i].from_us, b->dwells[i].from_us);
		assert_int_equal(a->dwells[i].to_us, b->dwells[i].to_us);
		assert_string_equal(a->dwells[i].reason, b->dwells[i].reason);
	}
	assert_int_equal(a->outage_us, b->outage_us);
	assert_int_equal(a->answered, b->answered);
	assert_int_equal(a->missed, b->missed);
	assert_memory_equal(a->histogram, b->histogram, SHADOW_BUCKETS * sizeof(*a->histogram));
}

static void compare(const struct timeline *timeline, const struct policy_ops *policy, uint64_t seed)
{
	struct shadow_result fast, whole;
	union policy_value values[16];
	struct err err = {""};
	size_t i;

	for (i = 0; i < policy->param_count; i++)
		values[i] = policy->params[i].preset;
	if (shadow_run(timeline, policy, values, seed, false, &fast, &err) ||
	    shadow_run(timeline, policy, values, seed, true, &whole, &err))
		fail_msg("%s: %s", policy->name, err.text);
	expect_same(&fast, &whole);
	assert_true(fast.asked <= whole.asked);
	assert_int_equal(fast.policy_errors, 0);
	shadow_result_fini(&fast);
	shadow_result_fini(&whole);
}

/* A late answer takes back the miss of its probe, once. */
static size_t late_answers(const struct timeline *timeline)
{
	size_t late = 0;

	for (size_t i = 0; i < timeline->config.path_count; i++) {
		const struct timeline_path *path = &timeline->paths[i];
		int64_t missed = 0;

		for (size_t k = 0; k < path->figure_count; k++) {
			missed += path->figures[k].missed;
			assert_true(missed >= 0);
			if (path->figures[k].missed >= 0)
				continue;
			assert_true(path->figures[k].rtt_us >= 0);
			late++;
		}
	}
	return late;
}

static struct timeline *timeline_of(struct recording *r)
{
	struct timeline *timeline;
	struct trace_reader *reader;
	struct err err = {""};

	if (trace_reader_open(r->file, &reader, &err) ||
	    timeline_new(reader, 0, NULL, NULL, &timeline, &err))
		fail_msg("%s", err.text);
	r->reader = reader;
	return timeline;
}

static void test_fast_is_the_same_as_whole(void **state)
{
	const struct policy_ops *const *policy;
	struct timeline *timeline;
	uint64_t seed;
	size_t late = 0;

	(void)state;
	for (seed = 1; seed <= LIVES; seed++) {
		struct recording r = {0};

		recording_of_life(&r, "random-interval", seed, 20 * MINUTE);
		timeline = timeline_of(&r);
		for (policy = registry_all(); *policy; policy++)
			compare(timeline, *policy, seed);
		late += late_answers(timeline);
		timeline_free(timeline);
		recording_fini(&r);
	}
	assert_true(late > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_is_the_same_as_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
