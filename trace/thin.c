#include "trace/thin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_EVERY_US INT64_C(1000000)

int thin_init(struct thin *thin, size_t path_count, thin_fn fn, void *arg)
{
	size_t i;

	*thin = (struct thin){.fn = fn, .arg = arg, .path_count = path_count};
	thin->counters = calloc(path_count, sizeof(*thin->counters));
	for (i = 0; thin->counters && i < path_count; i++)
		thin->counters[i].kept = MONO_LONG_AGO;
	return thin->counters ? 0 : -ENOMEM;
}

void thin_fini(struct thin *thin)
{
	free(thin->counters);
	memset(thin, 0, sizeof(*thin));
}

static void pass_decision(struct thin *thin)
{
	if (thin->decision_held)
		thin->fn(thin->arg, &thin->decision);
	thin->decision_held = false;
}

static void pass_counters(struct thin *thin)
{
	size_t i;

	for (i = 0; i < thin->path_count; i++) {
		struct thin_counters *counters = &thin->counters[i];

		if (!counters->held)
			continue;
		thin->fn(thin->arg, &counters->record);
		counters->held = false;
		counters->kept = counters->record.input.at;
	}
}

static void put_counters(struct thin *thin, const struct trace_record *record)
{
	struct thin_counters *counters = &thin->counters[record->input.path];

	counters->record = *record;
	counters->held = true;
	if (mono_diff_us(record->input.at, counters->kept) < COUNTERS_EVERY_US)
		return;
	thin->fn(thin->arg, record);
	counters->held = false;
	counters->kept = record->input.at;
}

void thin_flush(struct thin *thin)
{
	pass_decision(thin);
	pass_counters(thin);
}

void thin_tap(void *arg, const struct input *input, const struct machine_result *result)
{
	struct thin *thin = arg;
	struct trace_record record = {.input = *input, .to = POLICY_KEEP, .wake = MONO_NEVER};

	if (input->kind == INPUT_COUNTERS) {
		put_counters(thin, &record);
		return;
	}
	if (input->kind == INPUT_DECIDE) {
		if (result->verdict.action == STEER_MIGRATE)
			record.to = result->verdict.to;
		record.reason = result->verdict.reason;
		record.wake = result->verdict.wake;
	}
	if (result->figures_only && input->kind == INPUT_DECIDE) {
		thin->decision = record;
		thin->decision_held = true;
		return;
	}
	/* A number is drawn in the middle of a decision, or of an outcome. */
	if (!result->figures_only)
		thin_flush(thin);
	thin->fn(thin->arg, &record);
}
