/* What the daemon shows of itself, as JSON: names, units, and null where nothing is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/policy_params.h"
#include "core/report.h"
#include "policies/registry.h"

#define S INT64_C(1000000)

struct fixture {
	struct paths paths;
	struct steer steer;
	struct migration_log migrations;
	union policy_value *values;
	struct rng rng;
	struct mono now;
	struct report report;
	struct shadows shadows;
};

static int setup(void **state)
{
	static const struct path_stats_config stats = {100, 3, 4, 50000, 1000000};
	static const struct steer_config steer = {2 * S, 120, {10 * S, 300 * S, 60 * S}, 0, 30 * S};
	const struct policy_ops *policy = registry_find("random-interval");
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	assert_non_null(f);
	f->now = (struct mono){500 * S};
	f->values = conf_policy_values_new(policy);
	assert_int_equal(rng_init_seed(&f->rng, 1), 0);
	assert_int_equal(paths_init(&f->paths, 2, &stats, f->now), 0);
	assert_int_equal(steer_init(&f->steer, &steer, 2, policy, f->values, steer_rng(&f->rng),
				    f->now, &err),
			 0);
	f->paths.path[0].name = "ams";
	f->paths.path[1].name = "fra";
	f->paths.path[0].interface = "wgnet1";
	f->paths.path[1].interface = "wgnet2";
	f->paths.path[0].link_up = f->paths.path[1].link_up = true;
	f->paths.path[0].probed[PATH_TARGET_PROXY] = true;
	f->paths.path[1].probed[PATH_TARGET_PROXY] = true;
	f->report = (struct report){
		.shadows = &f->shadows,
		.version = "1.2.3",
		.mode = "nested",
		.wireguard = "kernel",
		.started = f->now,
		.now = f->now,
		.paths = &f->paths,
		.steer = &f->steer,
		.migrations = &f->migrations,
		.leaked_packets = -1,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	steer_fini(&f->steer);
	paths_fini(&f->paths);
	free(f->values);
	free(f);
	return 0;
}

static void expect_text(const json_t *object, const char *key, const char *text)
{
	assert_non_null(json_string_value(json_object_get(object, key)));
	assert_string_equal(json_string_value(json_object_get(object, key)), text);
}

static void expect_null(const json_t *object, const char *key)
{
	assert_true(json_is_null(json_object_get(object, key)));
}

static void expect_number(const json_t *object, const char *key, double number)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_number(value));
	assert_true(json_number_value(value) >= number - 1e-9);
	assert_true(json_number_value(value) <= number + 1e-9);
}

static const json_t *path_of(const json_t *status, size_t i)
{
	return json_array_get(json_object_get(status, "paths"), i);
}

static void test_nothing_known_yet(void **state)
{
	struct fixture *f = *state;
	json_t *status = report_status(&f->report);

	assert_non_null(status);
	expect_text(status, "version", "1.2.3");
	expect_text(status, "fault", "none");
	expect_number(status, "uptime_s", 0);
	expect_null(status, "active");
	expect_null(status, "pinned");
	expect_null(status, "pinned_until_s");
	expect_null(status, "leaked_packets");
	assert_int_equal(json_array_size(json_object_get(status, "paths")), 2);
	expect_text(path_of(status, 1), "name", "fra");
	expect_text(path_of(status, 1), "interface", "wgnet2");
	expect_text(path_of(status, 1), "state", "unknown");
	expect_null(path_of(status, 1), "rtt_s");
	expect_null(path_of(status, 1), "rtt_p99_s");
	expect_null(path_of(status, 1), "handshake_age_s");
	expect_number(path_of(status, 1), "share", 0);
	json_decref(status);
}

static void test_figures_in_base_units(void **state)
{
	struct fixture *f = *state;
	const json_t *path;
	json_t *status;

	paths_on_sent(&f->paths, 0, PATH_TARGET_PROXY, 0, f->now);
	paths_on_reply(&f->paths, 0, PATH_TARGET_PROXY, 0, 40000, f->now);
	f->paths.path[0].handshake_age_us = 90 * S;
	f->paths.path[0].counters = (struct path_counters){.tx_bytes = 100, .rx_bytes = 200};
	f->paths.path[1].counters = (struct path_counters){.tx_bytes = 700};
	steer_adopt(&f->steer, 0, f->now);
	steer_pin(&f->steer, 0, mono_add_us(f->now, 30 * S));
	f->report.now = mono_add_us(f->now, 10 * S);
	f->report.leaked_packets = 7;
	status = report_status(&f->report);
	path = path_of(status, 0);
	expect_number(status, "uptime_s", 10);
	expect_text(status, "active", "ams");
	expect_text(status, "pinned", "ams");
	expect_number(status, "pinned_until_s", 20);
	expect_number(status, "leaked_packets", 7);
	expect_text(path, "state", "up");
	expect_number(path, "rtt_s", 0.04);
	expect_number(path, "jitter_s", 0.02);
	expect_number(path, "handshake_age_s", 90);
	expect_number(path, "rx_bytes", 200);
	expect_number(path, "share", 0.3);
	assert_true(json_is_true(json_object_get(path, "active")));
	assert_true(json_is_false(json_object_get(path_of(status, 1), "active")));
	json_decref(status);
}

static void test_pinned_without_an_end(void **state)
{
	struct fixture *f = *state;
	json_t *status;

	steer_pin(&f->steer, 1, MONO_NEVER);
	status = report_status(&f->report);
	expect_text(status, "pinned", "fra");
	expect_null(status, "pinned_until_s");
	json_decref(status);
}

static void test_a_held_path(void **state)
{
	struct fixture *f = *state;
	json_t *status;

	hold_down_begin(&f->steer.path[1].hold, &f->steer.config.hold_down, f->now);
	f->report.now = mono_add_us(f->now, 4 * S);
	status = report_status(&f->report);
	expect_number(path_of(status, 1), "damped_s", 6);
	expect_number(path_of(status, 0), "damped_s", 0);
	json_decref(status);
}

static void test_migrations(void **state)
{
	struct fixture *f = *state;
	struct migration m = {
		.wall_us = 1700000000 * S + 500000,
		.from = POLICY_NONE,
		.to = 1,
		.reason = "start",
		.outcome = MIGRATION_SETTLED,
		.decided = {1000},
		.swapped = {1400},
		.swap_us = 300,
		.settle_us = 25000,
	};
	json_t *status;
	const json_t *all, *last;

	migration_log_add(&f->migrations, &m);
	m.from = 1;
	m.to = 0;
	m.reason = "random";
	m.outcome = MIGRATION_ROLLED_BACK;
	m.settle_us = -1;
	strcpy(m.error, "no packet");
	migration_log_add(&f->migrations, &m);
	status = report_status(&f->report);
	all = json_object_get(status, "migrations");
	expect_number(all, "total", 2);
	expect_number(all, "rolled_back", 1);
	expect_number(json_object_get(all, "by_reason"), "random", 1);
	last = json_array_get(json_object_get(all, "last"), 0); /* the newest first */
	expect_text(last, "from", "fra");
	expect_text(last, "outcome", "rolled-back");
	expect_text(last, "error", "no packet");
	expect_null(last, "settle_s");
	last = json_array_get(json_object_get(all, "last"), 1);
	expect_null(last, "from");
	expect_number(last, "time", 1700000000.5);
	expect_number(last, "decision_to_swap_s", 0.0004);
	expect_number(last, "settle_s", 0.025);
	assert_null(json_object_get(last, "error"));
	json_decref(status);
}

