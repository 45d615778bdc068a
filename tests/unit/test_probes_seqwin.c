#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/rng.h"
#include "probes/seqwin.h"

static uint16_t add(struct seqwin *window, uint32_t number, uint32_t token)
{
	uint16_t sequence;
	struct seqwin_entry *entry = seqwin_add(window, &sequence);

	entry->number = number;
	entry->token = token;
	return sequence;
}

static void finds_what_was_added(void **state)
{
	struct seqwin window;
	struct seqwin_entry *entry;
	uint16_t sequence;

	(void)state;
	assert_int_equal(seqwin_init(&window, 8, 1234), 0);
	sequence = add(&window, 7, 99);
	assert_int_equal(sequence, 1234);
	entry = seqwin_find(&window, sequence, 99);
	assert_non_null(entry);
	assert_int_equal(entry->number, 7);
	assert_false(entry->answered);
	seqwin_fini(&window);
}

static void knows_no_other_number_or_token(void **state)
{
	struct seqwin window;
	uint32_t sequence;

	(void)state;
	assert_int_equal(seqwin_init(&window, 8, 65534), 0);
	for (sequence = 0; sequence < 65536; sequence++)
		assert_null(seqwin_find(&window, (uint16_t)sequence, 0));
	add(&window, 1, 5);
	for (sequence = 0; sequence < 65536; sequence++)
		assert_int_equal(seqwin_find(&window, (uint16_t)sequence, 5) != NULL,
				 sequence == 65534);
	assert_null(seqwin_find(&window, 65534, 6));
	seqwin_fini(&window);
}

static void remembers_an_answer(void **state)
{
	struct seqwin window;
	uint16_t sequence;

	(void)state;
	assert_int_equal(seqwin_init(&window, 8, 0), 0);
	sequence = add(&window, 1, 5);
	seqwin_find(&window, sequence, 5)->answered = true;
	assert_true(seqwin_find(&window, sequence, 5)->answered);
	seqwin_fini(&window);
}

static void a_new_probe_is_not_answered_by_its_predecessor(void **state)
{
	struct seqwin window;
	uint16_t sequence;
	int i;

	(void)state;
	assert_int_equal(seqwin_init(&window, 4, 0), 0);
	sequence = add(&window, 1, 5);
	seqwin_find(&window, sequence, 5)->answered = true;
	for (i = 0; i < 4; i++)
		sequence = add(&window, 2, 6);
	assert_false(seqwin_find(&window, sequence, 6)->answered);
	seqwin_fini(&window);
}

static void forgets_all_and_numbers_on(void **state)
{
	struct seqwin window;
	uint16_t old;

	(void)state;
	assert_int_equal(seqwin_init(&window, 8, 100), 0);
	old = add(&window, 1, 5);
	seqwin_forget(&window);
	assert_null(seqwin_find(&window, old, 5));
	assert_int_equal(add(&window, 2, 5), 101);
	assert_null(seqwin_find(&window, old, 5));
	assert_non_null(seqwin_find(&window, 101, 5));
	seqwin_fini(&window);
}

/* Against a plain list of everything ever sent: exactly the latest `capacity` are found. */
static void holds_the_latest_through_every_wrap(void **state)
{
	enum {
		SENT = 200000
	};
	uint64_t seed = (uint64_t)time(NULL);
	uint16_t *sequences = calloc(SENT, sizeof(*sequences));
	struct seqwin window;
	struct rng rng;
	uint32_t i;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	assert_int_equal(seqwin_init(&window, 1000, (uint16_t)rng_next(&rng, 0)), 0);
	assert_int_equal(window.capacity, 1024);
	for (i = 0; i < SENT; i++) {
		uint32_t age = rng_below(&rng, 0, 2048);
		struct seqwin_entry *entry;

		sequences[i] = add(&window, i, i);
		if (age > i)
			continue;
		entry = seqwin_find(&window, sequences[i - age], i - age);
		assert_int_equal(entry != NULL, age < 1024);
		if (entry)
			assert_int_equal(entry->number, i - age);
	}
	seqwin_fini(&window);
	free(sequences);
}

static void the_largest_window_covers_all_numbers(void **state)
{
	struct seqwin window;
	uint32_t i;

	(void)state;
	assert_int_equal(seqwin_init(&window, (size_t)1 << 30, 7), 0);
	assert_int_equal(window.capacity, SEQWIN_CAPACITY_MAX);
	for (i = 0; i < 65537; i++)
		add(&window, i, i);
	assert_null(seqwin_find(&window, 7, 0)); /* its number was given again */
	assert_int_equal(seqwin_find(&window, 7, 65536)->number, 65536);
	assert_int_equal(seqwin_find(&window, 8, 1)->number, 1);
	seqwin_fini(&window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(knows_no_other_number_or_token),
		cmocka_unit_test(remembers_an_answer),
		cmocka_unit_test(a_new_probe_is_not_answered_by_its_predecessor),
		cmocka_unit_test(forgets_all_and_numbers_on),
		cmocka_unit_test(holds_the_latest_through_every_wrap),
		cmocka_unit_test(the_largest_window_covers_all_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
