#include "exposure/exposure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/handover.h"

#define LEAST_BYTES	 10000.0
#define SESSION_PAUSE_S	 5
#define PAUSE_BYTES	 1000.0 /* in a second */
#define LATTICE_INSTANTS 2000
#define BAD_PATH	 0.1

/* --- M1 to M6: the whole run ------------------------------------------------------------------ */

static void normalise(double *amounts, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += amounts[i];
	for (size_t i = 0; i < n; i++)
		amounts[i] = sum > 0 ? amounts[i] / sum : NAN;
}

static int whole_run(const struct exposure_run *run, struct exposure *out)
{
	size_t n = run->paths, i;
	double *all = calloc(4 * n, sizeof(*all));

	out->time = all;
	if (!all)
		return -ENOMEM;
	out->bytes = all + n;
	out->up = all + 2 * n;
	out->down = all + 3 * n;
	for (i = 0; i < run->stay_count; i++) {
		out->time[run->stays[i].path] += run->stays[i].to_s - run->stays[i].from_s;
		out->bytes[run->stays[i].path] += run->stays[i].bytes;
	}
	for (i = 0; i < n && run->up; i++) {
		out->up[i] = run->up[i];
		out->down[i] = run->down[i];
		out->bytes[i] = run->up[i] + run->down[i];
	}
	shares_of(out->time, n, &out->by_time);
	shares_of(out->bytes, n, &out->by_bytes);
	out->any_10 = 1 - pow(1 - BAD_PATH, (double)n);
	out->seen_60 =
		shares_seen(isnan(out->by_bytes.max) ? out->time : out->bytes, n, BAD_PATH, 0.6);
	for (i = 0; i < 4; i++)
		normalise(all + i * n, n);
	return 0;
}

/* --- windows ---------------------------------------------------------------------------------- */

struct window_sums {
	double *sum; /* of each path, of the window under way */
	double *max; /* of each window so far */
	size_t count;
	double over_60, over_80, entropy_bits, effective_paths;
};

static void end_window(struct window_sums *sums, size_t paths)
{
	struct shares shares;
	double total = 0;

	for (size_t i = 0; i < paths; i++)
		total += sums->sum[i];
	if (total >= LEAST_BYTES) {
		shares_of(sums->sum, paths, &shares);
		sums->max[sums->count++] = shares.max;
		sums->over_60 += shares.max > 0.6;
		sums->over_80 += shares.max > 0.8;
		sums->entropy_bits += shares.entropy_bits;
		sums->effective_paths += shares.effective_paths;
	}
	memset(sums->sum, 0, paths * sizeof(*sums->sum));
}

/* Adds a second. Returns what it carried. */
static double add_second(struct window_sums *sums, const double *bytes, size_t paths)
{
	double total = 0;

	for (size_t i = 0; i < paths; i++) {
		sums->sum[i] += bytes[i];
		total += bytes[i];
	}
	return total;
}

/* All windows of one length; of 0 the sessions. */
static void collect(const struct exposure_run *run, size_t length, struct window_sums *sums)
{
	size_t second, quiet = 0;

	for (second = 0; second < run->seconds; second++) {
		double bytes = add_second(sums, &run->bytes[second * run->paths], run->paths);

		quiet = bytes < PAUSE_BYTES ? quiet + 1 : 0;
		if (length ? (second + 1) % length == 0 : quiet == SESSION_PAUSE_S)
			end_window(sums, run->paths);
	}
	end_window(sums, run->paths);
}

static int fill_window(const struct exposure_run *run, double s, struct exposure_window *out)
{
	struct window_sums sums = {.sum = calloc(run->paths, sizeof(double)),
				   .max = calloc(run->seconds + 1, sizeof(double))};
	double n;
	int ret = sums.sum && sums.max ? 0 : -ENOMEM;

	if (!ret && run->bytes)
		collect(run, (size_t)s, &sums);
	n = sums.count ? (double)sums.count : NAN;
	*out = (struct exposure_window){.s = s,
					.over_60 = sums.over_60 / n,
					.over_80 = sums.over_80 / n,
					.entropy_bits = sums.entropy_bits / n,
					.effective_paths = sums.effective_paths / n};
	if (!ret)
		shares_spread_of(sums.max, sums.count, &out->max);
	free(sums.sum);
	free(sums.max);
	return ret;
}

static int windows(const struct exposure_run *run, double window_s, struct exposure *out)
{
	const double s[EXPOSURE_WINDOWS] = {1, 5, 30, 300, window_s, 0};
	size_t i;
	int ret = 0;

	for (i = 0; i < EXPOSURE_WINDOWS && !ret; i++)
		ret = fill_window(run, s[i], &out->window[i]);
	return ret;
}

