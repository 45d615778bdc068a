#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exposure.h"
#include "cli/report.h"
#include "cli/trace_run.h"
#include "exposure/recorded.h"
#include "replay/timeline.h"

#define INTERVALS_MAX 1500
#define STAYS_MAX     20000 /* beyond that the page would be slow; the latest are kept */
#define WINDOW_S      60
#define GUESS_S	      0.1

bool report_is_trace(const char *file)
{
	static const char magic[16] = "SQLite format 3";
	char head[16] = "";
	FILE *in = fopen(file, "r");
	bool same = in && fread(head, sizeof(head), 1, in) == 1 && !memcmp(head, magic, 16);

	if (in)
		fclose(in);
	return same;
}

/* --- round trips and losses ------------------------------------------------------------------- */

struct interval {
	double min, max, sum;
	uint64_t answered, missed;
};

static json_t *milliseconds(double us)
{
	return json_real(round(us / 10) / 100);
}

/* [min, mean, max] of each interval, or null. */
static json_t *describe_rtt(const struct interval *intervals, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct interval *in = &intervals[i];

		json_array_append_new(
			list, in->answered ? json_pack("[o,o,o]", milliseconds(in->min),
						       milliseconds(in->sum / (double)in->answered),
						       milliseconds(in->max))
					   : json_null());
	}
	return list;
}

static json_t *describe_loss(const struct interval *intervals, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		uint64_t sent = intervals[i].answered + intervals[i].missed;

		json_array_append_new(list,
				      sent ? json_real(round(1000.0 * (double)intervals[i].missed /
							     (double)sent) /
						       10)
					   : json_null());
	}
	return list;
}

/* Not so many that most of them hold no probe. */
static size_t count_intervals(const struct timeline *timeline)
{
	size_t most = 1, i;

	for (i = 0; i < timeline->config.path_count; i++)
		most = timeline->paths[i].figure_count > most ? timeline->paths[i].figure_count
							      : most;
	return most / 2 + 1 < INTERVALS_MAX ? most / 2 + 1 : INTERVALS_MAX;
}

static void fill(const struct timeline *timeline, const struct timeline_path *path,
		 struct interval *intervals, size_t n)
{
	int64_t length_us = mono_diff_us(timeline->ended, timeline->began);
	size_t i;

	memset(intervals, 0, n * sizeof(*intervals));
	for (i = 0; i < path->figure_count; i++) {
		double part = (double)(path->figure_at_us[i] - timeline->began.us) /
			      (double)(length_us ? length_us : 1);
		struct interval *in = &intervals[part < 1 ? (size_t)(part * (double)n) : n - 1];
		double us = path->figures[i].rtt_us;

		if (us < 0) {
			in->missed++;
			continue;
		}
		in->min = in->answered && in->min < us ? in->min : us;
		in->max = in->max > us ? in->max : us;
		in->sum += us;
		in->answered++;
	}
}

static json_t *describe_paths(const struct timeline *timeline, size_t n)
{
	struct interval *intervals = calloc(n, sizeof(*intervals));
	json_t *list = json_array();

	for (size_t i = 0; intervals && i < timeline->config.path_count; i++) {
		const struct timeline_path *path = &timeline->paths[i];

		fill(timeline, path, intervals, n);
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", path->name,
						      "rtt_ms", describe_rtt(intervals, n), "loss",
						      describe_loss(intervals, n)));
	}
	free(intervals);
	return list;
}

/* --- stays and exposure ----------------------------------------------------------------------- */

/* [path, from, to, reason] */
static json_t *describe_stays(const struct recorded *recorded)
{
	const struct exposure_run *run = recorded_run(recorded);
	size_t first = run->stay_count > STAYS_MAX ? run->stay_count - STAYS_MAX : 0;
	json_t *list = json_array();

	for (size_t i = first; i < run->stay_count; i++) {
		const struct exposure_stay *stay = &run->stays[i];

		json_array_append_new(list, json_pack("[i, f, f, s]", stay->path, stay->from_s,
						      stay->to_s, stay->reason));
	}
	return list;
}

static json_t *describe_exposure(const struct recorded *recorded, const struct trace_run *run)
{
	const char **names = calloc(run->config.path_count, sizeof(char *));
	struct exposure exposure;
	json_t *json = NULL;
	struct rng rng;

	for (size_t i = 0; names && i < run->config.path_count; i++)
		names[i] = run->paths[i].name;
	if (names && !rng_init_seed(&rng, 0) &&
	    !exposure_of(recorded_run(recorded), WINDOW_S, GUESS_S, &rng, &exposure)) {
		json = exposure_describe(&exposure, names, run->config.path_count);
		exposure_fini(&exposure);
	}
	free(names);
	return json;
}

/* A run that was imported has no path in use: then there is nothing to add. */
static int add_stays(const struct cli *cli, struct trace_reader *reader, size_t run, json_t *json,
		     struct err *err)
{
	struct recorded *recorded;
	struct progress progress;
	int ret;

	trace_run_progress_init(&progress, cli, reader, run, "reading the stays");
	ret = recorded_new(reader, run, trace_run_progress, &progress, &recorded, err);
	progress_end(&progress);
	if (ret)
		return ret == -ENODATA ? 0 : ret;
	json_object_set_new(json, "stays", describe_stays(recorded));
	json_object_set_new(json, "exposure",
			    describe_exposure(recorded, trace_reader_run(reader, run)));
	recorded_free(recorded);
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static json_t *describe(const struct cli *cli, struct trace_reader *reader, const char *file,
			size_t index, struct err *err)
{
	const struct trace_run *run = trace_reader_run(reader, index);
	struct timeline *timeline;
	struct progress progress;
	json_t *json;
	size_t n;
	int ret;

	trace_run_progress_init(&progress, cli, reader, index, "reading the probes");
	ret = timeline_new(reader, index, trace_run_progress, &progress, &timeline, err);
	progress_end(&progress);
	if (ret)
		return NULL;
	n = count_intervals(timeline);
	json = json_pack("{s:s, s:I, s:s, s:s, s:f, s:f, s:I, s:i, s:o}", "file", file, "run",
			 (json_int_t)run->id, "mode", run->mode, "recorded_by", run->version,
			 "began", (double)run->wall_us / 1e6, "length_s",
			 (double)mono_diff_us(timeline->ended, timeline->began) / 1e6, "samples",
			 (json_int_t)timeline->samples, "intervals", (int)n, "paths",
			 describe_paths(timeline, n));
	timeline_free(timeline);
	if (json && add_stays(cli, reader, index, json, err)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *report_trace(const struct cli *cli, const char *file, struct err *err)
{
	struct trace_reader *reader;
	json_t *json = NULL;
	size_t run;

	if (trace_reader_open(file, &reader, err))
		return NULL;
	if (!trace_run_choose(cli, reader, &run, err))
		json = describe(cli, reader, file, run, err);
	trace_reader_free(reader);
	return json;
}
