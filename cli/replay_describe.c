#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exposure.h"
#include "cli/replay.h"
#include "exposure/replayed.h"

static json_t *seconds(double us)
{
	return us < 0 ? json_null() : json_real(us / 1e6);
}

static json_t *reasons(const struct shadow_result *result)
{
	json_t *object = json_object();

	for (size_t i = 0; i < result->dwell_count; i++) {
		const char *reason = result->dwells[i].reason;
		json_int_t count = json_integer_value(json_object_get(object, reason));

		json_object_set_new(object, reason, json_integer(count + 1));
	}
	return object;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the stays that ended by a migration: the last one was cut off. */
static json_t *dwells(const struct shadow_result *result)
{
	size_t i, n = result->dwell_count ? result->dwell_count - 1 : 0;
	double *sorted = calloc(n + 1, sizeof(*sorted)), sum = 0, squares = 0, mean;
	json_t *object;

	if (!n || !sorted) {
		free(sorted);
		return json_null();
	}
	for (i = 0; i < n; i++) {
		sorted[i] = (double)(result->dwells[i].to_us - result->dwells[i].from_us);
		sum += sorted[i];
	}
	mean = sum / (double)n;
	for (i = 0; i < n; i++)
		squares += (sorted[i] - mean) * (sorted[i] - mean);
	qsort(sorted, n, sizeof(*sorted), compare);
	object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)n, "mean_s",
			   seconds(mean), "sd_s", seconds(sqrt(squares / (double)n)), "p5_s",
			   seconds(sorted[(size_t)(0.05 * (double)(n - 1))]), "p50_s",
			   seconds(sorted[(size_t)(0.5 * (double)(n - 1))]), "p95_s",
			   seconds(sorted[(size_t)(0.95 * (double)(n - 1))]));
	free(sorted);
	return object;
}

static json_t *shares(const struct timeline *timeline, const struct shadow_result *result)
{
	json_t *object = json_object();

	for (size_t p = 0; p < timeline->config.path_count; p++) {
		int64_t us = 0;

		for (size_t i = 0; i < result->dwell_count; i++)
			if (result->dwells[i].path == (int)p)
				us += result->dwells[i].to_us - result->dwells[i].from_us;
		json_object_set_new(object, timeline->paths[p].name,
				    json_real((double)us / (double)result->length_us));
	}
	return object;
}

json_t *replay_describe(const struct timeline *timeline, const struct policy_spec *spec,
			uint64_t seed, const struct shadow_result *result)
{
	uint64_t probes = result->answered + result->missed;
	double mean_us = result->answered ? result->rtt_sum_us / (double)result->answered : -1;

	return json_pack(
		"{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "policy",
		spec->ops->name, "params", spec->params, "seed", (json_int_t)seed, "length_s",
		seconds((double)result->length_us), "rtt_mean_s", seconds(mean_us), "rtt_p50_s",
		seconds(shadow_rtt_quantile_us(result, 50)), "rtt_p95_s",
		seconds(shadow_rtt_quantile_us(result, 95)), "loss",
		probes ? json_real((double)result->missed / (double)probes) : json_null(),
		"outage_s", seconds((double)result->outage_us), "migrations", reasons(result),
		"dwell", dwells(result), "share", shares(timeline, result), "policy_errors",
		(json_int_t)result->policy_errors);
}

#define WINDOW_S 60
#define GUESS_S	 0.1

int replay_describe_exposure(const struct timeline *timeline, const struct shadow_result *result,
			     uint64_t seed, json_t *json)
{
	size_t paths = timeline->config.path_count;
	const char **names = calloc(paths, sizeof(char *));
	struct exposure exposure;
	struct exposure_run run;
	struct rng rng;
	int ret = names ? replayed_init(timeline, result, &run) : -ENOMEM;

	if (ret) {
		free(names);
		return ret;
	}
	for (size_t i = 0; i < paths; i++)
		names[i] = timeline->paths[i].name;
	ret = rng_init_seed(&rng, seed);
	if (!ret)
		ret = exposure_of(&run, WINDOW_S, GUESS_S, &rng, &exposure);
	if (!ret) {
		json_object_set_new(json, "exposure", exposure_describe(&exposure, names, paths));
		exposure_fini(&exposure);
	}
	replayed_fini(&run);
	free(names);
	return ret;
}
