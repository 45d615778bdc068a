/* Applying and destroying against a cloud in memory, in virtual time: what only a provider of one's
 * own can show (set-up, deadlines, how often the cloud is asked). The real API is in
 * tests/provision. */
#include "tests/unit/provision_fixture.h"

/* Waits until a second one is in here as well; that nobody comes is a failure after 10 s. */
static int count_set_up(const struct setup_input *input, struct setup_output *out, struct err *e)
{
	struct world *w = the_world(input);
	unsigned int now = atomic_fetch_add(&w->inside, 1) + 1, most = atomic_load(&w->most);

	(void)e;
	while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
		;
	for (int i = 0; i < 10000 && atomic_load(&w->most) < 2; i++)
		usleep(1000);
	strcpy(out->host_key, "ssh-ed25519 new");
	strcpy(out->wg_public, WG_PUBLIC);
	atomic_fetch_sub(&w->inside, 1);
	return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_set_up_gets_what_it_needs(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(result.made, 3);
	assert_int_equal(result.set_up, 3);
	assert_string_equal(w->last_proxies, "192.0.2.1 192.0.2.2 ");
	assert_true(w->last_fresh);
	assert_int_equal(state_find(&w->state, "p1")->status, STATE_READY);
	assert_string_equal(state_find(&w->state, "p1")->host_key, "ssh-ed25519 new-p1");
	assert_false(changes(w));
	assert_int_equal(w->puts, 4); /* both before the addresses are known, and after */
}

static void test_a_set_up_that_fails_is_gone_on_with(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	w->set_up_fails = 2;
	assert_int_equal(apply(w, fake_set_up, &result), -ECANCELED);
	assert_int_equal(result.set_up, 2);
	assert_int_equal(state_find(&w->state, "p1")->status, STATE_ACTIVE);
	assert_true(changes(w));
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(w->posts, 3);
	assert_false(w->last_fresh); /* the exit was ready */
	assert_false(changes(w));
}

static void test_only_what_has_drifted_is_set_up_again(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	assert_int_equal(apply(w, fake_set_up, &result), 0);
	strcpy(w->drifted, "p1");
	strcpy(w->silent, "p0");
	assert_true(changes(w));
	assert_int_equal(w->checks, 3);
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(result.set_up, 1);
	assert_int_equal(w->set_ups, 4);
	w->drifted[0] = '\0';
	assert_false(changes(w)); /* one that is silent is said, and left alone */
	assert_int_equal(state_find(&w->state, "p0")->status, STATE_READY);
}

static void test_many_at_once(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	want(w, 40);
	w->job.parallel = 8;
	assert_int_equal(apply(w, count_set_up, &result), 0);
	assert_int_equal(result.set_up, 41);
	assert_true(w->most > 1 && w->most <= 8);
	for (size_t i = 0; i < w->state.node_count; i++)
		assert_int_equal(w->state.nodes[i].status, STATE_READY);
}

static void test_one_list_for_all(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	want(w, CONFIG_PROXIES_MAX);
	w->boot_us = 100 * (int64_t)S;
	assert_int_equal(apply(w, NULL, &result), 0);
	assert_int_equal(result.made, NODES);
	assert_int_equal(w->posts, NODES);
	assert_int_equal(w->lists, 1 + result.polls);
	assert_in_range(result.polls, 100 / 3.3, 100 / 2.7 + 2);
}

static void test_asked_for_three_times_at_most(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct mono began = w->now;

	w->create_error = -EINPROGRESS;
	assert_int_equal(apply(w, NULL, &result), -ECANCELED);
	assert_int_equal(result.failed, 3);
	assert_int_equal(w->posts, 9);
	/* a minute each, in which it could have appeared */
	assert_true(mono_diff_us(w->now, began) >= 180 * (int64_t)S);
	w->create_error = 0;
	assert_int_equal(apply(w, NULL, &result), 0);
	assert_int_equal(w->server_count, 3);
}

static void test_a_server_that_never_runs(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct mono began = w->now;

	w->never_runs = true;
	assert_int_equal(apply(w, NULL, &result), -ECANCELED);
	assert_in_range(mono_diff_us(w->now, began), 600 * (int64_t)S, 620 * (int64_t)S);
	assert_int_equal(w->server_count, 3); /* kept: the user decides */
	w->never_runs = false;
	assert_int_equal(apply(w, NULL, &result), 0);
	assert_int_equal(w->posts, 3);
}

static void test_stopped_between_two_servers(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	w->stop_after_posts = 2;
	assert_int_equal(apply(w, NULL, &result), -EINTR);
	assert_int_equal(w->posts, 2);
	w->stop_after_posts = 0;
	assert_int_equal(apply(w, NULL, &result), 0);
	assert_int_equal(w->posts, 3);
}

static void test_a_refused_token_ends_it_at_once(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	w->create_error = -EACCES;
	assert_int_equal(apply(w, NULL, &result), -EACCES);
	assert_int_equal(w->posts, 1);
	assert_int_equal(w->state.node_count, 0);
}

static void test_destroyed(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	size_t destroyed;
	struct err e;

	assert_int_equal(apply(w, NULL, &result), 0);
	assert_int_equal(destroy_all(&w->job, &destroyed, &e), 0);
	assert_int_equal(destroyed, 3);
	assert_int_equal(w->deletes, 3);
	assert_int_equal(w->state.node_count, 0);
	assert_false(w->has_firewall[0] || w->has_firewall[1]);
}

static void test_deletions_that_are_lost(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct mono began;
	size_t destroyed;
	struct err e;

	assert_int_equal(apply(w, NULL, &result), 0);
	w->loses = true;
	began = w->now;
	assert_int_equal(destroy_all(&w->job, &destroyed, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.text, "still there, and costing: 1, 2, 3; look at https://"));
	/* once a minute, not more */
	assert_in_range(w->deletes, 3, 3 * (mono_diff_us(w->now, began) / (60 * S) + 1));
	w->loses = false;
	assert_int_equal(destroy_all(&w->job, &destroyed, &e), 0);
	assert_int_equal(destroyed, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_up_gets_what_it_needs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_set_up_that_fails_is_gone_on_with, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_only_what_has_drifted_is_set_up_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_many_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_list_for_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asked_for_three_times_at_most, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_server_that_never_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stopped_between_two_servers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_refused_token_ends_it_at_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_destroyed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deletions_that_are_lost, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
