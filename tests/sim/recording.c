#include "tests/sim/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/policy_params.h"

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

void recording_of_life(struct recording *r, const char *policy, uint64_t seed, int64_t us)
{
	struct world_config config = world_defaults(1 + seed % 6, policy);
	struct early early = {.recording = r};
	struct world *world;
	struct err err = {""};
	size_t i;

	config.guards.share_cap_percent = seed % 3 ? 0 : 40;
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
	life_live(world, us);
	life_heal(world);
	world_run(world, 2 * MINUTE);
	assert_int_equal(trace_writer_end(r->writer, world->now, &err), 0);
	assert_int_equal(trace_writer_commit(r->writer, &err), 0);
	world_free(world);
	trace_writer_free(r->writer);
	thin_fini(&r->thin);
}

void recording_fini(struct recording *r)
{
	trace_reader_free(r->reader);
	unlink(r->file);
}