/* --- M7, M10 to M18: when and where ----------------------------------------------------------- */

static int when(const struct exposure_run *run, double guess_s, struct exposure *out)
{
	size_t n = run->stay_count, i, first;
	struct dwell *dwells = calloc(n + 1, sizeof(*dwells));
	double *at_s = calloc(n + 1, sizeof(*at_s)), total = 0;

	for (i = 0; i < n && dwells && at_s; i++) {
		const struct exposure_stay *stay = &run->stays[i];

		dwells[i] = (struct dwell){stay->to_s - stay->from_s, stay->censored};
		at_s[i] = stay->from_s;
		total += stay->bytes;
		out->longest_bytes = fmax(out->longest_bytes, stay->bytes);
	}
	if (dwells && at_s) {
		dwell_figures_of(dwells, n, guess_s, &out->dwell);
		out->longest_share = total > 0 ? out->longest_bytes / total
					       : out->dwell.longest_s / run->length_s;
		/* The start of the first stay is no migration. */
		first = n > LATTICE_INSTANTS ? n - LATTICE_INSTANTS : n > 0;
		dwell_lattice_of(at_s + first, n - first, &out->lattice);
	}
	free(dwells);
	free(at_s);
	return dwells && at_s ? 0 : -ENOMEM;
}

static int where(const struct exposure_run *run, struct rng *rng, struct exposure *out)
{
	size_t n = run->stay_count, i;
	int *to = calloc(n + 1, sizeof(*to)), ret = -ENOMEM;
	double *kept_s = calloc(n + 1, sizeof(*kept_s));

	for (i = 0; i < n && to && kept_s; i++) {
		to[i] = run->stays[i].path;
		kept_s[i] = run->stays[i].to_s - run->stays[i].from_s;
	}
	if (to && kept_s)
		ret = transitions_of(to, kept_s, n, run->paths, rng, &out->transitions);
	free(to);
	free(kept_s);
	return ret;
}

/* --- M20 to M22 ------------------------------------------------------------------------------- */

static void pairs(const struct exposure_run *run, struct exposure *out)
{
	size_t i, j;

	out->exclusivity = out->step = out->overlap = NAN;
	for (i = 0; i < run->paths; i++) {
		for (j = i + 1; j < run->paths; j++) {
			out->exclusivity = fmin(out->exclusivity,
						handover_exclusivity(out->time[i], out->time[j]));
			if (!run->rtt_s)
				continue;
			out->step =
				fmax(out->step, handover_step(run->rtt_s[i], run->rtt_count[i],
							      run->rtt_s[j], run->rtt_count[j]));
			out->overlap = fmin(out->overlap,
					    handover_overlap(run->rtt_s[i], run->rtt_count[i],
							     run->rtt_s[j], run->rtt_count[j]));
		}
	}
}

static int lag(const struct exposure_run *run, struct exposure *out)
{
	double *settle_s = calloc(run->stay_count + 1, sizeof(*settle_s)), wrong_s = 0, all_s = 0;
	size_t i, n = 0;

	if (!settle_s)
		return -ENOMEM;
	for (i = 0; i < run->stay_count; i++) {
		const struct exposure_stay *stay = &run->stays[i];

		if (isnan(stay->settle_s))
			continue;
		settle_s[n++] = stay->settle_s;
		wrong_s += fmin(stay->settle_s, stay->to_s - stay->from_s);
		all_s += stay->to_s - stay->from_s;
	}
	shares_spread_of(settle_s, n, &out->lag);
	out->misrouted = all_s > 0 ? wrong_s / all_s : NAN;
	free(settle_s);
	return 0;
}

int exposure_of(const struct exposure_run *run, double window_s, double guess_s, struct rng *rng,
		struct exposure *out)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = whole_run(run, out);
	if (!ret)
		ret = windows(run, window_s, out);
	if (!ret)
		ret = when(run, guess_s, out);
	if (!ret)
		ret = where(run, rng, out);
	if (!ret)
		ret = lag(run, out);
	if (ret) {
		exposure_fini(out);
		return ret;
	}
	out->rate = run->length_s > 0 && run->stay_count
			    ? (double)(run->stay_count - 1) / run->length_s
			    : NAN;
	pairs(run, out);
	return 0;
}

void exposure_fini(struct exposure *exposure)
{
	free(exposure->time);
	transitions_fini(&exposure->transitions);
	memset(exposure, 0, sizeof(*exposure));
}
