#include "replay/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine.h"

#define DRAWS_MAX      4096
#define PROGRESS_EVERY 65536

/* The random numbers that were recorded and not used yet. */
struct draws {
	struct input input[DRAWS_MAX];
	size_t count, used;
	bool ran_out; /* more were asked for, or of another stream */
};

struct verify {
	const struct trace_run *run;
	verify_policy_fn policy;
	void *arg;
	struct machine machine;
	bool running;
	union policy_value *values;
	struct draws draws;
	struct verify_result *result;
};

static uint64_t next_draw(void *arg, enum policy_stream stream)
{
	struct draws *draws = arg;

	if (draws->used == draws->count || draws->input[draws->used].target != stream) {
		draws->ran_out = true;
		return 0;
	}
	return (uint64_t)draws->input[draws->used++].value;
}

__attribute__((format(printf, 2, 3))) static void say(struct verify *verify, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verify->result->text, sizeof(verify->result->text), format, args);
	va_end(args);
}

/* --- life ------------------------------------------------------------------------------------- */

static int start(struct verify *verify, const struct policy_ops *ops, union policy_value *values,
		 struct err *err)
{
	const struct trace_run *run = verify->run;
	int ret = machine_init(&verify->machine, &run->config, ops, values,
			       (struct policy_rng){next_draw, &verify->draws}, run->began, err);
	size_t i;

	for (i = 0; !ret && i < run->config.path_count; i++) {
		struct path *path = &verify->machine.paths.path[i];

		path->name = run->paths[i].name;
		path->interface = run->paths[i].interface;
		path->priority = run->paths[i].priority;
		path->link_up = run->paths[i].link_up;
	}
	verify->running = !ret;
	return ret;
}

static int set_policy(struct verify *verify, const struct trace_record *record, struct err *err)
{
	const struct policy_ops *ops;
	union policy_value *values;
	int ret = verify->policy(verify->arg, record->policy, record->params, &ops, &values, err);

	if (ret)
		return ret;
	ret = verify->running ? machine_set_policy(&verify->machine, ops, values, err)
			      : start(verify, ops, values, err);
	if (ret) {
		free(values);
		return ret;
	}
	free(verify->values);
	verify->values = values;
	return 0;
}

/* --- records ---------------------------------------------------------------------------------- */

static const char *name_of(const struct verify *verify, int path)
{
	return path < 0 || (size_t)path >= verify->run->config.path_count
		       ? "keep"
		       : verify->run->paths[path].name;
}

static bool same_verdict(const struct trace_record *record, const struct machine_result *now)
{
	int to = now->verdict.action == STEER_MIGRATE ? now->verdict.to : POLICY_KEEP;

	if (record->to != to)
		return false;
	if (to != POLICY_KEEP && strcmp(record->reason, now->verdict.reason) != 0)
		return false;
	/* When to ask again may depend on figures that came after a question of no consequence. */
	return now->figures_only || record->wake.us == now->verdict.wake.us;
}

static void compare(struct verify *verify, const struct trace_record *record,
		    const struct machine_result *now)
{
	bool moves = now->verdict.action == STEER_MIGRATE;

	verify->result->verdicts++;
	if (same_verdict(record, now))
		return;
	verify->result->differs = true;
	say(verify,
	    "record %llu, %.6f s after the start: recorded %s (%s), wake %lld; replayed %s (%s), "
	    "wake %lld",
	    (unsigned long long)record->seq,
	    (double)mono_diff_us(record->input.at, verify->run->began) / 1e6,
	    name_of(verify, record->to), record->reason ? record->reason : "-",
	    (long long)record->wake.us, name_of(verify, moves ? now->verdict.to : POLICY_KEEP),
	    moves ? now->verdict.reason : "-", (long long)now->verdict.wake.us);
}

/* Returns whether there is more to compare. */
static bool feed(struct verify *verify, const struct trace_record *record)
{
	struct draws *draws = &verify->draws;
	struct machine_result result;

	if (record->input.kind == INPUT_DRAW) {
		if (draws->count == DRAWS_MAX) {
			say(verify, "more random numbers in a row than a decision draws");
			return false;
		}
		draws->input[draws->count++] = record->input;
		return true;
	}
	machine_feed(&verify->machine, record->input, &result);
	if (draws->ran_out) {
		say(verify, "the random numbers from %.6f s on are not in the trace",
		    (double)mono_diff_us(record->input.at, verify->run->began) / 1e6);
		return false;
	}
	if (record->input.kind == INPUT_DECIDE)
		compare(verify, record, &result);
	if (draws->used == draws->count)
		draws->used = draws->count = 0;
	return !verify->result->differs;
}

static bool take(struct verify *verify, const struct trace_record *record, struct err *err,
		 int *ret)
{
	switch (record->input.kind) {
	case TRACE_POLICY:
		*ret = set_policy(verify, record, err);
		return !*ret;
	case TRACE_GAP:
		say(verify, "%lld records were lost %.6f s after the start",
		    (long long)record->input.value,
		    (double)mono_diff_us(record->input.at, verify->run->began) / 1e6);
		return false;
	case TRACE_STATE:
	case TRACE_TICK:
		return true;
	}
	if (!verify->running) {
		say(verify, "the run has no policy");
		return false;
	}
	return feed(verify, record);
}

int verify_run(struct trace_reader *reader, size_t run, verify_policy_fn policy,
	       verify_progress_fn progress, void *arg, struct verify_result *out, struct err *err)
{
	struct verify *verify = calloc(1, sizeof(*verify));
	struct trace_record record;
	bool more = true;
	int ret;

	if (!verify)
		return err_set(err, -ENOMEM, "out of memory");
	memset(out, 0, sizeof(*out));
	verify->run = trace_reader_run(reader, run);
	verify->policy = policy;
	verify->arg = arg;
	verify->result = out;
	ret = trace_reader_begin(reader, run, err);
	if (verify->run->pruned) {
		say(verify, "its beginning was deleted");
		more = false;
	}
	while (!ret && more) {
		ret = trace_reader_next(reader, &record, err);
		if (ret <= 0)
			break;
		ret = 0;
		if (++out->records % PROGRESS_EVERY == 0 && progress)
			progress(arg, out->records);
		more = take(verify, &record, err, &ret);
	}
	out->complete = !ret && more;
	if (verify->running)
		machine_fini(&verify->machine);
	free(verify->values);
	free(verify);
	return ret;
}
