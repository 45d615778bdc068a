/* Random numbers: repeatable with a seed, one stream per purpose, without bias. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rng.h"

static void test_a_seed_repeats_and_another_differs(void **state)
{
	struct rng a, b, c;
	int i, same = 0;

	(void)state;
	assert_int_equal(rng_init_seed(&a, 7), 0);
	assert_int_equal(rng_init_seed(&b, 7), 0);
	assert_int_equal(rng_init_seed(&c, 7 + (UINT64_C(1) << 60)), 0);
	for (i = 0; i < 1000; i++) {
		uint64_t value = rng_next(&a, 3);

		assert_true(value == rng_next(&b, 3));
		same += value == rng_next(&c, 3);
	}
	assert_int_equal(same, 0);
}

static void test_a_draw_does_not_shift_other_streams(void **state)
{
	struct rng a, b;
	unsigned int stream;
	int i;

	(void)state;
	assert_int_equal(rng_init_seed(&a, 7), 0);
	assert_int_equal(rng_init_seed(&b, 7), 0);
	for (i = 0; i < 100; i++)
		rng_next(&a, 0);
	for (stream = 1; stream < RNG_STREAMS; stream++)
		assert_true(rng_next(&a, stream) == rng_next(&b, stream));
	assert_true(rng_next(&a, 1) != rng_next(&a, 2));
}

/* All zero key, nonce and counter: ChaCha20's first published test vector (RFC 8439, A.1, #1). */
static void test_known_answer(void **state)
{
	struct rng rng;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 0), 0);
	assert_true(rng_next(&rng, 0) == UINT64_C(0x903df1a0ade0b876));
}

static void test_below_is_uniform(void **state)
{
	static const uint32_t bounds[] = {3, 5, 7, 100};
	/* chi squared beyond which one run in a million lies, for bound - 1 degrees of freedom */
	static const double most[] = {27.6, 33.4, 38.3, 177};
	struct rng rng;
	size_t b;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	for (b = 0; b < 4; b++) {
		double counts[100] = {0}, mean = 100000.0 / bounds[b], chi2 = 0;
		uint32_t i;

		for (i = 0; i < 100000; i++) {
			uint32_t value = rng_below(&rng, 0, bounds[b]);

			assert_true(value < bounds[b]);
			counts[value]++;
		}
		for (i = 0; i < bounds[b]; i++)
			chi2 += (counts[i] - mean) * (counts[i] - mean) / mean;
		assert_true(chi2 < most[b]);
	}
}

/* Modulo would give the lower third twice as often. */
static void test_below_a_bound_that_does_not_divide(void **state)
{
	const uint32_t bound = UINT32_C(3) << 30;
	struct rng rng;
	int i, low = 0;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	for (i = 0; i < 100000; i++)
		low += rng_below(&rng, 0, bound) < bound / 3;
	assert_in_range(low, 32500, 34200);
}

static void test_below_nothing_to_choose(void **state)
{
	struct rng rng;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	assert_int_equal(rng_below(&rng, 0, 0), 0);
	assert_int_equal(rng_below(&rng, 0, 1), 0);
	assert_int_equal(rng.drawn[0], 0);
}

static void test_unit_is_above_zero(void **state)
{
	struct rng rng;
	double sum = 0;
	int i;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	for (i = 0; i < 100000; i++) {
		double value = rng_unit(&rng, 0);

		assert_true(value > 0 && value <= 1);
		sum += value;
	}
	assert_true(sum > 49500 && sum < 50500);
}

static void test_the_system_does_not_repeat(void **state)
{
	struct rng a, b;
	int i;

	(void)state;
	assert_int_equal(rng_init_system(&a), 0);
	assert_int_equal(rng_init_system(&b), 0);
	for (i = 0; i < 100; i++)
		assert_true(rng_next(&a, 0) != rng_next(&b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_seed_repeats_and_another_differs),
		cmocka_unit_test(test_a_draw_does_not_shift_other_streams),
		cmocka_unit_test(test_known_answer),
		cmocka_unit_test(test_below_is_uniform),
		cmocka_unit_test(test_below_a_bound_that_does_not_divide),
		cmocka_unit_test(test_below_nothing_to_choose),
		cmocka_unit_test(test_unit_is_above_zero),
		cmocka_unit_test(test_the_system_does_not_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
