#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probes/probe_fake.h"
#include "probes/prober.h"

#define PATHS	    3
#define INTERVAL_US 1000000
#define RTT_US	    40000
#define START	    ((struct mono){7000000})

static const struct ip address = {.family = AF_INET, .bytes = {10, 1, 1, 1}};

struct fixture {
	struct rng rng;
	struct probe_fake fake;
	struct prober *prober;
	struct mono now;
	int64_t rtt_us; /* the fate of every probe */
	int error;	/* likewise */
	struct probe_packet last;
	uint32_t sent[PATHS][PROBER_TARGETS];
	int last_error;
	int replies;
	struct prober_reply reply;
};

static int64_t fate(void *arg, struct probe_packet *packet)
{
	struct fixture *f = arg;

	f->last = *packet;
	packet->error = f->error;
	return f->rtt_us;
}

static void on_sent(void *arg, size_t path, unsigned int target, uint32_t number, struct mono at,
		    int error)
{
	struct fixture *f = arg;

	assert_int_equal(number, f->sent[path][target]++);
	assert_int_equal(at.us, f->now.us);
	f->last_error = error;
}

static void on_reply(void *arg, const struct prober_reply *reply)
{
	struct fixture *f = arg;

	f->reply = *reply;
	f->replies++;
}

static const struct prober_config config = {
	.path_count = PATHS,
	.interval_us = INTERVAL_US,
	.late_us = 1000000,
	.burst_count = 3,
	.burst_gap_us = 20000,
	.payload_min_bytes = 64,
	.payload_max_bytes = PROBE_PAYLOAD_MAX,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct prober_callbacks callbacks = {on_sent, on_reply, f};

	assert_non_null(f);
	f->now = START;
	f->rtt_us = RTT_US;
	f->fake.fate = fate;
	f->fake.arg = f;
	assert_int_equal(rng_init_seed(&f->rng, 1), 0);
	assert_int_equal(prober_new(&config, (struct probe){&probe_fake_ops, &f->fake}, callbacks,
				    &f->rng, &f->prober),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	prober_free(f->prober);
	free(f);
	return 0;
}

/* Sends the next probe of all. */
static void send_next(struct fixture *f)
{
	f->now = prober_next_deadline(f->prober);
	prober_run(f->prober, f->now);
}

static void receive_at(struct fixture *f, struct mono now)
{
	f->now = now;
	prober_on_readable(f->prober, -1, now);
}

/* Lives through virtual time until `end`. */
static void run_until(struct fixture *f, struct mono end)
{
	for (;;) {
		struct mono reply = probe_fake_next_deadline(&f->fake);
		struct mono due = prober_next_deadline(f->prober);

		if (mono_before(end, mono_earlier(reply, due)))
			return;
		if (mono_before(reply, due))
			receive_at(f, reply);
		else
			send_next(f);
	}
}

static void set_all_targets(struct fixture *f)
{
	unsigned int target;
	size_t path;

	for (path = 0; path < PATHS; path++)
		for (target = 0; target < PROBER_TARGETS; target++)
			prober_set_target(f->prober, path, target, &address, (int)path + 10,
					  f->now);
}

static void refuses_a_bad_configuration(void **state)
{
	struct fixture *f = *state;
	struct probe probe = {&probe_fake_ops, &f->fake};
	struct prober_callbacks callbacks = {on_sent, on_reply, f};
	struct prober_config bad[8];
	struct prober *prober = NULL;
	size_t i;

	for (i = 0; i < 8; i++)
		bad[i] = config;
	bad[0].path_count = 0;
	bad[1].interval_us = 999;
	bad[2].late_us = 0;
	bad[3].burst_count = 0;
	bad[4].burst_gap_us = 0;
	bad[5].payload_min_bytes = PROBE_PAYLOAD_MIN - 1;
	bad[6].payload_max_bytes = PROBE_PAYLOAD_MAX + 1;
	bad[7].payload_max_bytes = bad[7].payload_min_bytes - 1;
	for (i = 0; i < 8; i++)
		assert_int_equal(prober_new(&bad[i], probe, callbacks, &f->rng, &prober), -EINVAL);
	assert_null(prober);
}

static void without_targets_nothing_is_due(void **state)
{
	struct fixture *f = *state;
	struct ip none = {0};

	assert_int_equal(prober_next_deadline(f->prober).us, MONO_NEVER.us);
	prober_set_target(f->prober, 0, 0, &none, 10, f->now);
	assert_int_equal(prober_next_deadline(f->prober).us, MONO_NEVER.us);
	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	assert_int_not_equal(prober_next_deadline(f->prober).us, MONO_NEVER.us);
	prober_set_target(f->prober, 0, 0, NULL, 0, f->now);
	assert_int_equal(prober_next_deadline(f->prober).us, MONO_NEVER.us);
}

static void probes_every_target_and_reports_each_reply(void **state)
{
	struct fixture *f = *state;
	const struct prober_counters *counters = prober_counters(f->prober);
	unsigned int target;
	size_t path;

	set_all_targets(f);
	run_until(f, mono_add_us(START, 200 * (int64_t)INTERVAL_US));
	for (path = 0; path < PATHS; path++)
		for (target = 0; target < PROBER_TARGETS; target++)
			assert_in_range(f->sent[path][target], 160, 240);
	assert_in_range(counters->sent - counters->received, 0, PATHS * PROBER_TARGETS);
	assert_int_equal(f->replies, counters->received);
	assert_int_equal(f->reply.rtt_us, RTT_US);
	assert_int_equal(counters->duplicates + counters->late + counters->unknown +
				 counters->wrong_interface + counters->send_errors,
			 0);
}

static void reads_all_that_waits(void **state)
{
	struct fixture *f = *state;
	struct probe_reply copy;
	int i;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	copy = f->fake.pending[0];
	for (i = 0; i < 3 * PROBE_REPLIES; i++)
		assert_int_equal(probe_fake_inject(&f->fake, &copy), 0);
	receive_at(f, copy.received);
	assert_int_equal(f->replies, 3 * PROBE_REPLIES + 1);
}

static void a_probe_carries_its_target_and_a_random_length(void **state)
{
	struct fixture *f = *state;
	uint16_t shortest = UINT16_MAX, longest = 0;
	int i;

	prober_set_target(f->prober, 2, 1, &address, 77, f->now);
	for (i = 0; i < 300; i++) {
		uint16_t sequence = f->last.sequence, bytes;

		send_next(f);
		bytes = f->last.payload_bytes;
		assert_true(ip_equal(&f->last.to, &address));
		assert_int_equal(f->last.ifindex, 77);
		if (i)
			assert_int_equal(f->last.sequence, (uint16_t)(sequence + 1));
		shortest = bytes < shortest ? bytes : shortest;
		longest = bytes > longest ? bytes : longest;
	}
	assert_in_range(shortest, 64, 128);
	assert_in_range(longest, 1136, PROBE_PAYLOAD_MAX);
}

static void a_changed_target_keeps_its_timer_and_numbers(void **state)
{
	struct fixture *f = *state;
	struct mono due;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	due = prober_next_deadline(f->prober);
	prober_set_target(f->prober, 0, 0, &address, 11, f->now);
	assert_int_equal(prober_next_deadline(f->prober).us, due.us);
	send_next(f);
	assert_int_equal(f->last.ifindex, 11);
	assert_int_equal(f->sent[0][0], 2);
}

static void a_duplicate_is_flagged(void **state)
{
	struct fixture *f = *state;
	struct probe_reply again;

	prober_set_target(f->prober, 1, 0, &address, 10, f->now);
	send_next(f);
	again = f->fake.pending[0];
	receive_at(f, mono_add_us(f->now, RTT_US));
	assert_false(f->reply.duplicate);
	again.received = mono_add_us(f->now, 500);
	assert_int_equal(probe_fake_inject(&f->fake, &again), 0);
	receive_at(f, again.received);
	assert_int_equal(f->replies, 2);
	assert_true(f->reply.duplicate);
	assert_int_equal(f->reply.path, 1);
	assert_int_equal(f->reply.number, 0);
	assert_int_equal(prober_counters(f->prober)->duplicates, 1);
}

static void a_late_reply_is_flagged(void **state)
{
	struct fixture *f = *state;

	f->rtt_us = config.late_us + 1;
	prober_set_target(f->prober, 1, 0, &address, 10, f->now);
	send_next(f);
	receive_at(f, mono_add_us(f->now, f->rtt_us));
	assert_true(f->reply.late);
	assert_int_equal(f->reply.rtt_us, config.late_us + 1);
	assert_int_equal(prober_counters(f->prober)->late, 1);
}

static void a_reply_by_another_interface_is_refused_and_does_not_spoil_the_probe(void **state)
{
	struct fixture *f = *state;
	struct probe_reply wrong;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	wrong = f->fake.pending[0];
	wrong.ifindex = 11;
	wrong.received = f->now;
	assert_int_equal(probe_fake_inject(&f->fake, &wrong), 0);
	receive_at(f, f->now);
	assert_int_equal(f->replies, 0);
	assert_int_equal(prober_counters(f->prober)->wrong_interface, 1);
	receive_at(f, mono_add_us(f->now, RTT_US));
	assert_int_equal(f->replies, 1);
	assert_false(f->reply.duplicate);
}

static void a_forged_reply_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct probe_reply forged;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	forged = f->fake.pending[0];
	forged.token ^= 1;
	forged.received = f->now;
	assert_int_equal(probe_fake_inject(&f->fake, &forged), 0);
	receive_at(f, f->now);
	assert_int_equal(f->replies, 0);
	assert_int_equal(prober_counters(f->prober)->unknown, 1);
}

