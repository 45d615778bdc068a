#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "probes/schedule.h"

#define INTERVAL_US 1000000
#define GAP_US	    20000
#define START	    ((struct mono){5000000})

struct fixture {
	struct rng rng;
	struct schedule schedule;
};

static void init(struct fixture *f, size_t entries)
{
	uint64_t seed = (uint64_t)time(NULL);
	size_t i;

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&f->rng, seed), 0);
	assert_int_equal(schedule_init(&f->schedule, entries, INTERVAL_US, &f->rng), 0);
	for (i = 0; i < entries; i++)
		schedule_start(&f->schedule, i, START);
}

/* Takes the next entry at the very instant of its deadline. */
static struct mono next(struct fixture *f, size_t *entry)
{
	struct mono now = schedule_next_deadline(&f->schedule);

	assert_true(schedule_due(&f->schedule, now, entry));
	return now;
}

static void gaps_follow_the_law(void **state)
{
	enum {
		ROUNDS = 40000
	};
	struct fixture f;
	struct mono now, before;
	double sum = 0, squares = 0, mean;
	size_t entry;
	int i;

	(void)state;
	init(&f, 1);
	before = next(&f, &entry);
	for (i = 0; i < ROUNDS; i++, before = now) {
		double gap;

		now = next(&f, &entry);
		gap = (double)mono_diff_us(now, before);
		assert_true(gap >= INTERVAL_US / 2 && gap <= 3 * INTERVAL_US);
		sum += gap;
		squares += gap * gap;
	}
	mean = sum / ROUNDS;
	/* The deviation of one gap is 0.45 intervals: 0.0125 is five deviations of this mean. */
	assert_true(fabs(mean - INTERVAL_US) < 0.0125 * INTERVAL_US);
	assert_true(sqrt(squares / ROUNDS - mean * mean) > 0.4 * INTERVAL_US);
	schedule_fini(&f.schedule);
}

static void starts_are_spread_over_one_interval(void **state)
{
	enum {
		ENTRIES = 1000,
		TENTHS = 10
	};
	int count[TENTHS] = {0};
	struct fixture f;
	size_t i;

	(void)state;
	init(&f, ENTRIES);
	for (i = 0; i < ENTRIES; i++) {
		int64_t after = mono_diff_us(f.schedule.entries[i].due, START);

		assert_true(after > 0 && after <= INTERVAL_US);
		count[(after - 1) * TENTHS / INTERVAL_US]++;
	}
	for (i = 0; i < TENTHS; i++)
		assert_in_range(count[i], 50, 150); /* 100 expected, deviation 9.5 */
	schedule_fini(&f.schedule);
}

/* The offset of entry 1 behind the latest shot of entry 0 is spread; locked timers would keep it.
 */
static void targets_are_never_in_step(void **state)
{
	enum {
		ROUNDS = 20000,
		BINS = 5
	};
	struct mono last = START;
	int count[BINS] = {0}, seen = 0;
	struct fixture f;
	size_t entry;
	int i;

	(void)state;
	init(&f, 2);
	for (i = 0; i < ROUNDS; i++) {
		struct mono now = next(&f, &entry);
		int64_t offset = mono_diff_us(now, last);

		if (entry == 0)
			last = now;
		else if (offset < INTERVAL_US / 2) {
			count[offset * BINS / (INTERVAL_US / 2)]++;
			seen++;
		}
	}
	for (i = 0; i < BINS; i++)
		assert_true(abs(count[i] - seen / BINS) < seen / BINS / 5);
	schedule_fini(&f.schedule);
}

static void deadlines_come_in_order(void **state)
{
	enum {
		ENTRIES = 500,
		ROUNDS = 50000
	};
	struct mono now, before = START;
	struct fixture f;
	size_t entry, i;

	(void)state;
	init(&f, ENTRIES);
	for (i = 0; i < ROUNDS; i++, before = now) {
		size_t other = rng_below(&f.rng, 0, ENTRIES), running;

		if (rng_below(&f.rng, 0, 4) == 0)
			schedule_stop(&f.schedule, other);
		else if (!schedule_running(&f.schedule, other))
			schedule_start(&f.schedule, other, before);
		now = schedule_next_deadline(&f.schedule);
		for (running = 0; running < ENTRIES && i % 100 == 0; running++)
			if (schedule_running(&f.schedule, running))
				assert_false(mono_before(f.schedule.entries[running].due, now) &&
					     f.schedule.pace_left);
		assert_false(mono_before(now, before));
		assert_true(schedule_due(&f.schedule, now, &entry));
		assert_true(schedule_running(&f.schedule, entry));
	}
	schedule_fini(&f.schedule);
}

static void nothing_is_due_early_or_when_stopped(void **state)
{
	struct fixture f;
	struct mono due;
	size_t entry;

	(void)state;
	init(&f, 1);
	due = schedule_next_deadline(&f.schedule);
	assert_false(schedule_due(&f.schedule, mono_add_us(due, -1), &entry));
	schedule_stop(&f.schedule, 0);
	schedule_stop(&f.schedule, 0);
	assert_false(schedule_due(&f.schedule, due, &entry));
	assert_int_equal(schedule_next_deadline(&f.schedule).us, MONO_NEVER.us);
	schedule_fini(&f.schedule);
}

