#include "exposure/transitions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PER_PATH 10
#define BOOTSTRAPS     200
#define LENGTH_BINS    8

/* H(column | row) of a table of `rows` x `columns` counts, plug-in estimate plus Miller's and
 * Madow's correction for each row. */
static double conditional_bits(const uint32_t *counts, size_t rows, size_t columns)
{
	double total = 0, bits = 0;

	for (size_t i = 0; i < rows * columns; i++)
		total += counts[i];
	for (size_t row = 0; row < rows && total > 0; row++) {
		const uint32_t *cell = &counts[row * columns];
		double sum = 0, h = 0;
		size_t nonzero = 0;

		for (size_t i = 0; i < columns; i++)
			sum += cell[i];
		for (size_t i = 0; i < columns; i++) {
			if (!cell[i])
				continue;
			nonzero++;
			h -= cell[i] / sum * log2(cell[i] / sum);
		}
		if (nonzero)
			bits += sum / total * (h + (double)(nonzero - 1) / (2 * sum * log(2)));
	}
	return bits;
}

static double marginal_bits(const uint32_t *counts, size_t paths)
{
	double total = 0, bits = 0;

	for (size_t i = 0; i < paths * paths; i++)
		total += counts[i];
	for (size_t to = 0; to < paths; to++) {
		double sum = 0;

		for (size_t from = 0; from < paths; from++)
			sum += counts[from * paths + to];
		if (sum > 0)
			bits -= sum / total * log2(sum / total);
	}
	return bits;
}

/* --- bootstrap -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bootstrap(const int *to, size_t n, uint32_t *scratch, struct rng *rng,
		      struct transitions *out)
{
	size_t cells = out->paths * out->paths;
	double bits[BOOTSTRAPS];

	for (size_t round = 0; round < BOOTSTRAPS; round++) {
		memset(scratch, 0, cells * sizeof(*scratch));
		for (size_t i = 0; i + 1 < n; i++) {
			size_t at = rng_below(rng, 0, (uint32_t)(n - 1));

			scratch[(size_t)to[at] * out->paths + (size_t)to[at + 1]]++;
		}
		bits[round] = conditional_bits(scratch, out->paths, out->paths);
	}
	qsort(bits, BOOTSTRAPS, sizeof(*bits), compare);
	out->low = bits[BOOTSTRAPS / 40];
	out->high = bits[BOOTSTRAPS - 1 - BOOTSTRAPS / 40];
}

/* --- prediction ------------------------------------------------------------------------------- */

/* The context of the i-th path: the one before it, or the two before it. */
static size_t context(const int *to, size_t i, size_t paths, size_t order)
{
	return order == 1 ? (size_t)to[i - 1] : (size_t)to[i - 2] * paths + (size_t)to[i - 1];
}

static size_t likeliest(const uint32_t *row, size_t paths)
{
	size_t best = 0;

	for (size_t i = 1; i < paths; i++)
		best = row[i] > row[best] ? i : best;
	return best;
}

static double prediction(const int *to, size_t n, size_t paths, size_t order)
{
	size_t contexts = order == 1 ? paths : paths * paths, half = n / 2, right = 0;
	uint32_t *table = calloc(contexts * paths, sizeof(*table));
	size_t i;

	if (!table)
		return NAN;
	for (i = order; i < half; i++)
		table[context(to, i, paths, order) * paths + (size_t)to[i]]++;
	for (; i < n; i++)
		right += likeliest(&table[context(to, i, paths, order) * paths], paths) ==
			 (size_t)to[i];
	free(table);
	return (double)right / (double)(n - half);
}

/* --- independence ----------------------------------------------------------------------------- */

#define FITTINGS 100

static void scale(double *first, size_t step, size_t n, double wanted)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += first[i * step];
	for (size_t i = 0; i < n && sum > 0; i++)
		first[i * step] *= wanted / sum;
}

/* Expected counts with the rows' and columns' sums of those seen, where the next path depends on
 * the present one in nothing but not being it: iterative proportional fitting (Deming and Stephan
 * 1940). */
