#include "exposure/shares.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SETS_OF_AT_MOST 16

static double sum_of(const double *amounts, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += amounts[i];
	return sum;
}

void shares_of(const double *amounts, size_t n, struct shares *out)
{
	double sum = sum_of(amounts, n), squares = 0, second = 0;

	*out = (struct shares){NAN, NAN, NAN, NAN, NAN, NAN};
	if (!(sum > 0))
		return;
	out->max = out->entropy_bits = 0;
	for (size_t i = 0; i < n; i++) {
		double w = amounts[i] / sum;

		squares += w * w;
		if (w > 0)
			out->entropy_bits -= w * log2(w);
		if (w > out->max) {
			second = out->max;
			out->max = w;
		} else if (w > second) {
			second = w;
		}
	}
	out->effective_paths = exp2(out->entropy_bits);
	out->min_entropy = -log2(out->max);
	out->inverse_herfindahl = 1 / squares;
	out->top2 = out->max + second;
}

double shares_seen(const double *amounts, size_t n, double f, double threshold)
{
	double sum = sum_of(amounts, n), chance = 0;

	if (!(sum > 0) || n > SETS_OF_AT_MOST)
		return NAN;
	for (uint32_t set = 0; set < UINT32_C(1) << n; set++) {
		double seen = 0, probability = 1;

		for (size_t i = 0; i < n; i++) {
			bool his = set >> i & 1;

			seen += his ? amounts[i] / sum : 0;
			probability *= his ? f : 1 - f;
		}
		if (seen >= threshold - 1e-12)
			chance += probability;
	}
	return chance;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nearest rank. */
static double quantile(const double *sorted, size_t n, double q)
{
	size_t rank = (size_t)ceil(q * (double)n);

	return sorted[rank ? rank - 1 : 0];
}

void shares_spread_of(double *values, size_t n, struct shares_spread *out)
{
	*out = (struct shares_spread){n, NAN, NAN, NAN, NAN};
	if (!n)
		return;
	qsort(values, n, sizeof(*values), compare);
	out->mean = sum_of(values, n) / (double)n;
	out->p50 = quantile(values, n, 0.5);
	out->p95 = quantile(values, n, 0.95);
	out->max = values[n - 1];
}
