/* Intervals: every distribution has the mean, the limits and the shape that it promises. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rng.h"
#include "policies/interval.h"

#define DRAWS 20000
#define S     1000000.0

static uint64_t seed = 1;

static uint64_t next(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* DRAWS intervals, sorted. */
static double *draw(const struct interval *interval)
{
	double *us = calloc(DRAWS, sizeof(*us));
	struct policy_rng policy_rng = {next, NULL};
	struct rng rng;

	assert_non_null(us);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	policy_rng.arg = &rng;
	for (size_t i = 0; i < DRAWS; i++)
		us[i] = (double)interval_draw_us(interval, &policy_rng);
	qsort(us, DRAWS, sizeof(*us), by_size);
	return us;
}

/* The share of an untruncated distribution below `us`. */
static double below(const struct interval *interval, double us)
{
	double mean = interval->mean_us, start = interval->min_us;

	switch (interval->dist) {
	case INTERVAL_UNIFORM:
		return fmin(fmax(us / mean - 0.5, 0), 1);
	case INTERVAL_EXPONENTIAL:
		return us <= 0 ? 0 : 1 - exp(-us / mean);
	case INTERVAL_SHIFTED_EXPONENTIAL:
		return us <= start ? 0 : 1 - exp(-(us - start) / (mean - start));
	case INTERVAL_MAX_UNIFORM:
		us = fmin(fmax((us / mean - 0.2195) / 1.17075, 0), 1);
		return us * us;
	case INTERVAL_PARETO:
		return us <= mean / 3 ? 0 : 1 - pow(us / (mean / 3), -1.5);
	case INTERVAL_LOGNORMAL:
		return us <= 0 ? 0 : 0.5 * erfc(-(log(us / mean) + 0.5) / sqrt(2));
	case INTERVAL_ERLANG:
		return us <= 0 ? 0 : 1 - exp(-2 * us / mean) * (1 + 2 * us / mean);
	case INTERVAL_WEIBULL:
		return us <= 0 ? 0 : 1 - exp(-pow(us / mean * tgamma(5.0 / 3), 1.5));
	case INTERVAL_FIXED:
		break;
	}
	return us >= mean;
}

/* Kolmogorov and Smirnov's test against the distribution cut to min .. max, which is what
 * re-sampling gives. An atom at a limit, as clamping makes, fails it. p = 0.001. */
static void expect_shape(const struct interval *interval)
{
	double low = below(interval, interval->min_us);
	double high = interval->max_us != 0 ? below(interval, interval->max_us) : 1;
	double *us = draw(interval), worst = 0;

	for (size_t i = 0; i < DRAWS; i++) {
		double expected = (below(interval, us[i]) - low) / (high - low);

		worst = fmax(worst, fabs((double)(i + 1) / DRAWS - expected));
		worst = fmax(worst, fabs((double)i / DRAWS - expected));
	}
	assert_true(us[0] >= interval->min_us);
	assert_true(interval->max_us == 0 || us[DRAWS - 1] <= interval->max_us);
	free(us);
	if (worst * sqrt(DRAWS) > 1.95)
		fail_msg("dist %s: distance %g", interval_dist_names[interval->dist], worst);
}

/* Within four standard errors. */
static void expect_mean(const struct interval *interval, double mean_us, double deviation_us)
{
	double *us = draw(interval), sum = 0;

	for (size_t i = 0; i < DRAWS; i++)
		sum += us[i];
	free(us);
	if (fabs(sum / DRAWS - mean_us) > 4 * deviation_us / sqrt(DRAWS))
		fail_msg("dist %s: mean %g us", interval_dist_names[interval->dist], sum / DRAWS);
}

static void test_shapes(void **state)
{
	const struct interval intervals[] = {
		{INTERVAL_UNIFORM, 30 * S, S, 0},
		{INTERVAL_UNIFORM, 30 * S, 28 * S, 33 * S},
		{INTERVAL_EXPONENTIAL, 30 * S, 0, 0},
		{INTERVAL_EXPONENTIAL, 30 * S, 20 * S, 40 * S},
		{INTERVAL_EXPONENTIAL, 0.1 * S, 0, 0.11 * S},
		{INTERVAL_SHIFTED_EXPONENTIAL, 30 * S, S, 0},
		{INTERVAL_SHIFTED_EXPONENTIAL, 30 * S, 0, 31 * S},
		{INTERVAL_SHIFTED_EXPONENTIAL, 3600 * S, 60 * S, 7200 * S},
		{INTERVAL_MAX_UNIFORM, 30 * S, 0, 0},
		{INTERVAL_MAX_UNIFORM, 30 * S, 10 * S, 40 * S},
		{INTERVAL_PARETO, 30 * S, 0, 0},
		{INTERVAL_PARETO, 30 * S, 11 * S, 3600 * S},
		{INTERVAL_LOGNORMAL, 30 * S, 0, 0},
		{INTERVAL_LOGNORMAL, 30 * S, 10 * S, 60 * S},
		{INTERVAL_ERLANG, 30 * S, 0, 0},
		{INTERVAL_ERLANG, 30 * S, S, 90 * S},
		{INTERVAL_WEIBULL, 30 * S, 0, 0},
		{INTERVAL_WEIBULL, 30 * S, S, 90 * S},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(intervals) / sizeof(*intervals); i++)
		expect_shape(&intervals[i]);
}

