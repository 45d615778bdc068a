/* Page loads: reading them, splitting them by policies and by the literature's schedulers, and the
 * classical attack on the parts. */
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

#include "cells/attack.h"
#include "cells/generate.h"
#include "cells/views.h"
#include "conf/policy_params.h"
#include "policies/registry.h"

#define SITES 8
#define LOADS 20
#define PATHS 3

static const struct split_config config = {
	.paths = PATHS, .owd_s = {0.010, 0.025, 0.045}, .downlink = SPLIT_FOLLOW, .kicks = 2};

static int read_text(const char *text, struct packets *out, struct err *err)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int ret;

	assert_non_null(in);
	ret = packets_read(in, "x", out, err);
	fclose(in);
	return ret;
}

static void expect_packet(const struct packets *p, size_t i, double s, int size)
{
	assert_true(i < p->count);
	assert_true(fabs(p->items[i].s - s) < 1e-9);
	assert_int_equal(p->items[i].size, size);
}

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		int first, second;
		bool sized;
	} forms[] = {
		{"0.5\t1\n0.75\t-1\n", PACKETS_CELL, -PACKETS_CELL, false},
		{"10 1\r\n\n10.25 -1.0\n", PACKETS_CELL, -PACKETS_CELL, false},
		{"0.5\t100\n0.75\t-1500", 100, -1500, true},
		{"0.5,1,80\n0.75,-1,1400\n", 80, -1400, true},
		{"0.5 1 7 80\n0.75 -1 7 1400\n", 80, -1400, true},
		{"1000000,s\n251000000,r\n", PACKETS_CELL, -PACKETS_CELL, false},
		{"0,s,80\n250000000,r,1400\n", 80, -1400, true},
		{"1000000000 1\n1250000000 -1\n", PACKETS_CELL, -PACKETS_CELL, false},
	};
	struct packets p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (read_text(forms[i].text, &p, &err))
			fail_msg("%s", err.text);
		assert_int_equal(p.count, 2);
		assert_int_equal(p.sized, forms[i].sized);
		expect_packet(&p, 0, 0, forms[i].first);
		expect_packet(&p, 1, 0.25, forms[i].second);
		packets_fini(&p);
	}
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"0 1\n1 x\n", "x:2: is neither"},	 {"0 1\nnan 1\n", "x:2: is neither"},
		{"0 1\n0.5 0\n", "x:2: is neither"},	 {"0\n", "x:1: is neither"},
		{"0 1 2 3 4\n", "x:1: is neither"},	 {"0 1 99999999\n", "x:1: is neither"},
		{"1 1\n0.5 1\n", "x:2: time goes back"}, {"\n\n", "x: holds no packets"},
	};
	struct packets p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_text(bad[i].text, &p, &err), -EBADMSG);
		if (!strstr(err.text, bad[i].why))
			fail_msg("%s", err.text);
	}
}

/* --- splitting -------------------------------------------------------------------------------- */

static void load(struct packets *out, unsigned int site, unsigned int number)
{
	assert_int_equal(generate_load(1, site, number, out), 0);
}

/* `params` as comps replay has them: "interval=1s,dist=fixed". */
static void split(struct packets *p, const struct split_config *c, const char *policy,
		  const char *params, uint64_t seed, struct split_result *out)
{
	const struct policy_ops *ops = registry_find(policy);
	union policy_value *values;
	struct rng rng;
	struct err err;

	assert_non_null(ops);
	assert_int_equal(conf_policy_values_parse(ops, params, &values, &err), 0);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	if (split_by_policy(p, c, ops, values, &rng, out, &err))
		fail_msg("%s", err.text);
	free(values);
}

static void test_nothing_is_lost_and_all_repeats(void **state)
{
	struct split_result result;
	struct packets p, again, before;
	size_t up = 0;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		load(&before, i % SITES, i);
		load(&p, i % SITES, i);
		load(&again, i % SITES, i);
		split(&p, &config, "dirichlet", "interval=300ms,min=0s,cap=1", i, &result);
		split(&again, &config, "dirichlet", "interval=300ms,min=0s,cap=1", i, &result);
		assert_int_equal(p.count, before.count);
		assert_memory_equal(p.items, again.items, p.count * sizeof(*p.items));
		for (size_t j = 0; j < p.count; j++) {
			assert_in_range(p.items[j].path, 0, PATHS - 1);
			assert_true(j == 0 || p.items[j].s >= p.items[j - 1].s);
			up += p.items[j].size > 0;
			up -= before.items[j].size > 0;
		}
		packets_fini(&p);
		packets_fini(&again);
		packets_fini(&before);
	}
	assert_int_equal(up, 0);
}

