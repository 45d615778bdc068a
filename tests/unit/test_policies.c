/* What every built-in policy must keep, and what the manual says of it. */
#include <stdio.h>

#include "tests/unit/policy_world.h"

static uint64_t seed;

/* --- what every policy must keep --- */

typedef void (*check_fn)(const struct policy_ops *ops);

static void for_each_policy(check_fn check)
{
	for (const struct policy_ops *const *ops = registry_all(); *ops != NULL; ops++)
		check(*ops);
}

static void check_param(const struct policy_param *param)
{
	double value = param->type == POLICY_DURATION ? (double)param->preset.duration_us
		       : param->type == POLICY_COUNT  ? (double)param->preset.count
						      : param->preset.number;

	assert_true(strlen(param->name) > 0);
	assert_true(strlen(param->help) > 0);
	assert_int_equal(param->choices != NULL, param->type == POLICY_CHOICE);
	if (param->type == POLICY_CHOICE || param->type == POLICY_FLAG ||
	    param->type == POLICY_TEXT)
		return;
	assert_true(value >= param->min && value <= param->max);
}

static void check_declaration(const struct policy_ops *ops)
{
	struct world w;

	assert_int_equal(ops->abi_major, POLICY_ABI_MAJOR);
	assert_true(strlen(ops->help) > 0);
	assert_ptr_equal(registry_find(ops->name), ops);
	for (size_t i = 0; i < ops->param_count; i++) {
		check_param(&ops->params[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ops->params[i].name, ops->params[j].name);
	}
	world_init(&w, ops->name, 3, seed);
	world_load(&w);
	world_fini(&w);
}

static void test_declarations(void **state)
{
	(void)state;
	assert_null(registry_find("no-such-policy"));
	for_each_policy(check_declaration);
}

/* Something a path may do between two questions. */
static void disturb(struct world *w)
{
	struct policy_path *path = &w->paths[rng_below(&w->rng, NOISE, PATHS_MAX)];

	path->eligible = rng_below(&w->rng, NOISE, 3) != 0;
	path->srtt_us = (int64_t)rng_below(&w->rng, NOISE, 200000) - 1;
	path->up_for_us = (int64_t)rng_below(&w->rng, NOISE, 200000000);
	path->priority = rng_below(&w->rng, NOISE, 3);
	w->in.now_us += rng_below(&w->rng, NOISE, 40000000);
}

/* A random life of a policy; answers are checked by ask(). Returns a digest of all of them. */
static uint64_t random_life(const struct policy_ops *ops, uint64_t from_seed)
{
	uint64_t digest = 0;
	struct world w;

	world_init(&w, ops->name, PATHS_MAX, from_seed);
	world_load(&w);
	ask(&w, POLICY_START);
	for (int i = 0; i < 3000; i++) {
		static const enum policy_event events[] = {POLICY_TIMER, POLICY_PATHS,
							   POLICY_FAILOVER, POLICY_START};
		uint32_t event = rng_below(&w.rng, NOISE, 40);
		int path;

		disturb(&w);
		path = ask(&w, events[event < 38 ? event % 2 : event - 36]);
		digest = digest * 31 + (uint64_t)path;
		digest = digest * 31 + (uint64_t)w.out.wake_us;
		if (path != POLICY_KEEP && rng_below(&w.rng, NOISE, 2))
			migrated(&w, path, w.in.now_us);
	}
	world_fini(&w);
	return digest;
}

static void check_random_life(const struct policy_ops *ops)
{
	for (uint64_t i = 0; i < 10; i++) {
		uint64_t digest = random_life(ops, seed + i);

		assert_true(digest == random_life(ops, seed + i));
		assert_true(digest != random_life(ops, seed + i + 1));
	}
}

static void test_answers_are_valid_and_repeat_with_the_seed(void **state)
{
	(void)state;
	for_each_policy(check_random_life);
}

static void check_first_path(const struct policy_ops *ops)
{
	struct world w;

	world_init(&w, ops->name, 3, seed);
	world_load(&w);
	for (size_t i = 0; i < 3; i++)
		w.paths[i].eligible = false;
	assert_int_equal(ask(&w, POLICY_START), POLICY_KEEP);
	assert_int_equal(ask(&w, POLICY_PATHS), POLICY_KEEP);
	w.paths[2].eligible = true;
	assert_int_equal(ask(&w, POLICY_PATHS), 2);
	assert_int_equal(ask(&w, POLICY_START), 2);
	world_fini(&w);
}

static void test_the_first_path_is_taken_when_there_is_one(void **state)
{
	(void)state;
	for_each_policy(check_first_path);
}

static void check_failover_event(const struct policy_ops *ops)
{
	struct world w;

	world_init(&w, ops->name, 3, seed);
	started_on(&w, 0);
	w.paths[0].eligible = false;
	w.paths[1].eligible = false;
	assert_int_equal(ask(&w, POLICY_FAILOVER), 2);
	w.paths[2].eligible = false;
	assert_int_equal(ask(&w, POLICY_FAILOVER), POLICY_KEEP);
	world_fini(&w);
}

static void test_a_failed_path_is_left_at_once(void **state)
{
	(void)state;
	for_each_policy(check_failover_event);
}

static void check_only_path(const struct policy_ops *ops)
{
	int64_t from_us;
	int wakes = 0;
	struct world w;

	world_init(&w, ops->name, 1, seed);
	started_on(&w, 0);
	from_us = w.in.now_us;
	while (w.out.wake_us != POLICY_NEVER && w.in.now_us < from_us + 3600 * S) {
		assert_true(w.out.wake_us > w.in.now_us);
		assert_int_equal(step(&w), POLICY_KEEP);
		wakes++;
	}
	assert_true(wakes <= 3601);
	world_fini(&w);
}

static void test_an_only_path_is_kept_without_a_busy_loop(void **state)
{
	(void)state;
	for_each_policy(check_only_path);
}

/* --- hold --- */

static void test_hold_stays(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "hold", 3, seed);
	world_load(&w);
	w.paths[1].priority = 0;
	w.paths[0].priority = 1;
	assert_int_equal(ask(&w, POLICY_START), 1);
	migrated(&w, 2, w.in.now_us);
	assert_int_equal(ask_at(&w, POLICY_PATHS, 100000 * S), POLICY_KEEP);
	assert_true(w.out.wake_us == POLICY_NEVER);
	world_fini(&w);
}

