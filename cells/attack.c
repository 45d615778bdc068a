#include "cells/attack.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS   5
#define LEAST	     10
#define POINT_WEIGHT 0.35F

struct sample {
	int site;
	float x[FEATURES];
};

struct known {
	struct sample *samples;
	size_t count;
	float mean[FEATURES], deviation[FEATURES];
};

/* --- training --------------------------------------------------------------------------------- */

static void normalise(const struct known *k, float *x)
{
	for (size_t f = 0; f < FEATURES; f++) {
		x[f] = (x[f] - k->mean[f]) / k->deviation[f];
		if (f >= FEATURES - FEATURES_POINTS)
			x[f] *= POINT_WEIGHT;
	}
}

static void fit(struct known *k)
{
	for (size_t f = 0; f < FEATURES; f++) {
		double sum = 0, squares = 0, mean, variance;

		for (size_t i = 0; i < k->count; i++)
			sum += k->samples[i].x[f];
		mean = k->count ? sum / (double)k->count : 0;
		for (size_t i = 0; i < k->count; i++)
			squares += pow(k->samples[i].x[f] - mean, 2);
		variance = k->count ? squares / (double)k->count : 0;
		k->mean[f] = (float)mean;
		k->deviation[f] = variance > 0 ? (float)sqrt(variance) : 1;
	}
	for (size_t i = 0; i < k->count; i++)
		normalise(k, k->samples[i].x);
}

/* All views (sets of paths) of all known loads. */
static int train(struct known *k, const struct attack_load *loads, size_t n,
		 const unsigned int *views, size_t view_count)
{
	memset(k, 0, sizeof(*k));
	k->samples = calloc(n * view_count + 1, sizeof(*k->samples));
	if (!k->samples)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (size_t v = 0; loads[i].known && v < view_count; v++) {
			struct sample *sample = &k->samples[k->count];

			sample->site = loads[i].site;
			k->count += features_of(loads[i].packets, views[v], sample->x) >= LEAST;
		}
	}
	fit(k);
	return 0;
}

/* --- guessing --------------------------------------------------------------------------------- */

struct neighbour {
	float distance;
	int site;
};

static float distance(const float *a, const float *b, float limit)
{
	float sum = 0;

	for (size_t f = 0; f < FEATURES && sum < limit; f++)
		sum += fabsf(a[f] - b[f]);
	return sum;
}

static void keep(struct neighbour *nearest, float far, int site)
{
	size_t at = NEIGHBOURS - 1;

	if (far >= nearest[at].distance)
		return;
	for (; at > 0 && nearest[at - 1].distance > far; at--)
		nearest[at] = nearest[at - 1];
	nearest[at] = (struct neighbour){far, site};
}

static int vote(const struct neighbour *nearest)
{
	double best = -1, votes;
	int site = -1;

	for (size_t i = 0; i < NEIGHBOURS && nearest[i].site >= 0; i++) {
		votes = 0;
		for (size_t j = 0; j < NEIGHBOURS; j++) {
			if (nearest[j].site == nearest[i].site)
				votes += 1 / ((double)nearest[j].distance + 1e-6);
		}
		if (votes > best) {
			best = votes;
			site = nearest[i].site;
		}
	}
	return site;
}

/* Whether the site of a load is told from the view. */
static bool is_told(const struct known *k, const struct attack_load *load, unsigned int view)
{
	struct neighbour nearest[NEIGHBOURS];
	float x[FEATURES];

	if (features_of(load->packets, view, x) < LEAST)
		return false;
	normalise(k, x);
	for (size_t i = 0; i < NEIGHBOURS; i++)
		nearest[i] = (struct neighbour){INFINITY, -1};
	for (size_t i = 0; i < k->count; i++)
		keep(nearest, distance(x, k->samples[i].x, nearest[NEIGHBOURS - 1].distance),
		     k->samples[i].site);
	return vote(nearest) == load->site;
}

static unsigned int busiest(const struct attack_load *load, size_t paths)
{
	size_t bytes[SPLIT_PATHS_MAX] = {0}, best = 0;

	for (size_t i = 0; i < load->packets->count; i++)
		bytes[load->packets->items[i].path] += (size_t)abs(load->packets->items[i].size);
	for (size_t i = 1; i < paths; i++)
		best = bytes[i] > bytes[best] ? i : best;
	return 1U << best;
}

/* --- observers -------------------------------------------------------------------------------- */

/* How far all observers together are. */
struct course {
	attack_progress_fn fn;
	void *arg;
	size_t done, total;
};

static void advance(struct course *course, size_t steps)
{
	course->done += steps;
	if (course->fn)
		course->fn(course->arg, course->done, course->total);
}

/* Trains on the views, and says what share of the tested loads is told: in the mean over the views,
 * and from the busiest path. */
static int observe(const struct attack_load *loads, size_t n, size_t paths,
		   const unsigned int *views, size_t view_count, struct course *course,
		   double *mean, double *from_busiest)
{
	size_t tested = 0, told = 0, told_busiest = 0;
	struct known k;
	int ret = train(&k, loads, n, views, view_count);

	for (size_t i = 0; i < n && !ret; i++) {
		if (loads[i].known)
			continue;
		tested++;
		for (size_t v = 0; v < view_count; v++)
			told += is_told(&k, &loads[i], views[v]);
		if (from_busiest)
			told_busiest += is_told(&k, &loads[i], busiest(&loads[i], paths));
		advance(course, view_count);
	}
	*mean = (double)told / (double)(tested * view_count);
	if (from_busiest)
		*from_busiest = (double)told_busiest / (double)tested;
	free(k.samples);
	return ret;
}

static int check(const struct attack_load *loads, size_t n, struct attack_result *out,
		 struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		bool first = true, known = false, tested = false;

		out->known += loads[i].known;
		out->tested += !loads[i].known;
		for (size_t j = 0; j < n; j++) {
			if (loads[j].site != loads[i].site)
				continue;
			first &= j >= i;
			known |= loads[j].known;
			tested |= !loads[j].known;
		}
		out->sites += first;
		if (!known || !tested)
			return err_set(err, -EINVAL,
				       "a site has too few loads: one to train on and one to test "
				       "are wanted");
	}
	if (out->sites < 2)
		return err_set(err, -EINVAL, "loads of two sites at least are wanted");
	return 0;
}

int attack_run(const struct attack_load *loads, size_t n, size_t paths, attack_progress_fn progress,
	       void *arg, struct attack_result *out, struct err *err)
{
	struct course course = {progress, arg, 0, 0};
	unsigned int all = (1U << paths) - 1, single[SPLIT_PATHS_MAX] = {0};
	unsigned int pairs[SPLIT_PATHS_MAX * SPLIT_PATHS_MAX];
	size_t pair_count = 0, i, j;
	int ret;

	*out = (struct attack_result){.two_paths = NAN};
	ret = check(loads, n, out, err);
	if (ret)
		return ret;
	for (i = 0; i < paths; i++) {
		single[i] = 1U << i;
		for (j = 0; j < i; j++)
			pairs[pair_count++] = 1U << i | 1U << j;
	}
	course.total = out->tested * (1 + paths + (paths > 2 ? pair_count : 0));
	ret = observe(loads, n, paths, &all, 1, &course, &out->whole, NULL);
	if (!ret)
		ret = observe(loads, n, paths, single, paths, &course, &out->random_path,
			      &out->busiest);
	if (!ret && paths > 2)
		ret = observe(loads, n, paths, pairs, pair_count, &course, &out->two_paths, NULL);
	out->pinned = out->whole / (double)paths;
	return ret ? err_set(err, ret, "out of memory") : 0;
}