static void a_timestamp_before_the_sending_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct mono sent;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	sent = f->now;
	f->fake.pending[0].received = mono_add_us(sent, -200000);
	receive_at(f, mono_add_us(sent, 3000));
	assert_int_equal(f->reply.rtt_us, 3000);
}

static void a_send_error_counts_as_sent_and_is_kept_until_one_succeeds(void **state)
{
	struct fixture *f = *state;

	f->error = -ENETUNREACH;
	prober_set_target(f->prober, 0, 1, &address, 10, f->now);
	send_next(f);
	assert_int_equal(f->sent[0][1], 1);
	assert_int_equal(f->last_error, -ENETUNREACH);
	assert_int_equal(prober_send_error(f->prober, 0, 1), -ENETUNREACH);
	assert_int_equal(prober_counters(f->prober)->sent, 1);
	assert_int_equal(prober_counters(f->prober)->send_errors, 1);
	f->error = 0;
	send_next(f);
	assert_int_equal(prober_send_error(f->prober, 0, 1), 0);
	assert_int_equal(prober_counters(f->prober)->send_errors, 1);
}

static void a_burst_reaches_every_target_alike(void **state)
{
	struct fixture *f = *state;
	unsigned int target;
	size_t path;

	set_all_targets(f);
	prober_burst(f->prober, f->now);
	/* The first within one gap, then two gaps of at most 5/4; no steady probe is due so soon.
	 */
	run_until(f, mono_add_us(START, config.burst_gap_us * 7 / 2));
	for (path = 0; path < PATHS; path++)
		for (target = 0; target < PROBER_TARGETS; target++)
			assert_int_equal(f->sent[path][target], config.burst_count);
}

