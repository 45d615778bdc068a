#include "exposure/recorded.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 65536
#define SAMPLES_MAX    16384 /* round trips of a path; beyond that every second, fourth, ... */

struct samples {
	double *s;
	size_t count, stride, skipped;
};

struct counted {
	bool primed;
	struct mono at;
	struct path_counters last;
	double total; /* bytes so far, both ways */
};

struct recorded {
	struct exposure_run run;
	struct mono began, now;
	struct exposure_stay *stays;
	size_t stay_room;
	double *bytes; /* seconds x paths */
	size_t second_room;
	double *up, *down;
	struct samples *samples; /* paths x targets */
	double **rtt_s;
	size_t *rtt_count;
	struct counted *counted;
	double carried_before; /* by the present stay's path, when the stay began */
};

static double seconds_at(const struct recorded *r, struct mono at)
{
	return (double)mono_diff_us(at, r->began) / 1e6;
}

/* --- stays ------------------------------------------------------------------------------------ */

static void end_stay(struct recorded *r, struct mono at, bool censored)
{
	struct exposure_stay *stay;

	if (!r->run.stay_count)
		return;
	stay = &r->stays[r->run.stay_count - 1];
	stay->to_s = fmax(seconds_at(r, at), stay->from_s);
	stay->bytes = r->counted[stay->path].total - r->carried_before;
	stay->censored = censored;
}

