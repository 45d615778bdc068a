/* What the targets say about the paths, and all paths together about what is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/path.h"

#define MS    INT64_C(1000)
#define PATHS 3

static const struct path_stats_config config = {
	.window = 20,
	.up_after = 3,
	.down_after = 4,
	.timeout_min_us = 50 * MS,
	.timeout_max_us = 1000 * MS,
};

struct fixture {
	struct paths paths;
	struct mono now;
	uint32_t number[PATHS][PATH_TARGETS];
	bool dead[PATHS][PATH_TARGETS];
	unsigned int effects; /* since they were last looked at */
	int bursts;
};

static void note(struct fixture *f, unsigned int effects)
{
	f->effects |= effects;
	f->bursts += (effects & PATHS_BURST) != 0;
}

static int setup(void **state)
{
	static const char *const names[] = {"ams", "fra", "waw"};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = (struct mono){1000000 * MS};
	assert_int_equal(paths_init(&f->paths, PATHS, &config, f->now), 0);
	for (size_t i = 0; i < PATHS; i++) {
		struct path *path = &f->paths.path[i];

		path->name = path->interface = names[i];
		path->priority = (uint32_t)i + 1;
		path->link_up = true;
		path->probed[PATH_TARGET_PROXY] = path->probed[PATH_TARGET_EXIT] = true;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	paths_fini(&f->paths);
	free(f);
	return 0;
}

static void pass(struct fixture *f, int64_t us)
{
	f->now = mono_add_us(f->now, us);
	note(f, paths_on_time(&f->paths, f->now));
}

static void probe(struct fixture *f, size_t path, enum path_target target)
{
	uint32_t number = f->number[path][target]++;

	if (!f->paths.path[path].probed[target])
		return;
	paths_on_sent(&f->paths, path, target, number, f->now);
	if (!f->dead[path][target])
		note(f, paths_on_reply(&f->paths, path, target, number, 20 * MS, f->now));
}

/* Rounds of probes to all targets, 200 ms apart; all answers come at once. */
static void live(struct fixture *f, int rounds)
{
	size_t i;

	for (; rounds > 0; rounds--) {
		for (i = 0; i < PATHS; i++) {
			probe(f, i, PATH_TARGET_PROXY);
			probe(f, i, PATH_TARGET_EXIT);
		}
		pass(f, 200 * MS);
	}
}

static void kill_target(struct fixture *f, enum path_target target, bool dead)
{
	size_t i;

	for (i = 0; i < PATHS; i++)
		f->dead[i][target] = dead;
}

static void expect_states(struct fixture *f, enum path_state a, enum path_state b,
			  enum path_state c)
{
	assert_int_equal(f->paths.path[0].state, a);
	assert_int_equal(f->paths.path[1].state, b);
	assert_int_equal(f->paths.path[2].state, c);
}

/* --- faults --- */

static void test_all_is_well(void **state)
{
	struct fixture *f = *state;

	expect_states(f, PATH_UNKNOWN, PATH_UNKNOWN, PATH_UNKNOWN);
	live(f, 3);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
}

static void test_a_proxy_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	f->dead[1][PATH_TARGET_PROXY] = f->dead[1][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_PROXY);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
}

static void test_a_leg_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	f->dead[1][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_PROXY_EXIT);
}

static void test_the_exit_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_DOWN, PATH_DOWN);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_EXIT);
	assert_int_equal(paths_fault(&f->paths, 2), PATH_FAULT_EXIT);
	kill_target(f, PATH_TARGET_EXIT, false);
	live(f, 4);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_NONE);
}

static void test_the_uplink_dies(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	kill_target(f, PATH_TARGET_PROXY, true);
	live(f, 10);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_UPLINK);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_UPLINK);
}

static void test_a_dead_proxy_while_the_exit_is_dead(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	f->dead[0][PATH_TARGET_PROXY] = true;
	live(f, 10);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_PROXY);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_EXIT);
}

static void test_an_exit_that_drops_pings_judges_nobody(void **state)
{
	struct fixture *f = *state;

	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 20);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 0), PATH_FAULT_NONE);
	f->dead[0][PATH_TARGET_PROXY] = true;
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_UP, PATH_UP);
}

static void test_without_a_proxy_target_the_exit_judges(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < PATHS; i++)
		f->paths.path[i].probed[PATH_TARGET_PROXY] = false;
	live(f, 3);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	f->dead[2][PATH_TARGET_EXIT] = true;
	live(f, 10);
	expect_states(f, PATH_UP, PATH_UP, PATH_DOWN);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	assert_int_equal(paths_common_fault(&f->paths), PATH_FAULT_EXIT);
}

