#include "provision/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/destroy.h"
#include "provision/end_check.h"
#include "provision/make.h"
#include "provision/servers.h"

/* What one run works with. */
struct work {
	const struct job *job;
	const struct plan *plan;
	const char *only; /* NULL: all */
	struct apply_result *result;
	struct make_node *nodes;
	size_t count;
};

static bool is_chosen(const struct work *w, const char *node)
{
	return !w->only || strcmp(w->only, node) == 0;
}

/* The exit lets in the proxies that it was told of. */
static bool is_concerned(const struct work *w, const struct plan_item *item)
{
	return is_chosen(w, item->node) || (item->role == PROVIDER_COMP && item->found);
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

static int begin_nodes(struct work *w, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < w->plan->count; i++) {
		const struct plan_item *item = &w->plan->items[i];
		const struct config_node *want = job_want(w->job, item->node);
		bool goes = item->action == PLAN_DUPLICATE || item->action == PLAN_DESTROY ||
			    state_retires(w->job->state, item->node, item->id);

		if (goes || !want || !is_concerned(w, item) ||
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

	for (size_t i = w->only ? 0 : state->node_count; i-- > 0;)
		if (!job_want(w->job, state->nodes[i].name) && !state_is_retired(&state->nodes[i]))
			state_drop(state, state->nodes[i].name);
	return state->node_count == before ? 0 : state_save(state, e);
}

/* --- set-up ----------------------------------------------------------------------------------- */

/* A server that comes, goes or moves is named in the rules of others; what somebody has changed on
 * one is its own. */
static bool is_to_be_set_up(const struct work *w, const struct make_node *node)
{
	bool moved = false, drifted = false;

	if (node->phase != MAKE_RUNS)
		return false;
	for (size_t i = 0; i < w->plan->count; i++) {
		const struct plan_item *item = &w->plan->items[i];

		if (!item->looked)
			moved |= item->action != PLAN_OK && item->action != PLAN_DRIFT;
		else if (strcmp(item->node, node->want->name) == 0)
			drifted = item->action == PLAN_CHANGE;
	}
	return moved || drifted;
}

static int set_up_servers(struct work *w, struct err *e)
{
	struct server_task *tasks = calloc(w->count + 1, sizeof(*tasks));
	size_t count = 0;
	int ret;

	if (!tasks)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < w->count; i++)
		if (is_to_be_set_up(w, &w->nodes[i]))
			tasks[count++] = (struct server_task){.want = w->nodes[i].want,
							      .fresh = w->nodes[i].fresh};
	ret = servers_run(w->job, SETUP_APPLY, w->job->setup_host, w->job->node_timeout_us, tasks,
			  count, e);
	for (size_t i = 0; i < count; i++) {
		w->result->set_up += tasks[i].done && !tasks[i].error;
		w->result->failed += tasks[i].done && tasks[i].error;
	}
	free(tasks);
	return ret;
}

/* --- all -------------------------------------------------------------------------------------- */

static int check_paths(struct work *w, struct err *e)
{
	struct end_check_result checked;
	int ret = end_check_run(w->job, &checked, e);

	w->result->proved = checked.proved;
	w->result->unproved = checked.failed;
	return ret;
}

/* Also where not all is done: the client can use what works. */
static int write_bundle(struct work *w, struct err *e)
{
	int ret = job_bundle(w->job, e);

	return ret == -ENOENT ? 0 : ret;
}

static int judge(const struct work *w, struct err *e)
{
	if (w->result->failed)
		return err_set(e, -ECANCELED, "%zu of %zu servers failed", w->result->failed,
			       w->count);
	if (w->result->unproved)
		return err_set(e, -ECANCELED, "%zu of %zu paths do not work", w->result->unproved,
			       w->result->unproved + w->result->proved);
	return 0;
}

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
	if (!ret && w->job->setup_host)
		ret = set_up_servers(w, e);
	if (!ret)
		ret = check_paths(w, e);
	if (!ret)
		ret = write_bundle(w, e);
	return ret ? ret : judge(w, e);
}

int apply_run(const struct job *job, const struct plan *plan, const char *only,
	      struct apply_result *result, struct err *e)
{
	struct work w = {.job = job, .plan = plan, .only = only, .result = result};
	int ret;

	*result = (struct apply_result){.failed = 0};
	w.nodes = calloc(job->config->node_count + 1, sizeof(*w.nodes));
	if (!w.nodes)
		return err_set(e, -ENOMEM, "out of memory");
	ret = run(&w, e);
	free(w.nodes);
	return ret;
}
