#include "exposure/handover.h"

#include <math.h>

#define LEAST 10
#define BINS  64

double handover_anonymity(double users, double rate, double window_s)
{
	return 1 + (users - 1) * rate * window_s;
}

double handover_unique(double users, double rate, double window_s)
{
	return exp(-(users - 1) * rate * window_s);
}

double handover_exclusivity(double v, double w)
{
	return v < 1 && w < 1 ? -sqrt(v * w / ((1 - v) * (1 - w))) : NAN;
}

static void moments(const double *x, size_t n, double *mean, double *variance)
{
	*mean = *variance = 0;
	for (size_t i = 0; i < n; i++)
		*mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		*variance += (x[i] - *mean) * (x[i] - *mean) / (double)n;
}

double handover_step(const double *a, size_t n, const double *b, size_t m)
{
	double mean_a, mean_b, variance_a, variance_b, sd;

	if (n < LEAST || m < LEAST)
		return NAN;
	moments(a, n, &mean_a, &variance_a);
	moments(b, m, &mean_b, &variance_b);
	sd = sqrt((variance_a + variance_b) / 2);
	if (!(sd > 0))
		return mean_a == mean_b ? 0 : INFINITY;
	return fabs(mean_a - mean_b) / sd;
}

static void histogram(const double *x, size_t n, double low, double width, double *bins)
{
	for (size_t i = 0; i < n; i++) {
		double bin = width > 0 ? floor((x[i] - low) / width) : 0;

		bins[bin < BINS ? (size_t)bin : BINS - 1] += 1 / (double)n;
	}
}

double handover_overlap(const double *a, size_t n, const double *b, size_t m)
{
	double bins_a[BINS] = {0}, bins_b[BINS] = {0}, low = INFINITY, high = -INFINITY;
	double overlap = 0;

	if (n < LEAST || m < LEAST)
		return NAN;
	for (size_t i = 0; i < n || i < m; i++) {
		low = fmin(low, fmin(i < n ? a[i] : low, i < m ? b[i] : low));
		high = fmax(high, fmax(i < n ? a[i] : high, i < m ? b[i] : high));
	}
	histogram(a, n, low, (high - low) / BINS, bins_a);
	histogram(b, m, low, (high - low) / BINS, bins_b);
	for (size_t i = 0; i < BINS; i++)
		overlap += fmin(bins_a[i], bins_b[i]);
	return overlap;
}