/* The first path to hear the exit must not cast doubt on those that have heard their proxy. */
static void test_the_change_of_judge_is_no_fault(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < PATHS; i++)
		probe(f, i, PATH_TARGET_PROXY);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	f->effects = 0;
	probe(f, 0, PATH_TARGET_EXIT);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_int_equal(f->effects, 0);
	kill_target(f, PATH_TARGET_EXIT, true);
	for (i = 0; i < 4; i++)
		probe(f, 1, PATH_TARGET_EXIT);
	pass(f, 1000 * MS);
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
}

/* --- links --- */

static void test_a_link_goes_and_comes(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	expect_states(f, PATH_UP, PATH_DOWN, PATH_UP);
	assert_int_equal(paths_fault(&f->paths, 1), PATH_FAULT_INTERFACE);
	assert_true(f->effects & PATHS_BURST);
	f->effects = 0;
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	assert_int_equal(f->effects, 0);
	note(f, paths_on_link(&f->paths, 1, true, f->now));
	expect_states(f, PATH_UP, PATH_UNKNOWN, PATH_UP);
	assert_int_equal(f->paths.path[1].target[PATH_TARGET_EXIT].srtt_us, -1);
	live(f, 1);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
}

static void test_a_new_link_is_not_up_while_the_exit_is_dead(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 10);
	note(f, paths_on_link(&f->paths, 1, false, f->now));
	note(f, paths_on_link(&f->paths, 1, true, f->now));
	live(f, 1);
	expect_states(f, PATH_DOWN, PATH_UNKNOWN, PATH_DOWN);
	live(f, 10);
	expect_states(f, PATH_DOWN, PATH_DOWN, PATH_DOWN);
}

static void test_one_path_cannot_tell_its_fault_from_a_common_one(void **state)
{
	struct paths paths;
	struct mono now = {0};
	int i;

	(void)state;
	assert_int_equal(paths_init(&paths, 1, &config, now), 0);
	paths.path[0].link_up = paths.path[0].probed[PATH_TARGET_PROXY] = true;
	for (i = 0; i < 4; i++)
		paths_on_sent(&paths, 0, PATH_TARGET_PROXY, (uint32_t)i, now);
	paths_on_time(&paths, (struct mono){2000 * MS});
	assert_int_equal(paths.path[0].state, PATH_DOWN);
	assert_int_equal(paths_common_fault(&paths), PATH_FAULT_NONE);
	assert_int_equal(paths_fault(&paths, 0), PATH_FAULT_PROXY);
	paths_fini(&paths);
}

/* --- bursts --- */

/* One lost probe to the exit on path 0, and time for it to be missed. */
static void lose_one(struct fixture *f)
{
	f->dead[0][PATH_TARGET_EXIT] = true;
	pass(f, 1);
	probe(f, 0, PATH_TARGET_EXIT);
	pass(f, 60 * MS);
	f->dead[0][PATH_TARGET_EXIT] = false;
}

static void test_a_suspicion_asks_for_one_burst(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	f->effects = 0;
	lose_one(f);
	assert_int_equal(f->effects, PATHS_BURST | PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	lose_one(f);
	assert_int_equal(f->bursts, 1);
}

static void test_bursts_are_limited_and_wait_for_their_turn(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 5; i++) {
		lose_one(f);
		assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
		if (i < 4)
			probe(f, 0, PATH_TARGET_EXIT);
	}
	assert_int_equal(f->bursts, 3);
	pass(f, 1000 * MS); /* still suspected when the next token comes */
	assert_int_equal(f->bursts, 4);
}

static void test_a_suspicion_that_cleared_up_needs_no_burst(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 5; i++) {
		lose_one(f);
		probe(f, 0, PATH_TARGET_EXIT);
	}
	pass(f, 1000 * MS);
	assert_int_equal(f->bursts, 3);
}

static void test_the_first_answer_of_a_dead_path_asks_for_a_burst(void **state)
{
	struct fixture *f = *state;

	live(f, 3);
	kill_target(f, PATH_TARGET_EXIT, true);
	live(f, 30);
	kill_target(f, PATH_TARGET_EXIT, false);
	f->bursts = 0;
	probe(f, 2, PATH_TARGET_PROXY); /* it answered all the time */
	assert_int_equal(f->bursts, 0);
	probe(f, 2, PATH_TARGET_EXIT);
	assert_int_equal(f->bursts, 1);
}

/* --- traffic --- */

static unsigned int read_counters(struct fixture *f, bool active, uint64_t tx, uint64_t rx)
{
	struct path_counters counters = f->paths.path[0].counters;

	counters.tx_packets += tx;
	counters.rx_packets += rx;
	f->now = mono_add_us(f->now, 25 * MS);
	f->paths.path[0].counters = counters;
	return paths_on_stall(&f->paths, 0, paths_watch(&f->paths, 0, active, &counters, f->now),
			      f->now);
}

