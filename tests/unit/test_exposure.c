/* What the paths could learn: the known answers of the definitions, on stays that the policies
 * themselves make. */
#include <math.h>
#include <stdio.h>

#include "exposure/exposure.h"
#include "exposure/handover.h"
#include "tests/unit/policy_world.h"

#define STAYS 10000

struct record {
	struct exposure_stay stays[STAYS];
	struct dwell dwells[STAYS];
	double at_s[STAYS], kept_s[STAYS];
	int path[STAYS];
};

static void expect(double value, double wanted, double tolerance)
{
	if (!(fabs(value - wanted) <= tolerance))
		fail_msg("%g, expected %g within %g", value, wanted, tolerance);
}

/* The stays that a policy makes of `paths` paths; `params` are KEY=VALUE, parted by blanks. */
static struct record *live(const char *policy, size_t paths, const char *params)
{
	struct record *r = calloc(1, sizeof(*r));
	char text[200], *rest = text, *param;
	int64_t began_us;
	struct world w;

	assert_non_null(r);
	snprintf(text, sizeof(text), "%s", params);
	world_init(&w, policy, paths, test_seed());
	while ((param = strsep(&rest, " "))) {
		char *value = strchr(param, '=');

		*value++ = '\0';
		world_set(&w, param, value);
	}
	started_on(&w, 0);
	began_us = w.in.now_us;
	for (size_t i = 0; i < STAYS; i++) {
		int64_t from_us = w.in.since_us;

		r->path[i] = w.in.active;
		while (step(&w) == POLICY_KEEP)
			;
		r->at_s[i] = (double)(from_us - began_us) / 1e6;
		r->kept_s[i] = (double)(w.in.since_us - from_us) / 1e6;
		r->dwells[i] = (struct dwell){r->kept_s[i], false};
		r->stays[i] = (struct exposure_stay){.path = r->path[i],
						     .from_s = r->at_s[i],
						     .to_s = r->at_s[i] + r->kept_s[i],
						     .settle_s = NAN};
	}
	world_fini(&w);
	return r;
}

static struct transitions where(const struct record *r, size_t n, size_t paths)
{
	struct transitions t;
	struct rng rng;

	assert_int_equal(rng_init_seed(&rng, 1), 0);
	assert_int_equal(transitions_of(r->path, r->kept_s, n, paths, &rng, &t), 0);
	return t;
}

/* --- where ------------------------------------------------------------------------------------ */

static void test_round_robin_is_foreseen(void **state)
{
	struct record *r = live("round-robin", 3, "interval=1s");
	struct transitions t = where(r, STAYS, 3);

	(void)state;
	expect(t.entropy_bits, 0, 1e-12);
	expect(t.mutual_bits, log2(3), 1e-6);
	expect(t.predictor, 1, 1e-12);
	assert_true(t.p_value < 1e-9);
	transitions_fini(&t);
	free(r);
}

static void test_random_interval_is_not(void **state)
{
	struct record *r = live("random-interval", 5, "interval=2s min=250ms");
	struct transitions t = where(r, STAYS, 5);

	(void)state;
	expect(t.entropy_bits, 2, 0.005);
	expect(t.most_bits, 2, 1e-12);
	assert_true(t.low <= t.entropy_bits && t.entropy_bits <= t.high && t.high - t.low < 0.02);
	expect(t.predictor, 0.25, 0.03);
	expect(t.predictor2, 0.25, 0.03);
	assert_true(t.p_value > 0.001);
	expect(t.joint_bits, 5, 0.02); /* of 4 paths and 8 lengths */
	transitions_fini(&t);
	t = where(r, 50, 5); /* below 10 for each path there is no telling */
	assert_true(isnan(t.entropy_bits) && isnan(t.predictor) && isnan(t.p_value));
	transitions_fini(&t);
	t = where(r, 200, 5); /* the correction: without it 0.05 less */
	expect(t.entropy_bits, 2, 0.06);
	transitions_fini(&t);
	free(r);
}

/* Paths that are drawn by weights, whatever the present one, but for that it is left. */
static void test_uneven_shares_are_no_dependence(void **state)
{
	struct record *r = live("dirichlet", 4, "interval=1s min=0s cap=1 session=30d pause=false");
	struct transitions t = where(r, STAYS, 4);

	(void)state;
	assert_true(t.p_value > 0.001);
	assert_true(t.entropy_bits < t.most_bits);
	transitions_fini(&t);
	free(r);
}

/* --- when ------------------------------------------------------------------------------------- */