/* Without delays the server follows at once. */
static void test_without_delays_nothing_is_misrouted(void **state)
{
	struct split_config near = {.paths = PATHS, .downlink = SPLIT_FOLLOW, .kicks = 1};
	struct split_result result;
	struct packets p, before;

	(void)state;
	load(&before, 1, 1);
	load(&p, 1, 1);
	split(&p, &near, "round-robin", "interval=100ms", 1, &result);
	assert_true(result.migrations > 10);
	assert_true(result.misrouted == 0);
	for (size_t i = 0; i < p.count; i++)
		assert_true(p.items[i].s == before.items[i].s);
	packets_fini(&p);
	packets_fini(&before);
}

/* The client sends every 10 ms, the server all the time, and one migration goes from a slow path to
 * a fast one: with the last packet of the slow one the server goes back; the second kick comes
 * later. */
static double misrouted_by(unsigned int kicks, double *back_s)
{
	struct split_config c = {.paths = 2, .owd_s = {0.100, 0.005}, .kicks = kicks};
	struct split_result result;
	struct packets p = {NULL, 0, 0, false};
	bool fast = false;

	for (int i = 0; i < 3000; i++) {
		/* Silent from just before the migration on, but for its kicks. */
		bool up = i % 10 == 0 && i < 1000;

		assert_int_equal(
			packets_add(&p, (struct packet){.s = i / 1000.0, .size = up ? 100 : -100}),
			0);
	}
	split(&p, &c, "round-robin", "interval=1s", 1, &result);
	*back_s = -1;
	for (size_t i = 0; i < p.count; i++) {
		if (p.items[i].size > 0 || p.items[i].s > 1.9)
			continue;
		if (fast && p.items[i].path == 0 && p.items[i].s - 0.1 > 1.0)
			*back_s = p.items[i].s;
		fast |= p.items[i].path == 1;
	}
	packets_fini(&p);
	return result.misrouted;
}

static void test_late_packets_lead_the_server_back(void **state)
{
	double none_s, one_s, two_s, none = misrouted_by(0, &none_s);
	double one = misrouted_by(1, &one_s), two = misrouted_by(2, &two_s);

	(void)state;
	assert_true(none > one && one > two);
	assert_true(one_s > 1.5); /* it went back and stayed there */
	assert_true(two_s < 1.3); /* it went back for the difference of the delays only */
}

/* Moves on with every hundredth packet that came. */
static void decide_by_hundreds(void *state, const struct policy_input *in,
			       struct policy_answer *out)
{
	uint64_t came = 0;

	(void)state;
	for (size_t i = 0; i < in->path_count; i++)
		came += in->paths[i].rx_packets;
	if (in->event != POLICY_MIGRATED && came / 100 % in->path_count != (uint64_t)in->active)
		out->path = (int)(came / 100 % in->path_count);
}

/* A policy that minds figures is asked after what came to the client too, while it says nothing. */
static void test_figures_change_with_what_comes(void **state)
{
	static const struct policy_ops by_hundreds = {
		.name = "by-hundreds", .minds_figures = true, .decide = decide_by_hundreds};
	struct packets p = {NULL, 0, 0, false};
	struct split_result result;
	struct rng rng;
	struct err err;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	for (int i = 0; i <= 3000; i++)
		assert_int_equal(
			packets_add(&p, (struct packet){.s = i / 1000.0, .size = i ? -100 : 100}),
			0);
	assert_int_equal(split_by_policy(&p, &config, &by_hundreds, NULL, &rng, &result, &err), 0);
	assert_int_equal(result.migrations, 30);
	packets_fini(&p);
}

/* --- the literature --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* How many packets each batch of one direction has, sorted, but for the last one. */
static size_t batches(enum split_compat compat, int *out, size_t room)
{
	struct packets p = {NULL, 0, 0, false};
	struct split_result result;
	size_t count = 0;
	struct rng rng;
	int n = 0;

	assert_int_equal(rng_init_seed(&rng, 7), 0);
	for (int i = 0; i < 200000; i++)
		assert_int_equal(packets_add(&p, (struct packet){.s = i / 1000.0, .size = 1}), 0);
	split_by_compat(&p, 5, compat, &rng, &result);
	for (size_t i = 0; i < p.count && count < room; i++) {
		if (i && p.items[i].batch != p.items[i - 1].batch) {
			out[count++] = n;
			n = 0;
		}
		n++;
	}
	qsort(out, count, sizeof(*out), compare);
	packets_fini(&p);
	return count;
}

static void test_batches_of_the_literature(void **state)
{
	static int size[20000];
	size_t n = batches(SPLIT_BWR_PAPER, size, 20000), i;
	double sum = 0;

	(void)state;
	assert_in_range(size[0], 50, 70);
	assert_in_range(size[n - 1], 50, 70);
	n = batches(SPLIT_BWR_ACTUAL, size, 20000);
	assert_in_range(size[n / 2], 39, 45);
	n = batches(SPLIT_HYWF, size, 20000);
	for (i = 0; i < n; i++)
		sum += size[i];
	assert_true(fabs(sum / (double)n - 20.5) < 1);
	n = batches(SPLIT_COMPS_INDEPENDENT, size, 20000);
	assert_int_equal(size[n / 2], 100);
}

/* --- views ------------------------------------------------------------------------------------ */

