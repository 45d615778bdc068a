#include "provision/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/destroy.h"
#include "provision/make.h"

/* What one run works with. */
struct work {
	const struct job *job;
	const struct plan *plan;
	const struct apply_options *options;
	struct apply_result *result;
	struct make_node *nodes;
	size_t count;
};

static bool is_chosen(const struct work *w, const char *node)
{
	return !w->options->only || strcmp(w->options->only, node) == 0;
}

/* --- before the servers ----------------------------------------------------------------------- */

static int ensure_key(const struct job *job, struct err *e)
{
	struct state *state = job->state;
	char id[PROVIDER_ID_BYTES], name[64];
	bool ours = false;
	int ret;

	if (job->key_id) {
		snprintf(id, sizeof(id), "%s", job->key_id);
	} else {
		/* The name is unique, so that after a crash we know a key of ours again. */
		snprintf(name, sizeof(name), "comps-%s-%.8s", state->network, state->uuid);
		ret = job->ops->key_ensure(job->provider, name, job->public_key, id, &ours, e);
		if (ret)
			return err_prefix(e, ret, "ssh key");
	}
	if (strcmp(id, state->key_id) == 0 && ours == state->key_ours)
		return 0;
	strcpy(state->key_id, id);
	state->key_ours = ours;
	return state_save(state, e);
}

static int prepare(const struct job *job, struct err *e)
{
	int ret = state_save(job->state, e); /* if that does not work, nothing is begun */

	if (!ret)
		ret = job->ops->labels_ensure(job->provider, job->config->network, e);
	if (!ret)
		ret = ensure_key(job, e);
	if (!ret)
		ret = job_firewall(job, PROVIDER_VPN, NULL, e);
	return ret ? ret : job_firewall(job, PROVIDER_COMP, NULL, e);
}

/* --- the servers ------------------------------------------------------------------------------ */

static const struct config_node *want_of(const struct job *job, const char *name)
{
	for (size_t i = 0; i < job->config->node_count; i++)
		if (strcmp(job->config->nodes[i].name, name) == 0)
			return &job->config->nodes[i];
	return NULL;
}

static int begin_nodes(struct work *w, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < w->plan->count; i++) {
		const struct plan_item *item = &w->plan->items[i];
		const struct config_node *want = want_of(w->job, item->node);
		bool goes = item->action == PLAN_DUPLICATE || item->action == PLAN_DESTROY;

		if (goes || !want || !is_chosen(w, item->node) ||
		    (item->found && item->found->status == PROVIDER_OFF))
			continue;
		ret = make_begin(w->job, item, want, &w->nodes[w->count++], e);
	}
	return ret;
}

static void count_nodes(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct make_node *node = &w->nodes[i];

		if (node->phase == MAKE_FAILED)
			w->result->failed++;
		else if (node->phase == MAKE_RUNS && node->posts)
			w->result->made++;
		else if (node->phase == MAKE_RUNS && node->adopted)
			w->result->adopted++;
	}
}

static int make_nodes(struct work *w, struct err *e)
{
	struct provider_nodes found = {.items = NULL};
	int ret;

	/* What the plan found, as a list again. */
	found.items = calloc(w->plan->count + 1, sizeof(*found.items));
	if (!found.items)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < w->plan->count; i++)
		if (w->plan->items[i].found)
			found.items[found.count++] = *w->plan->items[i].found;
	ret = make_run(w->job, w->nodes, w->count, &found, &w->result->polls, e);
	provider_nodes_fini(&found);
	count_nodes(w);
	return ret;
}

/* --- after them ------------------------------------------------------------------------------- */

static int destroy_surplus(struct work *w, struct err *e)
{
	const char **ids = calloc(w->plan->count + 1, sizeof(*ids));
	size_t count = 0;
	int ret;

	if (!ids)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < w->plan->count; i++) {
		const struct plan_item *item = &w->plan->items[i];

		if ((item->action == PLAN_DUPLICATE || item->action == PLAN_DESTROY) &&
		    is_chosen(w, item->node))
			ids[count++] = item->id;
	}
	ret = destroy_nodes(w->job, ids, count, &w->result->destroyed, e);
	free(ids);
	return ret;
}

/* Entries of servers that are neither wanted nor there. */
static int drop_stale(struct work *w, struct err *e)
{
	struct state *state = w->job->state;
	size_t before = state->node_count;

	for (size_t i = state->node_count; i-- > 0;)
		if (!want_of(w->job, state->nodes[i].name))
			state_drop(state, state->nodes[i].name);
	return state->node_count == before ? 0 : state_save(state, e);
}

/* --- set-up ----------------------------------------------------------------------------------- */