static struct dwell_figures when(const char *params)
{
	struct record *r = live("random-interval", 3, params);
	struct dwell_figures f;

	dwell_figures_of(r->dwells, STAYS, 0.1, &f);
	free(r);
	return f;
}

static void test_the_exponential_law_tells_the_least(void **state)
{
	struct dwell_figures f = when("interval=1s min=0s dist=exponential");

	(void)state;
	expect(f.mean_s, 1, 0.04);
	expect(f.cv, 1, 0.02);
	assert_true(f.hazard_flatness < 0.1);
	expect(f.one_shot, 0.095, 0.01);
	expect(f.divergence_nats, 0, 0.03);
	f = when("interval=1s dist=fixed");
	expect(f.cv, 0, 1e-9);
	expect(f.guess, 1, 1e-9);
	expect(f.one_shot, 1, 1e-9);
	assert_true(f.divergence_nats > 3);
	f = when("interval=1s min=0s dist=uniform");
	expect(f.cv, 0.289, 0.01);
	expect(f.one_shot, 0.1, 0.01);
	assert_true(f.hazard_flatness > 0.3);
	f = when("interval=1s min=250ms dist=shifted-exponential");
	expect(f.one_shot, 0.125, 0.012);
	f = when("interval=1s min=0s dist=pareto");
	expect(f.one_shot, 0.325, 0.02);
}

static void test_few_stays_tell_nothing(void **state)
{
	struct dwell few[9] = {{1, false}, {2, false}, {3, true}};
	struct dwell_figures f;

	(void)state;
	dwell_figures_of(few, 3, 0.1, &f);
	expect(f.mean_s, 2, 1e-12);
	expect(f.longest_s, 3, 1e-12);
	assert_int_equal(f.censored, 1);
	assert_true(isnan(f.cv) && isnan(f.guess) && isnan(f.hazard_flatness));
	dwell_figures_of(few, 0, 0.1, &f);
	assert_true(isnan(f.mean_s));
}

/* Stays that a failure cut short are no evidence that stays are short. */
static void test_censored_stays_do_not_bend_the_hazard(void **state)
{
	struct record *r = live("random-interval", 3, "interval=1s min=0s dist=exponential");
	struct dwell_figures f;

	(void)state;
	for (size_t i = 0; i < STAYS; i += 2) {
		if (r->dwells[i].s > 0.5)
			r->dwells[i] = (struct dwell){0.5, true};
	}
	dwell_figures_of(r->dwells, STAYS, 0.1, &f);
	assert_true(f.hazard_flatness < 0.1);
	free(r);
}

static void test_a_grid_shows(void **state)
{
	struct record *r = live("random-interval", 3, "interval=100ms dist=fixed");
	struct dwell_lattice lattice;

	(void)state;
	dwell_lattice_of(r->at_s, 1000, &lattice);
	expect(lattice.score, 1, 0.01);
	expect(lattice.period_s, 0.1, 0.002);
	free(r);
	r = live("random-interval", 3, "interval=1s min=250ms");
	dwell_lattice_of(r->at_s, 1000, &lattice);
	assert_true(lattice.score < lattice.significant);
	for (size_t i = 0; i < 1000; i++)
		r->at_s[i] = round(r->at_s[i] / 0.05) * 0.05; /* a timer of 50 ms */
	dwell_lattice_of(r->at_s, 1000, &lattice);
	expect(lattice.score, 1, 0.01);
	expect(lattice.period_s, 0.05, 0.001);
	dwell_lattice_of(r->at_s, 19, &lattice);
	assert_true(isnan(lattice.score));
	free(r);
	r = live("random-interval", 3, "interval=1s min=0s dist=uniform");
	dwell_lattice_of(r->at_s, 2000, &lattice);
	assert_true(lattice.score < lattice.significant);
	free(r);
}

/* --- how much --------------------------------------------------------------------------------- */

static void test_shares(void **state)
{
	double even[4] = {5, 5, 5, 5}, uneven[3] = {6, 3, 1}, none[2] = {0, 0};
	struct shares s;

	(void)state;
	shares_of(even, 4, &s);
	expect(s.max, 0.25, 1e-12);
	expect(s.entropy_bits, 2, 1e-12);
	expect(s.effective_paths, 4, 1e-12);
	expect(s.min_entropy, 2, 1e-12);
	expect(s.inverse_herfindahl, 4, 1e-12);
	expect(s.top2, 0.5, 1e-12);
	shares_of(uneven, 3, &s);
	expect(s.max, 0.6, 1e-12);
	expect(s.top2, 0.9, 1e-12);
	expect(s.inverse_herfindahl, 1 / 0.46, 1e-9);
	shares_of(none, 2, &s);
	assert_true(isnan(s.max) && isnan(s.effective_paths));
	/* Two of three, or all. */
	expect(shares_seen(even, 3, 0.5, 0.6), 0.5, 1e-12);
	expect(shares_seen(uneven, 3, 0.1, 0.6), 0.1, 1e-12);
	expect(shares_seen(uneven, 3, 0.1, 0.95), 0.001, 1e-12);
}