/* --- the manual --- */

static char *read_manual(void)
{
	FILE *file = fopen("etc/man/comps-policy.7", "r");
	char *text = calloc(1, 100000);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 99999, file) > 0);
	fclose(file);
	return text;
}

static void expect_param(const char *section, const struct policy_param *param)
{
	char preset[40], wanted[100];
	const char *found, *end = strstr(section + 1, "\n.S");

	assert_int_equal(conf_policy_value_format(param, param->preset, preset, sizeof(preset)), 0);
	if (param->type == POLICY_TEXT && !preset[0])
		snprintf(preset, sizeof(preset), "\\(dq\\(dq");
	snprintf(wanted, sizeof(wanted), "\n.It Cm %s No = %s\n", param->name, preset);
	found = strstr(section, wanted);
	if (!found || found > end)
		fail_msg("in%.20s.. there is no%s", section, wanted);
}

static void test_the_manual_names_every_policy_parameter_and_default(void **state)
{
	char *text = read_manual();

	(void)state;
	for (const struct policy_ops *const *ops = registry_all(); *ops != NULL; ops++) {
		char heading[100];
		const char *section;

		snprintf(heading, sizeof(heading), "\n.Ss %s\n", (*ops)->name);
		section = strstr(text, heading);
		if (!section)
			fail_msg("there is no section \"%s\"", (*ops)->name);
		for (size_t i = 0; i < (*ops)->param_count; i++)
			expect_param(section, &(*ops)->params[i]);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declarations),
		cmocka_unit_test(test_answers_are_valid_and_repeat_with_the_seed),
		cmocka_unit_test(test_the_first_path_is_taken_when_there_is_one),
		cmocka_unit_test(test_a_failed_path_is_left_at_once),
		cmocka_unit_test(test_an_only_path_is_kept_without_a_busy_loop),
		cmocka_unit_test(test_hold_stays),
		cmocka_unit_test(test_the_manual_names_every_policy_parameter_and_default),
	};

	seed = test_seed();
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
