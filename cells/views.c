#include "cells/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells/split.h"

#define GAP_S	    0.1
#define BURST_LEAST 5
#define LEAST	    10
#define SIZE_BINS   16
#define SIZE_BYTES  100
#define GAP_BINS    16
#define RUN_BINS    12
#define BINS	    (2 * SIZE_BINS + GAP_BINS + RUN_BINS)
#define POINTS	    100

/* --- bursts ----------------------------------------------------------------------------------- */

/* The first packet behind the burst that begins with `first`. */
static size_t burst_end(const struct packets *packets, size_t first)
{
	size_t i = first + 1;

	while (i < packets->count && packets->items[i].s - packets->items[i - 1].s <= GAP_S)
		i++;
	return i;
}

void views_bursts_of(const struct packets *packets, size_t paths, struct views_bursts *out)
{
	double bytes_all = 0, bytes_whole = 0;
	size_t i, end, path;

	*out = (struct views_bursts){0, 0, 0, 0};
	for (i = 0; i < packets->count; i = end) {
		double bytes[SPLIT_PATHS_MAX] = {0}, sum = 0, most = 0;

		end = burst_end(packets, i);
		if (end - i < BURST_LEAST)
			continue;
		for (size_t j = i; j < end; j++) {
			bytes[packets->items[j].path] += abs(packets->items[j].size);
			sum += abs(packets->items[j].size);
		}
		for (path = 0; path < paths; path++)
			most = fmax(most, bytes[path]);
		out->count++;
		out->whole += most >= sum;
		out->busiest += most / sum;
		bytes_all += sum;
		bytes_whole += most >= sum ? sum : 0;
	}
	out->whole /= (double)out->count;
	out->busiest /= (double)out->count;
	out->whole_bytes = bytes_whole / bytes_all;
}

/* --- divergence ------------------------------------------------------------------------------- */

static size_t log_bin(double x, size_t bins)
{
	double bin = x > 1 ? floor(log2(x)) : 0;

	return bin < (double)bins ? (size_t)bin : bins - 1;
}

/* Of the path's packets (-1: all). Returns how many they are. */
static size_t histogram(const struct packets *packets, int path, double out[BINS])
{
	const struct packet *last = NULL;
	size_t count = 0, run = 0;

	for (size_t i = 0; i < BINS; i++)
		out[i] = 0.5;
	for (size_t i = 0; i < packets->count; i++) {
		const struct packet *p = &packets->items[i];
		size_t size = (size_t)abs(p->size) / SIZE_BYTES;

		if (path >= 0 && p->path != path)
			continue;
		out[(p->size > 0 ? 0 : SIZE_BINS) + (size < SIZE_BINS ? size : SIZE_BINS - 1)]++;
		if (last)
			out[2 * SIZE_BINS + log_bin(1000 * (p->s - last->s), GAP_BINS)]++;
		if (last && p->s - last->s > GAP_S) {
			out[2 * SIZE_BINS + GAP_BINS + log_bin((double)run, RUN_BINS)]++;
			run = 0;
		}
		run++;
		last = p;
		count++;
	}
	return count;
}

static void divergences(double *q, double *r, struct views_divergence *out)
{
	double q_sum = 0, r_sum = 0;

	for (size_t i = 0; i < BINS; i++) {
		q_sum += q[i];
		r_sum += r[i];
	}
	for (size_t i = 0; i < BINS; i++) {
		double x = q[i] / q_sum, y = r[i] / r_sum, m = (x + y) / 2;

		out->kl_bits += x * log2(x / y);
		out->js_bits += 0.5 * x * log2(x / m) + 0.5 * y * log2(y / m);
	}
}

/* The running sum of bytes at 100 places of equal distance. Returns the largest amount of it. */
static double running_sum(const struct packets *packets, int path, size_t count, double out[POINTS])
{
	double sum = 0, most = 0;
	size_t seen = 0, point = 0;

	for (size_t i = 0; i < packets->count; i++) {
		if (path >= 0 && packets->items[i].path != path)
			continue;
		sum += packets->items[i].size;
		most = fmax(most, fabs(sum));
		seen++;
		while (point < POINTS && seen * POINTS >= (point + 1) * count)
			out[point++] = sum;
	}
	return most;
}

void views_divergence_of(const struct packets *packets, int path, struct views_divergence *out)
{
	double whole[BINS], part[BINS], whole_sum[POINTS] = {0}, part_sum[POINTS] = {0}, most;
	size_t count = histogram(packets, path, part);

	*out = (struct views_divergence){NAN, NAN, NAN};
	if (count < LEAST)
		return;
	histogram(packets, -1, whole);
	*out = (struct views_divergence){0, 0, 0};
	divergences(whole, part, out);
	most = running_sum(packets, -1, packets->count, whole_sum);
	running_sum(packets, path, count, part_sum);
	for (size_t i = 0; i < POINTS; i++)
		out->cumul += fabs(part_sum[i] - whole_sum[i]) / POINTS / most;
}