static void test_means(void **state)
{
	(void)state;
	expect_mean(&(struct interval){INTERVAL_UNIFORM, 30 * S, S, 0}, 30 * S, 30 * S / sqrt(12));
	expect_mean(&(struct interval){INTERVAL_EXPONENTIAL, 30 * S, 0, 0}, 30 * S, 30 * S);
	expect_mean(&(struct interval){INTERVAL_MAX_UNIFORM, 30 * S, 0, 0}, 30 * S, 8.3 * S);
	expect_mean(&(struct interval){INTERVAL_LOGNORMAL, 30 * S, 0, 0}, 30 * S, 39.4 * S);
	expect_mean(&(struct interval){INTERVAL_ERLANG, 30 * S, 0, 0}, 30 * S, 21.3 * S);
	expect_mean(&(struct interval){INTERVAL_WEIBULL, 30 * S, 0, 0}, 30 * S, 20.4 * S);
	/* Without memory: what is cut off below comes on top. */
	expect_mean(&(struct interval){INTERVAL_EXPONENTIAL, 30 * S, S, 0}, 31 * S, 30 * S);
	expect_mean(&(struct interval){INTERVAL_SHIFTED_EXPONENTIAL, 30 * S, S, 0}, 30 * S, 29 * S);
}

static void test_fixed_is_exact_and_draws_nothing(void **state)
{
	const struct interval interval = {INTERVAL_FIXED, 100000, 1000000, 0};
	struct rng rng, untouched;
	struct policy_rng policy_rng = {next, &rng};

	(void)state;
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	untouched = rng;
	assert_int_equal(interval_draw_us(&interval, &policy_rng), 100000);
	assert_memory_equal(rng.drawn, untouched.drawn, sizeof(rng.drawn));
}

static uint64_t extreme(void *arg, enum policy_stream stream)
{
	(void)stream;
	return *(uint64_t *)arg;
}

static void test_extreme_random_numbers_stay_within_the_limits(void **state)
{
	uint64_t numbers[] = {0, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct policy_rng policy_rng = {extreme, &numbers[i]};

		for (int dist = INTERVAL_UNIFORM; dist <= INTERVAL_SHIFTED_EXPONENTIAL; dist++) {
			struct interval interval = {(enum interval_dist)dist, 30 * S, 29 * S, 0};
			int64_t us = interval_draw_us(&interval, &policy_rng);

			assert_in_range(us, (int64_t)(29 * S), (int64_t)(1200 * S));
			interval.max_us = 31 * S;
			us = interval_draw_us(&interval, &policy_rng);
			assert_in_range(us, (int64_t)(29 * S), (int64_t)(31 * S));
		}
	}
}

static int init_with(int dist, int64_t mean_us, int64_t min_us, int64_t max_us, char error[200])
{
	const union policy_value values[INTERVAL_PARAM_COUNT] = {
		{.duration_us = mean_us},
		{.choice = dist},
		{.duration_us = min_us},
		{.duration_us = max_us},
	};
	struct interval interval;

	error[0] = '\0';
	return interval_init(&interval, values, error, 200);
}

static void test_limits_must_leave_room_for_the_mean(void **state)
{
	char error[200];

	(void)state;
	assert_int_equal(init_with(INTERVAL_EXPONENTIAL, 500000, 1000000, 0, error), -EINVAL);
	assert_string_equal(error, "min (1s) must be shorter than interval (0.5s)");
	assert_int_equal(init_with(INTERVAL_UNIFORM, 1000000, 1000000, 0, error), -EINVAL);
	assert_int_equal(init_with(INTERVAL_UNIFORM, 2000000, 0, 2000000, error), -EINVAL);
	assert_string_equal(error, "max (2s) must be longer than interval (2s), or 0s");
	assert_int_equal(init_with(INTERVAL_UNIFORM, 2000000, 0, 2000001, error), 0);
	assert_int_equal(init_with(INTERVAL_FIXED, 100000, 1000000, 50000, error), 0);
	assert_string_equal(error, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_fixed_is_exact_and_draws_nothing),
		cmocka_unit_test(test_extreme_random_numbers_stay_within_the_limits),
		cmocka_unit_test(test_limits_must_leave_room_for_the_mean),
	};

	if (getenv("COMPS_TEST_SEED"))
		seed = strtoull(getenv("COMPS_TEST_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
