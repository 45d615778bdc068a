/* Applying and destroying against a cloud in memory, in virtual time: what only a provider of one's
 * own can show (set-up, deadlines, how often the cloud is asked). The real API is in
 * tests/provision. */
#include "tests/unit/provision_world.h"

/* --- the environment -------------------------------------------------------------------------- */

static struct mono env_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static int64_t env_wall_s(void *arg)
{
	return ((struct world *)arg)->now.us / S;
}

static bool env_stopped(void *arg)
{
	struct world *w = arg;

	return w->stop_after_posts && w->posts >= w->stop_after_posts;
}

static int env_pause(void *arg, int64_t us)
{
	struct world *w = arg;

	w->now = mono_add_us(w->now, us);
	return env_stopped(arg) ? -EINTR : 0;
}

static void env_event(void *arg, const struct provision_event *event)
{
	(void)arg;
	assert_non_null(event->event);
}

static struct world *the_world(const struct setup_input *input)
{
	return (struct world *)((char *)input->config - offsetof(struct world, config));
}

static int fake_set_up(const struct setup_input *input, struct setup_output *out, struct err *e)
{
	struct world *w = the_world(input);
	size_t used = 0;

	if (input->mode == SETUP_CHECK) {
		w->checks++;
		strcpy(out->changed, strcmp(w->drifted, input->node) == 0 ? "wg0 up" : "");
		return strcmp(w->silent, input->node) == 0 ? err_set(e, -EAGAIN, "gone") : 0;
	}
	w->set_ups++;
	assert_memory_equal(input->address, "192.0.2.", 8);
	assert_memory_equal(input->host_key, "ssh-ed25519 ", 12);
	assert_true((input->role == PROVIDER_COMP) == (input->exit_address[0] == '\0'));
	w->last_fresh = input->fresh;
	for (size_t i = 0; i < input->proxy_count; i++)
		used += (size_t)snprintf(w->last_proxies + used, sizeof(w->last_proxies) - used,
					 "%s ", input->proxies[i]);
	if (w->set_up_fails && w->set_up_fails-- == 1)
		return err_set(e, -EIO, "as told");
	snprintf(out->host_key, sizeof(out->host_key), "ssh-ed25519 new-%s", input->node);
	strcpy(out->wg_public, "wg");
	return 0;
}

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
	atomic_fetch_sub(&w->inside, 1);
	return 0;
}

/* --- fixture ---------------------------------------------------------------------------------- */

static void want(struct world *w, size_t proxies)
{
	w->config.nodes = w->wants;
	w->config.node_count = proxies + 1;
	for (size_t i = 0; i <= proxies; i++) {
		w->wants[i] =
			(struct config_node){.region = "r",
					     .size = "s",
					     .role = i < proxies ? PROVIDER_VPN : PROVIDER_COMP,
					     .index = i < proxies ? (unsigned int)i : 0};
		snprintf(w->wants[i].name, sizeof(w->wants[i].name), i < proxies ? "p%zu" : "exit",
			 i);
	}
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e;

	assert_non_null(w);
	*state = w;
	strcpy(w->directory, "/tmp/comps-apply-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	w->now.us = 1000 * (int64_t)S;
	w->boot_us = 20 * (int64_t)S;
	assert_int_equal(rng_init_seed(&w->rng, 3), 0);
	w->env = (struct provision_env){.arg = w,
					.now = env_now,
					.wall_s = env_wall_s,
					.pause = env_pause,
					.stopped = env_stopped,
					.event = env_event,
					.rng = &w->rng};
	strcpy(w->config.network, "net");
	w->config.file = w->directory;
	w->config.port = 51820;
	w->config.ssh.port = 22;
	w->config.admins = &w->admin;
	w->config.admin_count = 1;
	ip_prefix_parse("198.51.100.0/24", &w->admin);
	want(w, 2);
	assert_int_equal(state_open(w->directory, "net", true, "uuid-uuid", &w->state, &e), 0);
	w->job = (struct job){.config = &w->config,
			      .ops = &fake_ops,
			      .provider = w,
			      .env = &w->env,
			      .state = &w->state,
			      .public_key = "ssh-ed25519 AAAA",
			      .poll_us = 3 * S,
			      .node_timeout_us = 600 * (int64_t)S};
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", w->directory);
	state_close(&w->state);
	firewall_fini(&w->firewalls[0]);
	firewall_fini(&w->firewalls[1]);
	free(w);
	return system(command);
}

static int apply(struct world *w, setup_host_fn setup, struct apply_result *result)
{
	struct diags d = DIAGS_INIT;
	struct look look;
	struct err e;
	int ret;

	w->job.setup_host = setup;
	ret = look_run(&w->job, &d, &look, &e);
	assert_int_equal(ret, 0);
	ret = apply_run(&w->job, &look.plan, NULL, result, &e);
	look_fini(&look);
	diags_fini(&d);
	return ret;
}

static bool changes(struct world *w)
{
	struct diags d = DIAGS_INIT;
	struct look look;
	struct err e;
	bool changed;

	assert_int_equal(look_run(&w->job, &d, &look, &e), 0);
	changed = plan_changes(&look.plan);
	look_fini(&look);
	return changed;
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