/* `count` shots of a burst that was asked for at `from`, and the steady one after it. */
static void assert_burst(const struct mono *at, size_t count, struct mono from)
{
	size_t i;

	assert_true(mono_diff_us(at[0], from) <= GAP_US);
	for (i = 1; i < count; i++) {
		int64_t gap = mono_diff_us(at[i], at[i - 1]);

		/* Pacing may delay a shot by a few windows. */
		assert_true(gap >= GAP_US * 3 / 4 - 5 * SCHEDULE_PACE_US);
		assert_true(gap <= GAP_US * 5 / 4 + 5 * SCHEDULE_PACE_US);
	}
	assert_true(mono_diff_us(at[count], at[count - 1]) >= INTERVAL_US / 2);
}

static void a_burst_is_the_same_on_every_target(void **state)
{
	enum {
		ENTRIES = 50,
		BURST = 3
	};
	struct mono at[ENTRIES][BURST + 2];
	size_t taken[ENTRIES] = {0}, entry, whole = 0;
	struct mono now;
	struct fixture f;

	(void)state;
	init(&f, ENTRIES);
	now = mono_add_us(START, 10 * INTERVAL_US);
	while (mono_before(schedule_next_deadline(&f.schedule), now))
		next(&f, &entry);
	schedule_burst(&f.schedule, BURST, GAP_US, now);
	while (whole < ENTRIES) {
		struct mono when = next(&f, &entry);

		if (taken[entry] > BURST)
			continue;
		at[entry][taken[entry]++] = when;
		whole += taken[entry] == BURST + 1;
	}
	for (entry = 0; entry < ENTRIES; entry++)
		assert_burst(at[entry], BURST, now);
	schedule_fini(&f.schedule);
}

static void a_second_burst_renews_the_first(void **state)
{
	struct mono at[6];
	struct fixture f;
	size_t entry, i;

	(void)state;
	init(&f, 1);
	schedule_burst(&f.schedule, 3, GAP_US, START);
	at[0] = next(&f, &entry);
	schedule_burst(&f.schedule, 3, GAP_US, at[0]);
	schedule_burst(&f.schedule, 3, GAP_US, at[0]);
	for (i = 1; i < 5; i++)
		at[i] = next(&f, &entry);
	assert_burst(at + 1, 3, at[0]);
	schedule_fini(&f.schedule);
}

static void a_stopped_target_takes_no_part_in_a_burst(void **state)
{
	struct fixture f;
	size_t entry;
	int i;

	(void)state;
	init(&f, 2);
	schedule_stop(&f.schedule, 0);
	schedule_burst(&f.schedule, 3, GAP_US, START);
	for (i = 0; i < 5; i++) {
		next(&f, &entry);
		assert_int_equal(entry, 1);
	}
	schedule_fini(&f.schedule);
}

static void the_overdue_are_paced(void **state)
{
	enum {
		ENTRIES = 100
	};
	struct mono now = mono_add_us(START, 2 * INTERVAL_US);
	size_t entry, taken, all = 0;
	struct fixture f;

	(void)state;
	init(&f, ENTRIES);
	while (all < ENTRIES) {
		for (taken = 0; schedule_due(&f.schedule, now, &entry); taken++)
			;
		assert_true(taken > 0 && taken <= PROBE_BATCH);
		all += taken;
		if (all < ENTRIES)
			assert_int_equal(mono_diff_us(schedule_next_deadline(&f.schedule), now),
					 SCHEDULE_PACE_US);
		now = schedule_next_deadline(&f.schedule);
	}
	schedule_fini(&f.schedule);
}

static void a_restart_spreads_the_overdue(void **state)
{
	enum {
		ENTRIES = 100
	};
	struct mono wake = mono_add_us(START, 3600 * (int64_t)INTERVAL_US);
	struct fixture f;
	size_t i;

	(void)state;
	init(&f, ENTRIES);
	schedule_burst(&f.schedule, 3, GAP_US, START);
	schedule_stop(&f.schedule, 7);
	schedule_restart(&f.schedule, wake);
	assert_false(schedule_running(&f.schedule, 7));
	for (i = 0; i < ENTRIES; i++) {
		if (i == 7)
			continue;
		assert_true(mono_before(wake, f.schedule.entries[i].due));
		assert_true(mono_diff_us(f.schedule.entries[i].due, wake) <= INTERVAL_US);
		assert_int_equal(f.schedule.entries[i].burst_left, 0);
	}
	schedule_fini(&f.schedule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_follow_the_law),
		cmocka_unit_test(starts_are_spread_over_one_interval),
		cmocka_unit_test(targets_are_never_in_step),
		cmocka_unit_test(deadlines_come_in_order),
		cmocka_unit_test(nothing_is_due_early_or_when_stopped),
		cmocka_unit_test(a_burst_is_the_same_on_every_target),
		cmocka_unit_test(a_second_burst_renews_the_first),
		cmocka_unit_test(a_stopped_target_takes_no_part_in_a_burst),
		cmocka_unit_test(the_overdue_are_paced),
		cmocka_unit_test(a_restart_spreads_the_overdue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