static void after_a_suspend_old_replies_are_unknown(void **state)
{
	struct fixture *f = *state;

	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	f->now = mono_add_us(f->now, 3600000000);
	prober_forget_outstanding(f->prober, f->now);
	receive_at(f, f->now);
	assert_int_equal(f->replies, 0);
	assert_int_equal(prober_counters(f->prober)->unknown, 1);
	assert_true(mono_before(f->now, prober_next_deadline(f->prober)));
	send_next(f);
	receive_at(f, mono_add_us(f->now, RTT_US));
	assert_int_equal(f->replies, 1);
}

static void burst_in_callback(void *arg, const struct prober_reply *reply)
{
	struct fixture *f = arg;

	f->replies++;
	prober_forget_outstanding(f->prober, f->now);
	prober_burst(f->prober, f->now);
	prober_set_target(f->prober, reply->path, 0, NULL, 0, f->now);
}

static void a_callback_may_call_back(void **state)
{
	struct fixture *f = *state;
	struct prober_callbacks callbacks = {on_sent, burst_in_callback, f};

	prober_free(f->prober);
	assert_int_equal(prober_new(&config, (struct probe){&probe_fake_ops, &f->fake}, callbacks,
				    &f->rng, &f->prober),
			 0);
	prober_set_target(f->prober, 0, 0, &address, 10, f->now);
	send_next(f);
	receive_at(f, mono_add_us(f->now, RTT_US));
	assert_int_equal(f->replies, 1);
	assert_int_equal(prober_next_deadline(f->prober).us, MONO_NEVER.us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_bad_configuration),
		TEST(without_targets_nothing_is_due),
		TEST(probes_every_target_and_reports_each_reply),
		TEST(reads_all_that_waits),
		TEST(a_probe_carries_its_target_and_a_random_length),
		TEST(a_changed_target_keeps_its_timer_and_numbers),
		TEST(a_duplicate_is_flagged),
		TEST(a_late_reply_is_flagged),
		TEST(a_reply_by_another_interface_is_refused_and_does_not_spoil_the_probe),
		TEST(a_forged_reply_is_unknown),
		TEST(a_timestamp_before_the_sending_is_not_believed),
		TEST(a_send_error_counts_as_sent_and_is_kept_until_one_succeeds),
		TEST(a_burst_reaches_every_target_alike),
		TEST(after_a_suspend_old_replies_are_unknown),
		TEST(a_callback_may_call_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
