#include "exposure/replayed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

static double carried(const struct timeline *timeline, int64_t at_us, size_t *from)
{
	struct path_counters sum = timeline_traffic_at(timeline, at_us, from);

	return (double)(sum.tx_bytes + sum.rx_bytes);
}

/* What a stay carried goes into the seconds that it covers. */
static void fill_seconds(const struct timeline *timeline, const struct shadow_result *result,
			 size_t paths, double *bytes)
{
	int64_t began_us = timeline->began.us;
	size_t from = 0, i;

	for (i = 0; i < result->dwell_count; i++) {
		const struct shadow_dwell *dwell = &result->dwells[i];
		double before = carried(timeline, dwell->from_us, &from), after;
		int64_t at_us = dwell->from_us, next_us;

		for (; at_us < dwell->to_us; at_us = next_us, before = after) {
			size_t second = (size_t)((at_us - began_us) / SECOND_US);

			next_us = began_us + (int64_t)(second + 1) * SECOND_US;
			next_us = next_us < dwell->to_us ? next_us : dwell->to_us;
			after = carried(timeline, next_us, &from);
			bytes[second * paths + (size_t)dwell->path] += after - before;
		}
	}
}

/* Those end a stay that the policy may have kept. */
static bool is_forced(const char *reason)
{
	return strcmp(reason, "failover") == 0 || strcmp(reason, "drain") == 0;
}

int replayed_init(const struct timeline *timeline, const struct shadow_result *result,
		  struct exposure_run *out)
{
	size_t paths = timeline->config.path_count, n = result->dwell_count, i;
	size_t seconds = (size_t)(result->length_us / SECOND_US) + 1;
	struct exposure_stay *stays = calloc(n + 1, sizeof(*stays));
	double *bytes = timeline->traffic_count ? calloc(seconds * paths, sizeof(*bytes)) : NULL;

	*out = (struct exposure_run){.paths = paths,
				     .length_s = (double)result->length_us / 1e6,
				     .stays = stays,
				     .stay_count = n,
				     .bytes = bytes,
				     .seconds = seconds};
	if (!stays || (timeline->traffic_count && !bytes)) {
		replayed_fini(out);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		const struct shadow_dwell *dwell = &result->dwells[i];

		stays[i] = (struct exposure_stay){
			.path = dwell->path,
			.from_s = (double)(dwell->from_us - timeline->began.us) / 1e6,
			.to_s = (double)(dwell->to_us - timeline->began.us) / 1e6,
			.bytes = (double)dwell->bytes,
			.settle_s = NAN,
			.censored = i + 1 == n || is_forced(result->dwells[i + 1].reason),
		};
	}
	if (bytes)
		fill_seconds(timeline, result, paths, bytes);
	return 0;
}

void replayed_fini(struct exposure_run *run)
{
	free((void *)run->stays);
	free((void *)run->bytes);
	memset(run, 0, sizeof(*run));
}