static int begin_stay(struct recorded *r, int path, const char *reason, struct mono at,
		      double settle_s)
{
	size_t room = r->stay_room ? 2 * r->stay_room : 256;
	struct exposure_stay *larger;

	if (r->run.stay_count == r->stay_room) {
		larger = reallocarray(r->stays, room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		r->stays = larger;
		r->stay_room = room;
	}
	r->carried_before = r->counted[path].total;
	r->stays[r->run.stay_count++] = (struct exposure_stay){.path = path,
							       .from_s = seconds_at(r, at),
							       .to_s = seconds_at(r, at),
							       .settle_s = settle_s,
							       .reason = reason};
	return 0;
}

/* Not by the policy's own will. */
static bool is_outside_cause(const char *reason)
{
	static const char *const causes[] = {"start", "failover", "drain", "manual", "pin"};
	size_t i;

	for (i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (strcmp(reason, causes[i]) == 0)
			return true;
	}
	return false;
}

static int on_outcome(struct recorded *r, const struct input *in)
{
	const struct input_outcome *outcome = &in->outcome;
	struct mono moved = {outcome->moved_us};

	if (outcome->outcome == MIGRATION_REFUSED || outcome->outcome == MIGRATION_ROLLED_BACK)
		return 0;
	end_stay(r, moved, is_outside_cause(outcome->reason));
	return begin_stay(r, in->path, outcome->reason, moved,
			  outcome->settle_us < 0 ? NAN : (double)outcome->settle_us / 1e6);
}

/* --- traffic ---------------------------------------------------------------------------------- */

static int make_seconds(struct recorded *r, size_t seconds)
{
	size_t paths = r->run.paths, room = 2 * seconds + 64;
	double *larger;

	if (seconds > r->second_room) {
		larger = reallocarray(r->bytes, room * paths, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		memset(larger + r->second_room * paths, 0,
		       (room - r->second_room) * paths * sizeof(*larger));
		r->bytes = larger;
		r->second_room = room;
	}
	if (seconds > r->run.seconds)
		r->run.seconds = seconds;
	return 0;
}

/* In proportion to the seconds that it falls into. */
static int spread(struct recorded *r, size_t path, double from_s, double to_s, double bytes)
{
	double at_s = from_s, until_s;

	if (make_seconds(r, (size_t)to_s + 1))
		return -ENOMEM;
	if (!(to_s > from_s)) {
		r->bytes[(size_t)to_s * r->run.paths + path] += bytes;
		return 0;
	}
	while (at_s < to_s) {
		until_s = fmin(floor(at_s) + 1, to_s);
		r->bytes[(size_t)at_s * r->run.paths + path] +=
			bytes * (until_s - at_s) / (to_s - from_s);
		at_s = until_s;
	}
	return 0;
}

/* An interface that was made again counts from 0. */
static double gain(uint64_t was, uint64_t is)
{
	return is < was ? (double)is : (double)(is - was);
}

static int on_counters(struct recorded *r, const struct input *in)
{
	struct counted *counted = &r->counted[in->path];
	double up = 0, down = 0;
	int ret = 0;

	if (counted->primed) {
		up = gain(counted->last.tx_bytes, in->counters.tx_bytes);
		down = gain(counted->last.rx_bytes, in->counters.rx_bytes);
		ret = spread(r, (size_t)in->path, seconds_at(r, counted->at), seconds_at(r, in->at),
			     up + down);
	}
	r->up[in->path] += up;
	r->down[in->path] += down;
	counted->total += up + down;
	counted->primed = true;
	counted->at = in->at;
	counted->last = in->counters;
	return ret;
}

/* --- round trips ------------------------------------------------------------------------------ */

static void on_reply(struct recorded *r, const struct input *in)
{
	struct samples *samples = &r->samples[(size_t)in->path * PATH_TARGETS + in->target];
	size_t i;

	if (samples->skipped++ % samples->stride)
		return;
	if (samples->count == SAMPLES_MAX) {
		for (i = 0; i < SAMPLES_MAX / 2; i++)
			samples->s[i] = samples->s[2 * i];
		samples->count = SAMPLES_MAX / 2;
		samples->stride *= 2;
	}
	samples->s[samples->count++] = (double)in->value / 1e6;
}

/* The exit's where it was probed, else the proxy's. */
static void choose_samples(struct recorded *r)
{
	size_t i;

	for (i = 0; i < r->run.paths; i++) {
		const struct samples *proxy = &r->samples[i * PATH_TARGETS + PATH_TARGET_PROXY];
		const struct samples *exit = &r->samples[i * PATH_TARGETS + PATH_TARGET_EXIT];
		const struct samples *chosen = exit->count ? exit : proxy;

		r->rtt_s[i] = chosen->s;
		r->rtt_count[i] = chosen->count;
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

static int take(struct recorded *r, const struct input *in)
{
	switch (in->kind) {
	case INPUT_OUTCOME:
		return on_outcome(r, in);
	case INPUT_ADOPT:
		return begin_stay(r, in->path, "adopted", in->at, NAN);
	case INPUT_COUNTERS:
		return on_counters(r, in);
	case INPUT_REPLY:
		on_reply(r, in);
		return 0;
	}
	return 0;
}

static int allocate(struct recorded *r, const struct trace_run *run)
{
	size_t n = run->config.path_count, i;

	r->run.paths = n;
	r->began = r->now = run->began;
	r->up = calloc(n, sizeof(*r->up));
	r->down = calloc(n, sizeof(*r->down));
	r->counted = calloc(n, sizeof(*r->counted));
	r->rtt_s = calloc(n, sizeof(double *));
	r->rtt_count = calloc(n, sizeof(*r->rtt_count));
	r->samples = calloc(n * PATH_TARGETS, sizeof(*r->samples));
	if (!r->up || !r->down || !r->counted || !r->rtt_s || !r->rtt_count || !r->samples)
		return -ENOMEM;
	for (i = 0; i < n * PATH_TARGETS; i++) {
		r->samples[i].stride = 1;
		r->samples[i].s = calloc(SAMPLES_MAX, sizeof(double));
		if (!r->samples[i].s)
			return -ENOMEM;
	}
	return 0;
}

static int read_all(struct recorded *r, struct trace_reader *reader, size_t run,
		    recorded_progress_fn progress, void *arg, struct err *err)
{
	struct trace_record record;
	uint64_t records = 0;
	int ret = trace_reader_begin(reader, run, err);

	while (!ret && (ret = trace_reader_next(reader, &record, err)) > 0) {
		r->now = record.input.at;
		ret = take(r, &record.input);
		if (ret)
			return err_set(err, ret, "out of memory");
		if (++records % PROGRESS_EVERY == 0 && progress)
			progress(arg, records);
	}
	return ret;
}

static void finish(struct recorded *r)
{
	end_stay(r, r->now, true);
	choose_samples(r);
	r->run.length_s = seconds_at(r, r->now);
	r->run.stays = r->stays;
	r->run.bytes = r->bytes;
	r->run.up = r->up;
	r->run.down = r->down;
	r->run.rtt_s = (const double *const *)r->rtt_s;
	r->run.rtt_count = r->rtt_count;
}

int recorded_new(struct trace_reader *reader, size_t run, recorded_progress_fn progress, void *arg,
		 struct recorded **out, struct err *err)
{
	struct recorded *r = calloc(1, sizeof(*r));
	int ret = r ? allocate(r, trace_reader_run(reader, run)) : -ENOMEM;

	if (ret)
		err_set(err, ret, "out of memory");
	else
		ret = read_all(r, reader, run, progress, arg, err);
	if (!ret && !r->run.stay_count)
		ret = err_set(err, -ENODATA, "in run %lld no path was ever in use",
			      (long long)trace_reader_run(reader, run)->id);
	if (ret) {
		recorded_free(r);
		return ret;
	}
	finish(r);
	*out = r;
	return 0;
}

const struct exposure_run *recorded_run(const struct recorded *recorded)
{
	return &recorded->run;
}

void recorded_free(struct recorded *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; r->samples && i < r->run.paths * PATH_TARGETS; i++)
		free(r->samples[i].s);
	free(r->samples);
	free(r->stays);
	free(r->bytes);
	free(r->up);
	free(r->down);
	free(r->counted);
	free(r->rtt_s);
	free(r->rtt_count);
	free(r);
}