static void test_a_stalled_downlink_raises_a_suspicion(void **state)
{
	struct fixture *f = *state;
	unsigned int effects = 0;
	int i;

	live(f, 10);
	for (i = 0; i < 20 && !effects; i++)
		effects = read_counters(f, true, 5, 0);
	assert_int_equal(effects, PATHS_BURST | PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	assert_int_equal(read_counters(f, true, 5, 5), PATHS_CHANGED);
	assert_int_equal(f->paths.path[0].state, PATH_UP);
}

static void test_only_the_active_path_can_stall(void **state)
{
	struct fixture *f = *state;
	int i;

	live(f, 10);
	for (i = 0; i < 100; i++)
		assert_int_equal(read_counters(f, false, 5, 0), 0);
}

static void test_incoming_data_clears_a_suspicion(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	read_counters(f, true, 0, 0);
	lose_one(f);
	assert_int_equal(f->paths.path[0].state, PATH_SUSPECT);
	read_counters(f, true, 0, 1);
	assert_int_equal(f->paths.path[0].state, PATH_UP);
}

/* --- the rest --- */

static void test_a_suspicion_is_no_transition(void **state)
{
	struct fixture *f = *state;
	struct path_view views[PATHS];
	uint32_t transitions;

	live(f, 10);
	transitions = f->paths.path[0].transitions;
	lose_one(f);
	paths_view(&f->paths, f->now, views);
	assert_int_equal(views[0].state, PATH_SUSPECT);
	assert_int_equal(views[0].policy.up_for_us, 10 * 200 * MS + 60 * MS + 1);
	live(f, 1);
	assert_int_equal(f->paths.path[0].transitions, transitions);
}

static void test_views(void **state)
{
	struct fixture *f = *state;
	struct path_view views[PATHS];

	f->dead[2][PATH_TARGET_EXIT] = true;
	live(f, 10);
	paths_view(&f->paths, f->now, views);
	assert_int_equal(paths_find(&f->paths, "fra"), 1);
	assert_int_equal(paths_find(&f->paths, "nowhere"), -1);
	assert_string_equal(views[1].policy.name, "fra");
	assert_int_equal(views[1].policy.priority, 2);
	assert_int_equal(views[1].policy.srtt_us, 20 * MS);
	assert_int_equal(views[1].policy.rtt_min_us, 20 * MS);
	assert_true(views[1].policy.loss == 0);
	assert_int_equal(views[1].confirmed.us, f->now.us - 200 * MS);
	assert_int_equal(views[2].state, PATH_DOWN);
	assert_int_equal(views[2].policy.up_for_us, 0);
	assert_true(views[2].policy.loss == 1);
	assert_true(views[2].confirmed.us == MONO_LONG_AGO.us);
}

static void test_resume_blames_nobody(void **state)
{
	struct fixture *f = *state;

	live(f, 10);
	lose_one(f);
	kill_target(f, PATH_TARGET_EXIT, true);
	probe(f, 1, PATH_TARGET_EXIT);
	f->now = mono_add_us(f->now, 3600 * 1000 * MS);
	paths_on_resume(&f->paths, f->now);
	pass(f, 0);
	expect_states(f, PATH_UP, PATH_UP, PATH_UP);
	assert_true(paths_next_deadline(&f->paths).us == MONO_NEVER.us);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_well),
		TEST(test_a_proxy_dies),
		TEST(test_a_leg_dies),
		TEST(test_the_exit_dies),
		TEST(test_the_uplink_dies),
		TEST(test_a_dead_proxy_while_the_exit_is_dead),
		TEST(test_an_exit_that_drops_pings_judges_nobody),
		TEST(test_without_a_proxy_target_the_exit_judges),
		TEST(test_the_change_of_judge_is_no_fault),
		TEST(test_a_link_goes_and_comes),
		TEST(test_a_new_link_is_not_up_while_the_exit_is_dead),
		TEST(test_one_path_cannot_tell_its_fault_from_a_common_one),
		TEST(test_a_suspicion_asks_for_one_burst),
		TEST(test_bursts_are_limited_and_wait_for_their_turn),
		TEST(test_a_suspicion_that_cleared_up_needs_no_burst),
		TEST(test_the_first_answer_of_a_dead_path_asks_for_a_burst),
		TEST(test_a_stalled_downlink_raises_a_suspicion),
		TEST(test_only_the_active_path_can_stall),
		TEST(test_incoming_data_clears_a_suspicion),
		TEST(test_a_suspicion_is_no_transition),
		TEST(test_views),
		TEST(test_resume_blames_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
