#include "cells/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENDS	 30 /* packets at each end */
#define CHUNK	 20
#define BINS	 20
#define BIN_S	 2.0
#define PLAIN	 (FEATURES - FEATURES_POINTS)
#define QUARTERS 4

struct moments {
	double sum, squares, max;
	size_t n;
};

static void add(struct moments *m, double x)
{
	m->sum += x;
	m->squares += x * x;
	m->max = fmax(m->max, x);
	m->n++;
}

static float *put_moments(const struct moments *m, float *out)
{
	double mean = m->n ? m->sum / (double)m->n : 0;

	*out++ = (float)mean;
	*out++ = (float)sqrt(m->n ? fmax(0, m->squares / (double)m->n - mean * mean) : 0);
	*out++ = (float)m->max;
	return out;
}

/* The chosen packets, from 0 s on. */
static size_t choose(const struct packets *packets, unsigned int paths, struct packet *out)
{
	size_t n = 0;

	for (size_t i = 0; i < packets->count; i++) {
		if (paths >> packets->items[i].path & 1)
			out[n++] = packets->items[i];
	}
	for (size_t i = n; i-- > 0;)
		out[i].s -= out[0].s;
	return n;
}

static float *put_totals(const struct packet *p, size_t n, float *out)
{
	double packets_out = 0, bytes[2] = {0}, first_out = 0, last_out = 0;

	for (size_t i = 0; i < n; i++) {
		packets_out += p[i].size > 0;
		bytes[p[i].size > 0] += abs(p[i].size);
		first_out += i < ENDS && p[i].size > 0;
		last_out += i + ENDS >= n && p[i].size > 0;
	}
	*out++ = (float)((double)n - packets_out);
	*out++ = (float)packets_out;
	*out++ = (float)n;
	*out++ = (float)log1p((double)n);
	*out++ = (float)bytes[0];
	*out++ = (float)bytes[1];
	*out++ = (float)(1 - packets_out / (double)n);
	*out++ = (float)first_out;
	*out++ = (float)last_out;
	return out;
}

static float *put_times(const struct packet *p, size_t n, float *out)
{
	double length_s = p[n - 1].s;
	struct moments gaps = {0};
	size_t i;

	*out++ = (float)length_s;
	*out++ = (float)(length_s > 0 ? (double)n / length_s : 0);
	for (i = 1; i < QUARTERS; i++)
		*out++ = (float)p[i * n / QUARTERS].s;
	for (i = 1; i < n; i++)
		add(&gaps, p[i].s - p[i - 1].s);
	return put_moments(&gaps, out);
}

static float *put_chunks(const struct packet *p, size_t n, float *out)
{
	struct moments chunks = {0};
	float *bins = put_moments(&chunks, out);

	for (size_t from = 0; from < n; from += CHUNK) {
		double outgoing = 0;

		for (size_t i = from; i < n && i < from + CHUNK; i++)
			outgoing += p[i].size > 0;
		add(&chunks, outgoing);
	}
	put_moments(&chunks, out);
	for (size_t i = 0; i < n; i++)
		bins[p[i].s < BIN_S * BINS ? (size_t)(p[i].s / BIN_S) : BINS - 1]++;
	return bins + BINS;
}

static void put_points(const struct packet *p, size_t n, float *out)
{
	double *sum = calloc(n + 1, sizeof(*sum));

	for (size_t i = 0; sum && i < n; i++)
		sum[i + 1] = sum[i] + p[i].size;
	for (size_t i = 0; sum && i < FEATURES_POINTS; i++) {
		double at = (double)n * (double)(i + 1) / FEATURES_POINTS;
		size_t low = (size_t)at < n ? (size_t)at : n - 1;

		out[i] = (float)(sum[low] + (at - (double)low) * (sum[low + 1] - sum[low]));
	}
	free(sum);
}

size_t features_of(const struct packets *packets, unsigned int paths, float out[FEATURES])
{
	struct packet *p = calloc(packets->count + 1, sizeof(*p));
	size_t n = p ? choose(packets, paths, p) : 0;
	float *next;

	memset(out, 0, FEATURES * sizeof(*out));
	if (n) {
		next = put_totals(p, n, out);
		next = put_times(p, n, next);
		put_chunks(p, n, next);
		put_points(p, n, out + PLAIN);
	}
	free(p);
	return n;
}