static void test_policy_in_use(void **state)
{
	struct fixture *f = *state;
	json_t *policy = report_policy(&f->steer);
	const json_t *params = json_object_get(policy, "params");

	expect_text(policy, "name", "random-interval");
	expect_number(params, "interval", 30);
	expect_text(params, "dist", "shifted-exponential");
	assert_int_equal(json_object_size(params), f->steer.policy->param_count);
	json_decref(policy);
}

static void check_declaration(const struct policy_ops *ops)
{
	json_t *policy = report_policy_declaration(ops);
	const json_t *params = json_object_get(policy, "params");
	size_t i;

	expect_text(policy, "name", ops->name);
	assert_int_equal(json_array_size(params), ops->param_count);
	for (i = 0; i < ops->param_count; i++) {
		const json_t *param = json_array_get(params, i);
		bool range = ops->params[i].type < POLICY_FLAG;

		expect_text(param, "name", ops->params[i].name);
		assert_non_null(json_object_get(param, "default"));
		assert_int_equal(json_object_get(param, "min") != NULL, range);
		assert_int_equal(json_object_get(param, "choices") != NULL,
				 ops->params[i].type == POLICY_CHOICE);
		if (range)
			assert_true(json_number_value(json_object_get(param, "default")) <=
				    json_number_value(json_object_get(param, "max")));
	}
	json_decref(policy);
}

static void test_every_declaration(void **state)
{
	const struct policy_ops *const *ops;

	(void)state;
	for (ops = registry_all(); *ops; ops++)
		check_declaration(*ops);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_known_yet),
		TEST(test_figures_in_base_units),
		TEST(test_pinned_without_an_end),
		TEST(test_a_held_path),
		TEST(test_migrations),
		TEST(test_policy_in_use),
		TEST(test_every_declaration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