/* Three bursts of ten packets, the i-th packet on path `i` modulo `paths`. */
static void bursts(struct packets *p, int paths)
{
	memset(p, 0, sizeof(*p));
	for (int i = 0; i < 30; i++)
		assert_int_equal(packets_add(p, (struct packet){.s = i / 10 + i % 10 * 0.01,
								.size = i % 3 ? -1000 : 100,
								.path = i % paths}),
				 0);
}

static void test_views(void **state)
{
	struct views_divergence d;
	struct views_bursts b;
	struct packets p;

	(void)state;
	bursts(&p, 1);
	views_bursts_of(&p, 3, &b);
	assert_int_equal(b.count, 3);
	assert_true(b.whole == 1 && b.whole_bytes == 1 && b.busiest == 1);
	views_divergence_of(&p, 0, &d);
	assert_true(d.kl_bits == 0 && d.js_bits == 0 && d.cumul == 0);
	views_divergence_of(&p, 1, &d);
	assert_true(isnan(d.js_bits)); /* it saw nothing */
	packets_fini(&p);
	bursts(&p, 3); /* path 0 sees all that the client sends, and nothing else */
	views_bursts_of(&p, 3, &b);
	assert_true(b.whole == 0 && b.busiest > 1.0 / 3 && b.busiest < 0.7);
	views_divergence_of(&p, 0, &d);
	assert_true(d.js_bits > 0.1 && d.js_bits < 1 && d.kl_bits > d.js_bits && d.cumul > 0.5);
	packets_fini(&p);
	bursts(&p, 1);
	p.count = 4;
	views_bursts_of(&p, 1, &b);
	assert_true(b.count == 0 && isnan(b.whole)); /* too short for a burst */
	packets_fini(&p);
}

/* --- the attack ------------------------------------------------------------------------------- */

/* Eight sites with twenty loads each, split by the policy. */
static struct attack_result attack(const char *policy, const char *params)
{
	static struct packets loads[SITES * LOADS];
	static struct attack_load list[SITES * LOADS];
	struct split_result split_result;
	struct attack_result result;
	struct err err;

	for (unsigned int i = 0; i < SITES * LOADS; i++) {
		load(&loads[i], i / LOADS, i % LOADS);
		split(&loads[i], &config, policy, params, i, &split_result);
		list[i] = (struct attack_load){(int)(i / LOADS), i % 4 != 3, &loads[i]};
	}
	if (attack_run(list, SITES * LOADS, PATHS, NULL, NULL, &result, &err))
		fail_msg("%s", err.text);
	for (unsigned int i = 0; i < SITES * LOADS; i++)
		packets_fini(&loads[i]);
	return result;
}

/* As with real page loads: quick even splitting helps less than one path for each load; uneven and
 * random splitting helps against the observer of the busiest path. */
static void test_the_order_of_the_schedulers(void **state)
{
	struct attack_result pinned = attack("pinned-random", "");
	struct attack_result even = attack("round-robin", "interval=100ms");
	struct attack_result uneven = attack("dirichlet", "interval=100ms,dist=fixed,cap=1");
	struct attack_result slow = attack("dirichlet", "interval=1s,min=250ms");

	(void)state;
	assert_int_equal(pinned.sites, SITES);
	assert_int_equal(pinned.known, SITES * LOADS * 3 / 4);
	assert_true(pinned.whole > 0.9);
	/* Seen from any path it is there in a third of the loads: within three standard errors. */
	assert_true(fabs(pinned.random_path - pinned.whole / 3) < 3 * sqrt(2.0 / 9 / 40));
	assert_true(pinned.busiest > 0.9);
	assert_true(even.random_path > uneven.random_path);
	assert_true(even.random_path > pinned.random_path + 0.2);
	assert_true(slow.busiest < pinned.busiest - 0.1);
	assert_true(slow.two_paths > slow.random_path);
}

static void test_too_few_loads(void **state)
{
	struct attack_load loads[2];
	struct attack_result result;
	struct packets p;
	struct err err;

	(void)state;
	load(&p, 0, 0);
	loads[0] = (struct attack_load){0, true, &p};
	loads[1] = (struct attack_load){0, false, &p};
	assert_int_equal(attack_run(loads, 2, PATHS, NULL, NULL, &result, &err), -EINVAL);
	assert_non_null(strstr(err.text, "two sites"));
	loads[1].site = 1;
	assert_int_equal(attack_run(loads, 2, PATHS, NULL, NULL, &result, &err), -EINVAL);
	assert_non_null(strstr(err.text, "too few loads"));
	packets_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_nothing_is_lost_and_all_repeats),
		cmocka_unit_test(test_without_delays_nothing_is_misrouted),
		cmocka_unit_test(test_late_packets_lead_the_server_back),
		cmocka_unit_test(test_figures_change_with_what_comes),
		cmocka_unit_test(test_batches_of_the_literature),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_the_order_of_the_schedulers),
		cmocka_unit_test(test_too_few_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