static void fit(const struct transitions *t, bool excluded, double *expected)
{
	size_t n = t->paths, i, j, round;

	for (i = 0; i < n * n; i++)
		expected[i] = !excluded || i / n != i % n;
	for (round = 0; round < FITTINGS; round++) {
		for (i = 0; i < n; i++) {
			double row = 0, column = 0;

			for (j = 0; j < n; j++) {
				row += t->counts[i * n + j];
				column += t->counts[j * n + i];
			}
			scale(&expected[i * n], 1, n, row);
			scale(&expected[i], n, n, column);
		}
	}
}

static int independence(struct transitions *t)
{
	size_t n = t->paths, i;
	double *expected = calloc(n * n, sizeof(*expected)), degrees, z;
	bool excluded = true;

	if (!expected)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		excluded &= t->counts[i * n + i] == 0;
	fit(t, excluded, expected);
	degrees = (double)((n - 1) * (n - 1)) - (excluded ? (double)n : 0);
	t->chi2 = degrees < 1 ? NAN : 0;
	for (i = 0; i < n * n; i++) {
		if (expected[i] > 0)
			t->chi2 += pow(t->counts[i] - expected[i], 2) / expected[i];
	}
	free(expected);
	z = (cbrt(t->chi2 / degrees) - (1 - 2 / (9 * degrees))) / sqrt(2 / (9 * degrees));
	t->p_value = 0.5 * erfc(z / sqrt(2));
	return 0;
}

/* --- joint ------------------------------------------------------------------------------------ */

/* Eight lengths that each have as many stays. */
static int joint(const int *to, const double *kept_s, size_t n, struct transitions *t)
{
	size_t columns = t->paths * LENGTH_BINS;
	uint32_t *table = calloc(t->paths * columns, sizeof(*table));
	double *sorted = calloc(n + 1, sizeof(*sorted));
	size_t i, bin;

	if (table && sorted) {
		memcpy(sorted, kept_s, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare);
		for (i = 0; i + 1 < n; i++) {
			for (bin = 0; bin + 1 < LENGTH_BINS &&
				      kept_s[i] > sorted[(bin + 1) * n / LENGTH_BINS];)
				bin++;
			table[(size_t)to[i] * columns + (size_t)to[i + 1] * LENGTH_BINS + bin]++;
		}
		t->joint_bits = conditional_bits(table, t->paths, columns);
	}
	free(table);
	free(sorted);
	return table && sorted ? 0 : -ENOMEM;
}

int transitions_of(const int *to, const double *kept_s, size_t n, size_t paths, struct rng *rng,
		   struct transitions *out)
{
	size_t cells = paths * paths, i;
	uint32_t *scratch;
	int ret;

	*out = (struct transitions){.paths = paths,
				    .count = n ? n - 1 : 0,
				    .counts = calloc(cells + 1, sizeof(*out->counts))};
	out->entropy_bits = out->low = out->high = out->mutual_bits = NAN;
	out->predictor = out->predictor2 = out->chi2 = out->p_value = out->joint_bits = NAN;
	out->most_bits = paths > 1 ? log2((double)paths - 1) : 0;
	out->chance = paths > 1 ? 1 / ((double)paths - 1) : NAN;
	if (!out->counts)
		return -ENOMEM;
	for (i = 0; i + 1 < n; i++)
		out->counts[(size_t)to[i] * paths + (size_t)to[i + 1]]++;
	if (paths < 2 || out->count < LEAST_PER_PATH * paths)
		return 0;
	scratch = calloc(cells, sizeof(*scratch));
	if (!scratch)
		return -ENOMEM;
	out->entropy_bits = conditional_bits(out->counts, paths, paths);
	out->mutual_bits = fmax(0, marginal_bits(out->counts, paths) - out->entropy_bits);
	out->predictor = prediction(to, n, paths, 1);
	out->predictor2 = prediction(to, n, paths, 2);
	bootstrap(to, n, scratch, rng, out);
	free(scratch);
	ret = independence(out);
	return ret ? ret : joint(to, kept_s, n, out);
}

void transitions_fini(struct transitions *transitions)
{
	free(transitions->counts);
	transitions->counts = NULL;
}
