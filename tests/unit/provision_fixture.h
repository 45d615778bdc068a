/* provision_fixture: a job for provision_world's cloud, and what the tests do with it. */
#ifndef COMPS_TESTS_UNIT_PROVISION_FIXTURE_H
#define COMPS_TESTS_UNIT_PROVISION_FIXTURE_H

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
	w->rekeys += input->rekey;
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
	strcpy(out->wg_public, WG_PUBLIC);
	strcpy(out->changed, "wg0 up");
	return 0;
}

static int fake_prove(const struct tunnel_check_peer *proxy, const struct tunnel_check_peer *exit,
		      const struct provision_env *env, struct mono deadline,
		      struct tunnel_check_result *out, struct err *e)
{
	struct world *w = env->arg;

	assert_true(mono_diff_us(deadline, w->now) > 0);
	w->proves++;
	w->exit_proves += exit != NULL;
	if (strcmp(proxy->address, w->broken) == 0)
		return err_set(e, -ETIMEDOUT, "the proxy does not answer");
	*out = (struct tunnel_check_result){{1, 1}, {1, 1}};
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
			      .prove = fake_prove,
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

static inline int apply(struct world *w, setup_host_fn setup, struct apply_result *result)
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

static inline bool changes(struct world *w)
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

#endif
