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
#include "tests/sim/life.h"
#include "trace/reader.h"
#include "trace/thin.h"
#include "trace/writer.h"

#define LIVES 36

struct recording {
	char file[64];
	struct trace_writer *writer;
	struct thin thin;
	uint64_t seq, forget; /* a record to leave out, 0: none */
	uint64_t decisions, kept;
};

static void put(void *arg, const struct trace_record *record)
{
	struct recording *r = arg;
	struct trace_record copy = *record;
	struct err err = {""};

	copy.seq = ++r->seq;
	r->kept += record->input.kind == INPUT_DECIDE;
	if (copy.seq != r->forget && trace_writer_put(r->writer, &copy, &err))
		fail_msg("%s", err.text);
}

static void tap(void *arg, const struct input *input, const struct machine_result *result)
{
	struct recording *r = arg;

	r->decisions += input->kind == INPUT_DECIDE;
	thin_tap(&r->thin, input, result);
}

static void begin(struct recording *r, const struct world *world)
{
	struct trace_run *run = trace_run_new(&world->machine, "test", "nested", WORLD_BIRTH, 0);
	struct trace_record policy = {
		.input = {.kind = TRACE_POLICY, .path = POLICY_NONE, .at = WORLD_BIRTH},
		.policy = world->machine.steer.policy->name};
	struct err err = {""};
	char params[1024];

	assert_non_null(run);
	assert_int_equal(conf_policy_values_format(world->machine.steer.policy, world->values,
						   params, sizeof(params)),
			 0);
	policy.params = params;
	if (trace_writer_begin(r->writer, run, &err))
		fail_msg("%s", err.text);
	put(r, &policy);
	trace_run_free(run);
}

/* The inputs of the beginning come before there is a world to describe: they wait. */
struct early {
	struct recording *recording;
	struct input input[64];
	struct machine_result result[64];
	size_t count;
	bool over;
};

static void early_tap(void *arg, const struct input *input, const struct machine_result *result)
{
	struct early *early = arg;

	if (early->over) {
		tap(early->recording, input, result);
		return;
	}
	assert_true(early->count < 64);
	early->input[early->count] = *input;
	early->result[early->count++] = *result;
}

static void record_life(struct recording *r, const char *policy, uint64_t seed)
{
	struct world_config config = world_defaults(1 + seed % 6, policy);
	struct early early = {.recording = r};
	struct world *world;
	struct err err = {""};
	size_t i;

	snprintf(r->file, sizeof(r->file), "/tmp/comps-sim-trace-%d", (int)getpid());
	unlink(r->file);
	if (trace_writer_open(r->file, &r->writer, &err))
		fail_msg("%s", err.text);
	assert_int_equal(thin_init(&r->thin, config.paths, put, r), 0);
	config.probe.interval_us = 5 * SECOND;
	config.direct = seed % 5 == 0;
	config.tap = early_tap;
	config.tap_arg = &early;
	world = world_new(&config, seed);
	begin(r, world);
	early.over = true;
	for (i = 0; i < early.count; i++)
		tap(r, &early.input[i], &early.result[i]);
	life_live(world, 20 * MINUTE);
	life_heal(world);
	world_run(world, 2 * MINUTE);
	assert_int_equal(trace_writer_end(r->writer, world->now, &err), 0);
	assert_int_equal(trace_writer_commit(r->writer, &err), 0);
	world_free(world);
	trace_writer_free(r->writer);
	thin_fini(&r->thin);
}

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
	unlink(r->file);
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

		record_life(&r, policy, seed);
		verify(&r, &result);
		if (result.differs || !result.complete)
			fail_msg("seed %d, %s: %s", (int)seed, policy, result.text);
		assert_int_equal(result.verdicts, r.kept);
		assert_true(r.kept < r.decisions);
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

		record_life(&r, "latency-best", seed);
		verify(&r, &result);
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
