#include "exposure/dwell.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_FOR_CV	     10
#define LEAST_FOR_GUESS	     20
#define LEAST_FOR_DIVERGENCE 50
#define LEAST_FOR_HAZARD     100
#define HAZARD_BINS	     20
#define LEAST_IN_BIN	     20
#define LEAST_FOR_LATTICE    20
#define LATTICE_FROM_S	     0.01
#define LATTICE_FINEST	     300 /* periods in a mean stay */
#define LATTICE_LEAST	     0.3 /* smooth laws of small variance come up to half of this */

static int compare(const void *a, const void *b)
{
	double x = ((const struct dwell *)a)->s, y = ((const struct dwell *)b)->s;

	return (x > y) - (x < y);
}

/* Those not censored, in order. */
static size_t ended(const struct dwell *dwells, size_t n, double *out)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++) {
		if (!dwells[i].censored)
			out[count++] = dwells[i].s;
	}
	return count;
}

static double mean_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : NAN;
}

static double cv_of(const double *x, size_t n)
{
	double mean = mean_of(x, n), squares = 0;

	if (n < LEAST_FOR_CV)
		return NAN;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	return sqrt(squares / (double)n) / mean;
}

/* --- hazard ----------------------------------------------------------------------------------- */

/* Of the stays that reached a bin, how many ended in it, per second there; censored ones are at
 * risk until they go. Bins are a quarter of the mean long. */
static double flatness_of(const struct dwell *dwells, size_t n, double mean_s)
{
	double width = mean_s / 4, weights = 0, sum = 0, squares = 0, mean;
	double hazard[HAZARD_BINS], risk_s[HAZARD_BINS];
	size_t bins, i;

	for (bins = 0; bins < HAZARD_BINS; bins++) {
		double from = (double)bins * width, to = from + width, time = 0;
		size_t reached = 0, ends = 0;

		for (i = 0; i < n; i++) {
			if (dwells[i].s < from)
				continue;
			reached++;
			time += fmin(dwells[i].s, to) - from;
			ends += !dwells[i].censored && dwells[i].s < to;
		}
		if (reached < LEAST_IN_BIN || !(time > 0))
			break;
		hazard[bins] = (double)ends / time;
		risk_s[bins] = time;
	}
	for (i = 0; i < bins; i++) {
		weights += risk_s[i];
		sum += risk_s[i] * hazard[i];
	}
	mean = sum / weights;
	for (i = 0; i < bins; i++)
		squares += risk_s[i] * (hazard[i] - mean) * (hazard[i] - mean);
	return bins > 1 && mean > 0 ? sqrt(squares / weights) / mean : NAN;
}

/* --- guesses ---------------------------------------------------------------------------------- */

/* The largest share of the stays from the i-th on that end within `width`, and the same of all. */
static void guesses(const double *sorted, size_t n, double width, double *any_time, double *once)
{
	size_t i, j = 0;

	*any_time = *once = NAN;
	if (n < LEAST_FOR_GUESS)
		return;
	*any_time = *once = 0;
	for (i = 0; i < n; i++) {
		while (j < n && sorted[j] < sorted[i] + width)
			j++;
		*once = fmax(*once, (double)(j - i) / (double)n);
		/* Of the last few all end within anything. */
		if (n - i >= LEAST_FOR_GUESS)
			*any_time = fmax(*any_time, (double)(j - i) / (double)(n - i));
	}
}

/* Vasicek's estimate of the differential entropy, with spacings of m = sqrt n. */
static double entropy_of(const double *sorted, size_t n)
{
	size_t i, m = (size_t)sqrt((double)n);
	double sum = 0;

	for (i = 0; i < n; i++) {
		double low = sorted[i < m ? 0 : i - m];
		double high = sorted[i + m < n ? i + m : n - 1];

		sum += log(fmax((double)n / (2.0 * (double)m) * (high - low), 1e-12));
	}
	return sum / (double)n;
}

void dwell_figures_of(struct dwell *dwells, size_t n, double guess_s, struct dwell_figures *out)
{
	double *x = calloc(n + 1, sizeof(*x)), mean;
	size_t i, count;

	*out = (struct dwell_figures){n, 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, guess_s, NAN};
	if (!n || !x) {
		free(x);
		return;
	}
	qsort(dwells, n, sizeof(*dwells), compare);
	count = ended(dwells, n, x);
	mean = mean_of(x, count);
	out->censored = n - count;
	out->cv = cv_of(x, count);
	guesses(x, count, guess_s, &out->guess, &out->one_shot);
	if (count >= LEAST_FOR_HAZARD)
		out->hazard_flatness = flatness_of(dwells, n, mean);
	if (count >= LEAST_FOR_DIVERGENCE)
		out->divergence_nats = fmax(0, log(mean) + 1 - entropy_of(x, count));
	for (i = 0; i < n; i++)
		x[i] = dwells[i].s;
	out->mean_s = mean_of(x, n);
	out->p50_s = x[(n - 1) / 2];
	out->p95_s = x[(size_t)ceil(0.95 * (double)n) - 1];
	out->longest_s = x[n - 1];
	free(x);
}

/* --- grid ------------------------------------------------------------------------------------- */

/* Within a block the phases of a grid agree even when the period is a little off; over the whole
 * run they would not, unless periods were tried in the tiniest steps. Between blocks the phase is
 * free.
 */
#define BLOCK 8

/* How far the phases within the blocks agree: 0 as by chance, 1 wholly. */
static double score_of(const double *at_s, size_t n, double period_s)
{
	size_t blocks = n / BLOCK, b, i;
	double sum = 0;

	for (b = 0; b < blocks; b++) {
		const double *block = &at_s[b * BLOCK];
		double re = 0, im = 0;

		for (i = 0; i < BLOCK; i++) {
			double angle =
				2 * acos(-1) * fmod(block[i] - block[0], period_s) / period_s;

			re += cos(angle);
			im += sin(angle);
		}
		sum += (re * re + im * im) / BLOCK;
	}
	return sqrt(fmax(0, (sum / (double)blocks - 1) / (BLOCK - 1)));
}

void dwell_lattice_of(const double *at_s, size_t n, struct dwell_lattice *out)
{
	double mean_s = n > 1 ? (at_s[n - 1] - at_s[0]) / (double)(n - 1) : 0, peak = 0;
	double period_s, score;
	size_t tried = 0;

	*out = (struct dwell_lattice){NAN, NAN, NAN};
	if (n < LEAST_FOR_LATTICE || !(2 * mean_s > LATTICE_FROM_S))
		return;
	out->score = 0;
	period_s = fmax(LATTICE_FROM_S, mean_s / LATTICE_FINEST);
	while (period_s <= 2 * mean_s) {
		score = score_of(at_s, n, period_s);
		tried++;
		/* The top of the last peak that is about as high as any. */
		if (score > 0.9 * out->score &&
		    (!(period_s < 1.2 * out->period_s) || score > peak)) {
			out->period_s = period_s;
			peak = score;
		}
		out->score = fmax(score, out->score);
		period_s *= 1 + 0.25 * period_s / (BLOCK * mean_s);
	}
	/* The squared score of chance has about this deviation. */
	out->significant =
		sqrt(sqrt(2 * log(1000.0 * (double)tried) * BLOCK / (double)n) / (BLOCK - 1));
	out->significant = fmax(out->significant, LATTICE_LEAST);
}
