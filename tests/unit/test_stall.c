/* The alarm of a downlink that stopped while the uplink goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/stall.h"

#define MS	INT64_C(1000)
#define POLL_US (10 * MS)

struct fixture {
	struct stall stall;
	struct stall_counters counters;
	struct mono now;
	int64_t round_trip_us;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	stall_init(&f->stall);
	f->now = (struct mono){1000000 * MS};
	f->round_trip_us = 20 * MS;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* The next reading: so many packets left and came since the last one. */
static enum stall_result poll(struct fixture *f, uint64_t tx, uint64_t rx)
{
	f->now = mono_add_us(f->now, POLL_US);
	f->counters.tx_packets += tx;
	f->counters.rx_packets += rx;
	return stall_on_counters(&f->stall, &f->counters, f->round_trip_us, f->now);
}

/* Readings with `tx` packets each until the alarm; how long it took from the first, or -1. */
static int64_t until_alarm_us(struct fixture *f, uint64_t tx)
{
	int64_t us = 0;

	for (; us < 60000 * MS; us += POLL_US) {
		if (poll(f, tx, 0) == STALL_ALARM)
			return us;
	}
	return -1;
}

static void test_traffic_both_ways_is_quiet_or_flowing(void **state)
{
	struct fixture *f = *state;
	int i;

	assert_int_equal(poll(f, 100, 100), STALL_QUIET); /* the first reading */
	for (i = 0; i < 100; i++) {
		assert_int_equal(poll(f, 3, 5), STALL_FLOWING);
		assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
	}
}

static void test_alarm_after_the_base_time(void **state)
{
	struct fixture *f = *state;

	poll(f, 0, 0);
	assert_int_equal(until_alarm_us(f, 2), 40 * MS);
}

static void test_silence_after_steady_reception(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	for (i = 0; i < 10; i++)
		poll(f, 0, 4);
	for (i = 0; i < 3; i++) {
		assert_int_equal(poll(f, 0, 0), STALL_QUIET);
		assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
	}
	assert_int_equal(poll(f, 0, 0), STALL_ALARM);
	for (i = 0; i < 100; i++)
		assert_int_equal(poll(f, 0, 0), STALL_QUIET); /* said once */
	assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_IDLE_US);
}

static void test_silence_after_a_little_is_none(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	for (i = 0; i < 9; i++)
		poll(f, 0, 100); /* not for long */
	for (i = 0; i < 100; i++)
		assert_int_equal(poll(f, 0, 0), STALL_QUIET);
	for (i = 0; i < 39; i++)
		poll(f, 0, 1); /* not much */
	for (i = 0; i < 100; i++)
		assert_int_equal(poll(f, 0, 0), STALL_QUIET);
}

static void test_alarm_waits_for_a_round_trip(void **state)
{
	struct fixture *f = *state;

	poll(f, 0, 0);
	f->round_trip_us = 300 * MS;
	assert_int_equal(until_alarm_us(f, 2), 320 * MS);
}

static void test_unknown_round_trip(void **state)
{
	struct fixture *f = *state;

	poll(f, 0, 0);
	f->round_trip_us = -1;
	assert_int_equal(until_alarm_us(f, 2), 60 * MS);
}

static void test_one_packet_may_just_be_lost(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	poll(f, 1, 0);
	assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
	for (i = 0; i < 100; i++)
		assert_int_equal(poll(f, 0, 0), STALL_QUIET);
	assert_int_equal(poll(f, 1, 0), STALL_ALARM);
}

static void test_an_answer_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(poll(f, 5, 0), STALL_QUIET);
		assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
		assert_int_equal(poll(f, 5, 0), STALL_QUIET);
		assert_int_equal(poll(f, 5, 1), STALL_FLOWING);
	}
}

static void test_our_own_probes_do_not_count(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	for (i = 0; i < 100; i++) {
		f->counters.probes_sent += 4;
		assert_int_equal(poll(f, 4, 0), STALL_QUIET);
	}
	assert_int_not_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
	poll(f, 3, 0);
	f->counters.probes_answered += 4; /* a proxy that answers is no sign of the traffic */
	assert_int_equal(poll(f, 0, 4), STALL_QUIET);
	assert_int_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
}

static void test_probes_that_never_left_are_made_up_for(void **state)
{
	struct fixture *f = *state;

	poll(f, 10, 0);
	f->counters.probes_sent += 5;
	assert_int_equal(poll(f, 0, 0), STALL_QUIET);
	assert_int_not_equal(stall_poll_us(&f->stall), STALL_POLL_BUSY_US);
	assert_true(until_alarm_us(f, 2) > 0);
}

static void test_false_alarms_double_the_patience(void **state)
{
	static const int64_t expected_ms[] = {40,  40,	 40,   80,   160,   320,
					      640, 1280, 2560, 5120, 10000, 10000};
	struct fixture *f = *state;
	size_t i;

	poll(f, 0, 0);
	for (i = 0; i < 12; i++)
		assert_int_equal(until_alarm_us(f, 2), expected_ms[i] * MS);
}

static void test_quiet_time_halves_it_again(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 0, 0);
	for (i = 0; i < 8; i++)
		until_alarm_us(f, 2); /* the next would take 2.56 s */
	for (i = 0; i < 60000 / 10; i++)
		poll(f, i % 2, i % 2);			  /* not steadily */
	assert_int_equal(until_alarm_us(f, 2), 160 * MS); /* four alarms are left */
	for (i = 0; i < 20 * 60000 / 10; i++)
		poll(f, i % 2, i % 2);
	assert_int_equal(until_alarm_us(f, 2), 40 * MS);
}

static void test_a_new_interface_begins_at_zero(void **state)
{
	struct fixture *f = *state;
	int i;

	poll(f, 100000, 100000);
	poll(f, 5, 5);
	f->counters = (struct stall_counters){.tx_packets = 3, .rx_packets = 1};
	assert_int_equal(poll(f, 0, 0), STALL_QUIET);
	for (i = 0; i < 10; i++)
		assert_int_equal(poll(f, 1, 1), STALL_FLOWING);
	assert_int_equal(until_alarm_us(f, 2), 40 * MS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_traffic_both_ways_is_quiet_or_flowing),
		TEST(test_alarm_after_the_base_time),
		TEST(test_silence_after_steady_reception),
		TEST(test_silence_after_a_little_is_none),
		TEST(test_alarm_waits_for_a_round_trip),
		TEST(test_unknown_round_trip),
		TEST(test_one_packet_may_just_be_lost),
		TEST(test_an_answer_ends_the_wait),
		TEST(test_our_own_probes_do_not_count),
		TEST(test_probes_that_never_left_are_made_up_for),
		TEST(test_false_alarms_double_the_patience),
		TEST(test_quiet_time_halves_it_again),
		TEST(test_a_new_interface_begins_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