/* The proxies' addresses in their order; returns how many. */
static size_t list_proxies(const struct job *job, const char **out)
{
	size_t count = 0;

	for (size_t i = 0; i < job->config->node_count; i++) {
		const struct config_node *want = &job->config->nodes[i];
		const struct state_node *known = state_find(job->state, want->name);

		if (want->role == PROVIDER_VPN && known && *known->ip)
			out[count++] = known->ip;
	}
	return count;
}

static const char *exit_address(const struct job *job)
{
	for (size_t i = 0; i < job->state->node_count; i++)
		if (job->state->nodes[i].role == PROVIDER_COMP)
			return job->state->nodes[i].ip;
	return "";
}

static uint32_t exit_port(const struct provision_config *config)
{
	for (size_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].role == PROVIDER_COMP)
			return config->nodes[i].port;
	return config->port;
}

static int set_up_one(struct work *w, const struct make_node *node, struct err *e)
{
	const struct job *job = w->job;
	struct state_node *known = state_find(job->state, node->want->name);
	const char *proxies[CONFIG_PROXIES_MAX];
	struct setup_input in = {
		.config = job->config,
		.env = job->env,
		.state_directory = job->state->directory,
		.node = known->name,
		.role = known->role,
		.index = known->index,
		.address = known->ip,
		.identity = *node->want->ssh.key ? node->want->ssh.key : NULL,
		.host_key = known->host_key,
		.fresh = node->fresh && known->status < STATE_READY,
		.ssh = &node->want->ssh,
		.port = node->want->port,
		.exit_address = known->role == PROVIDER_COMP ? "" : exit_address(job),
		.exit_port = exit_port(job->config),
		.proxies = proxies,
		.deadline = mono_add_us(job->env->now(job->env->arg), job->node_timeout_us),
	};
	struct setup_output out = {.host_key = ""};
	int ret;

	in.proxy_count = list_proxies(job, proxies);
	ret = w->options->setup_host(&in, &out, e);
	if (ret)
		return ret;
	strcpy(known->host_key, out.host_key);
	strcpy(known->wg_public, out.wg_public);
	known->status = STATE_READY;
	return state_save(job->state, e);
}

static int set_up_all(struct work *w, struct err *e)
{
	const struct provision_env *env = w->job->env;
	struct err why;
	int ret = 0;

	for (size_t i = 0; !ret && i < w->count; i++) {
		const struct make_node *node = &w->nodes[i];
		struct provision_event event = {.level = LOG_LEVEL_INFO,
						.event = "node.setup.start",
						.node = node->want->name};
		struct mono began = env->now(env->arg);

		if (node->phase != MAKE_RUNS)
			continue;
		if (env->stopped(env->arg))
			return err_set(e, -EINTR, "interrupted");
		env_tell(env, event);
		ret = set_up_one(w, node, &why);
		event.elapsed_us = mono_diff_us(env->now(env->arg), began);
		event.event = ret ? "node.setup.error" : "node.setup.done";
		event.level = ret ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
		event.text = ret ? why.text : NULL;
		env_tell(env, event);
		w->result->set_up += ret == 0;
		if (ret == -EINTR)
			return err_set(e, ret, "interrupted");
		w->result->failed += ret != 0;
		ret = 0;
	}
	return ret;
}

/* --- all -------------------------------------------------------------------------------------- */

static int run(struct work *w, struct err *e)
{
	int ret = prepare(w->job, e);

	if (!ret)
		ret = begin_nodes(w, e);
	if (!ret)
		ret = make_nodes(w, e);
	if (!ret)
		ret = destroy_surplus(w, e);
	if (!ret)
		ret = drop_stale(w, e);
	/* Now that the addresses are known. */
	if (!ret)
		ret = job_firewall(w->job, PROVIDER_VPN, NULL, e);
	if (!ret)
		ret = job_firewall(w->job, PROVIDER_COMP, NULL, e);
	if (!ret)
		ret = job_firewalls_settle(w->job, e);
	if (!ret && w->options->setup_host)
		ret = set_up_all(w, e);
	if (!ret && w->result->failed)
		ret = err_set(e, -ECANCELED, "%zu of %zu servers failed", w->result->failed,
			      w->count);
	return ret;
}

int apply_run(const struct job *job, const struct plan *plan, const struct apply_options *options,
	      struct apply_result *result, struct err *e)
{
	struct work w = {.job = job, .plan = plan, .options = options, .result = result};
	int ret;

	*result = (struct apply_result){.failed = 0};
	w.nodes = calloc(job->config->node_count + 1, sizeof(*w.nodes));
	if (!w.nodes)
		return err_set(e, -ENOMEM, "out of memory");
	ret = run(&w, e);
	free(w.nodes);
	return ret;
}
