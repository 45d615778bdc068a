/* The laws that policies draw by, against their known moments and distributions. The weights are
 * the policy's own affair: it is looked into. */
#include "policies/dirichlet.c"

#include "tests/unit/policy_world.h"

#define DRAWS 100000

static struct policy_rng rng_of(struct rng *rng)
{
	assert_int_equal(rng_init_seed(rng, test_seed()), 0);
	return (struct policy_rng){next, rng};
}

static void expect(double value, double wanted, double tolerance)
{
	if (!(fabs(value - wanted) <= tolerance))
		fail_msg("%g, expected %g within %g", value, wanted, tolerance);
}

/* Of Dirichlet(1, ..., 1) over n the largest weight has the mean H_n / n, and is above x >= 1/2
 * with n (1 - x)^(n - 1). */
static void test_the_largest_weight(void **state)
{
	static const double mean[] = {0, 0, 0.750, 0.611, 0.521, 0.457};
	struct dirichlet s = {.alpha = 1, .cap = 1};
	struct rng rng;
	struct policy_rng source = rng_of(&rng);

	(void)state;
	for (size_t n = 2; n <= 5; n++) {
		double sum = 0, above_60 = 0, above_80 = 0, accepted = 0;

		for (int i = 0; i < DRAWS; i++) {
			double largest = draw_weights(&s, n, &source);

			sum += largest;
			above_60 += largest > 0.6;
			above_80 += largest > 0.8;
			accepted += largest <= 0.5;
		}
		expect(sum / DRAWS, mean[n], 0.003);
		expect(above_60 / DRAWS, (double)n * pow(0.4, (double)n - 1), 0.005);
		expect(above_80 / DRAWS, (double)n * pow(0.2, (double)n - 1), 0.005);
		if (n == 3)
			expect(accepted / DRAWS, 0.25, 0.01); /* of a cap of 0.5 */
	}
}

static void test_a_cap_is_kept(void **state)
{
	struct dirichlet s = {.alpha = 1, .cap = 0.5};
	struct policy_input in = {.path_count = 3};
	struct rng rng;

	(void)state;
	in.rng = rng_of(&rng);
	s.session = (struct interval){.dist = INTERVAL_FIXED, .mean_us = 1e6};
	for (int i = 0; i < DRAWS / 10; i++) {
		begin_session(&s, &in);
		for (int path = 0; path < 3; path++)
			assert_true(s.weights[path] <= 0.5);
		expect(s.weights[0] + s.weights[1] + s.weights[2], 1, 1e-12);
	}
}

/* Symmetric weights of other kinds, over three: the larger alpha, the more even. */
static void test_alpha(void **state)
{
	static const struct {
		double alpha, mean;
	} known[] = {{0.5, 0.70}, {2, 0.54}, {5, 0.46}, {10, 0.42}};
	struct rng rng;
	struct policy_rng source = rng_of(&rng);

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		struct dirichlet s = {.alpha = known[k].alpha, .cap = 1};
		double sum = 0;

		for (int i = 0; i < DRAWS; i++)
			sum += draw_weights(&s, 3, &source);
		expect(sum / DRAWS, known[k].mean, 0.006);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The chance of a distance as large as this between a law and n draws of it (Kolmogorov 1933). */
static double kolmogorov_p(const double *sorted, size_t n, double mean_us)
{
	double distance = 0, p = 0, lambda;

	for (size_t i = 0; i < n; i++) {
		double law = 1 - exp(-sorted[i] / mean_us);

		distance = fmax(distance, fmax(fabs((double)i / (double)n - law),
					       fabs((double)(i + 1) / (double)n - law)));
	}
	lambda = (sqrt((double)n) + 0.12 + 0.11 / sqrt((double)n)) * distance;
	for (int k = 1; k < 100; k++)
		p += (k % 2 ? 2 : -2) * exp(-2 * k * k * lambda * lambda);
	return p;
}

static void test_exponential_intervals(void **state)
{
	static double draws[10000];
	struct interval interval = {.dist = INTERVAL_EXPONENTIAL, .mean_us = 1e6};
	struct rng rng;
	struct policy_rng source = rng_of(&rng);

	(void)state;
	for (size_t i = 0; i < 10000; i++)
		draws[i] = (double)interval_draw_us(&interval, &source);
	qsort(draws, 10000, sizeof(*draws), compare);
	assert_true(kolmogorov_p(draws, 10000, 1e6) > 0.001);
	assert_true(kolmogorov_p(draws, 10000, 1.1e6) < 0.001); /* it can tell */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_largest_weight),
		cmocka_unit_test(test_a_cap_is_kept),
		cmocka_unit_test(test_alpha),
		cmocka_unit_test(test_exponential_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