static void test_windows(void **state)
{
	/* Ten minutes; 1 MB/s, the first path for five, then the second; a pause in the sixth. */
	static double bytes[600][2];
	struct exposure_stay stays[2] = {{.path = 0, .to_s = 300, .bytes = 300e6, .settle_s = 0.1},
					 {.path = 1,
					  .from_s = 300,
					  .to_s = 600,
					  .bytes = 240e6,
					  .settle_s = 0.3,
					  .censored = true}};
	double up[2] = {100e6, 40e6}, down[2] = {200e6, 200e6};
	struct exposure_run run = {.paths = 2,
				   .length_s = 600,
				   .stays = stays,
				   .stay_count = 2,
				   .bytes = &bytes[0][0],
				   .seconds = 600,
				   .up = up,
				   .down = down};
	struct exposure e;
	struct rng rng;

	(void)state;
	for (int i = 0; i < 600; i++)
		bytes[i][i >= 300] = i >= 330 && i < 390 ? 0 : 1e6;
	assert_int_equal(rng_init_seed(&rng, 1), 0);
	assert_int_equal(exposure_of(&run, 60, 0.1, &rng, &e), 0);
	expect(e.time[0], 0.5, 1e-12);
	expect(e.bytes[0], 300e6 / 540e6, 1e-12);
	expect(e.up[0], 100.0 / 140, 1e-12);
	assert_int_equal(e.window[0].max.count, 540); /* of a second: those with traffic */
	expect(e.window[0].max.mean, 1, 1e-12);
	expect(e.window[0].over_80, 1, 1e-12);
	assert_int_equal(e.window[4].max.count, 10);
	assert_true(e.window[5].s == 0);
	assert_int_equal(e.window[5].max.count, 2); /* sessions: before the pause and after it */
	expect(e.window[5].max.max, 1, 1e-12);
	expect(e.window[5].max.p50, 300.0 / 330, 1e-9);
	expect(e.longest_share, 300e6 / 540e6, 1e-12);
	expect(e.lag.mean, 0.2, 1e-12);
	expect(e.misrouted, 0.4 / 600, 1e-12);
	expect(e.exclusivity, -1, 1e-12);
	expect(e.any_10, 0.19, 1e-12);
	assert_true(isnan(e.transitions.entropy_bits) && isnan(e.step));
	exposure_fini(&e);
	run.bytes = NULL;
	assert_int_equal(exposure_of(&run, 60, 0.1, &rng, &e), 0);
	assert_int_equal(e.window[2].max.count, 0);
	exposure_fini(&e);
}

static void test_handover(void **state)
{
	double near[20], far[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		near[i] = 0.010 + 0.001 * (i % 5);
		far[i] = near[i] + 0.050;
	}
	assert_true(handover_step(near, 20, far, 20) > 20);
	expect(handover_overlap(near, 20, far, 20), 0, 1e-12);
	expect(handover_step(near, 20, near, 20), 0, 1e-12);
	expect(handover_overlap(near, 20, near, 20), 1, 1e-9);
	assert_true(isnan(handover_step(near, 9, far, 20)));
	expect(handover_anonymity(1, 5, 1), 1, 1e-12); /* alone */
	expect(handover_anonymity(11, 0.1, 2), 3, 1e-12);
	expect(handover_unique(11, 0.1, 2), exp(-2), 1e-12);
	expect(handover_exclusivity(0.5, 0.5), -1, 1e-12);
	expect(handover_exclusivity(1.0 / 3, 1.0 / 3), -0.5, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_robin_is_foreseen),
		cmocka_unit_test(test_random_interval_is_not),
		cmocka_unit_test(test_uneven_shares_are_no_dependence),
		cmocka_unit_test(test_the_exponential_law_tells_the_least),
		cmocka_unit_test(test_few_stays_tell_nothing),
		cmocka_unit_test(test_censored_stays_do_not_bend_the_hazard),
		cmocka_unit_test(test_a_grid_shows),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_handover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
