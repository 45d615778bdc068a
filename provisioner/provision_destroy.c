/* comps provision destroy, orphans. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/view.h"
#include "provision/destroy.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

static void print_node(const struct provision *p, const struct provider_node *node, FILE *out)
{
	struct view view = {.out = out};

	if (job_has_hosts(&p->job))
		view_line(&view, VIEW_PLAIN, "  - %-16s %-5s %s", node->name,
			  provider_role_name(node->role), node->id);
	else
		view_line(&view, VIEW_PLAIN, "  - %-16s %-5s %-12s %-15s $%.5f/h  %s",
			  *node->name ? node->name : node->title, provider_role_name(node->role),
			  node->id, node->ip, node->price_hourly, node->created);
}

static json_t *node_json(const char *event, const struct provider_node *node)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s}", "event", event, "network",
			 node->network, "node", node->name, "id", node->id, "ip", node->ip, "title",
			 node->title, "price_hourly", node->price_hourly, "created", node->created);
}

static void print_json_node(const struct cli *cli, const char *event,
			    const struct provider_node *node)
{
	json_t *json = node_json(event, node);

	cli_print_json(cli, json);
	json_decref(json);
}

/* --- destroy ---------------------------------------------------------------------------------- */

static bool is_chosen(const struct provision *p, const struct provider_node *node)
{
	return !p->cli->node || strcmp(p->cli->node, node->name) == 0;
}

/* Returns how many there are to destroy. */
static size_t show(const struct provision *p, const struct provider_nodes *list)
{
	double hourly = 0;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct provider_node *node = &list->items[i];

		if (!is_chosen(p, node))
			continue;
		count++;
		hourly += node->price_hourly;
		if (p->cli->json)
			print_json_node(p->cli, "destroy.plan", node);
		else
			print_node(p, node, p->cli->err);
	}
	if (!p->cli->json && job_has_hosts(&p->job))
		fprintf(p->cli->err, "Plan: %zu host%s to clear; they go on running.\n", count,
			count == 1 ? "" : "s");
	else if (!p->cli->json)
		fprintf(p->cli->err,
			"Plan: %zu server%s to destroy; they cost about $%.3f/h now.\n", count,
			count == 1 ? "" : "s", hourly);
	return count;
}

static int destroy_chosen(struct provision *p, const struct provider_nodes *list, size_t *destroyed,
			  struct err *e)
{
	const char **ids = calloc(list->count + 1, sizeof(*ids));
	size_t count = 0;
	int ret;

	if (!ids)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list->count; i++)
		if (is_chosen(p, &list->items[i]))
			ids[count++] = list->items[i].id;
	ret = destroy_nodes(&p->job, ids, count, destroyed, e);
	free(ids);
	return ret;
}

static int do_it(struct provision *p, const struct provider_nodes *list)
{
	struct cli *cli = p->cli;
	size_t destroyed = 0;
	char way[1024];
	struct err e;
	int ret = cli->node ? destroy_chosen(p, list, &destroyed, &e)
			    : destroy_all(&p->job, &destroyed, &e);

	if (cli->json) {
		json_t *json = json_pack("{s:s, s:b, s:I}", "event", "summary", "ok", ret == 0,
					 "destroyed", (json_int_t)destroyed);

		cli_print_json(cli, json);
		json_decref(json);
	} else if (!ret) {
		fprintf(cli->err, "%zu destroyed; nothing of %s %s is left\n", destroyed,
			cli->node ? "node" : "network", cli->node ? cli->node : p->config->network);
	}
	if (!ret)
		return CLI_OK;
	ret = provision_fail(p, ret, &e);
	provision_way(p, "destroy", way, sizeof(way));
	fprintf(cli->err, "to go on from here:      %s\n", way);
	return ret;
}

int provision_destroy(struct provision *p)
{
	struct provider_nodes list;
	struct err e;
	size_t count;
	int ret = job_list(&p->job, &list, &e);

	if (ret)
		return provision_fail(p, ret, &e);
	count = show(p, &list);
	if (p->job.live && !p->cli->node && !p->cli->dry_run) {
		provider_nodes_fini(&list);
		return cli_error(p->cli, CLI_FAILED,
				 "the daemon at %s uses this network, and so may this program: "
				 "`comps down` first",
				 p->live.socket);
	}
	if (p->cli->dry_run) {
		ret = CLI_OK;
	} else if (count == 0 && p->cli->node) {
		fprintf(p->cli->err, "there is nothing to destroy\n");
		ret = CLI_OK;
	} else {
		ret = provision_confirm(p, "There is no way back.", p->config->network)
			      ? do_it(p, &list)
			      : CLI_FAILED;
	}
	provider_nodes_fini(&list);
	return ret;
}

/* --- orphans ---------------------------------------------------------------------------------- */

/* What the states of this machine know. */
struct known {
	const struct provision *p;
	const struct provider_nodes *list;
	bool *is_known; /* by index in the list */
};

static void mark(const struct known *known, const struct state *state)
{
	for (size_t i = 0; i < known->list->count; i++) {
		const struct provider_node *node = &known->list->items[i];

		for (size_t k = 0; k < state->node_count; k++)
			if (strcmp(state->nodes[k].id, node->id) == 0 ||
			    (*node->run && strcmp(state->nodes[k].run, node->run) == 0))
				known->is_known[i] = true;
	}
}

static int look_at_network(void *arg, const char *network)
{
	struct known *known = arg;
	struct state state;
	struct err e;
	int ret = state_open(known->p->state_directory, network, false, NULL, &state, &e);

	if (ret)
		return cli_error(known->p->cli, ret, "%s", e.text);
	mark(known, &state);
	state_close(&state);
	return 0;
}

static void print_orphan(const struct provision *p, const struct provider_node *node)
{
	struct view view = {.out = p->cli->out};

	if (p->cli->json)
		print_json_node(p->cli, "orphan", node);
	else
		view_line(&view, VIEW_PLAIN, "%-12s %-24s network %-12s %-15s $%.5f/h  %s",
			  node->id, node->title, *node->network ? node->network : "?", node->ip,
			  node->price_hourly, node->created);
}

static int print_orphans(struct provision *p, const struct known *known)
{
	size_t count = 0;

	for (size_t i = 0; i < known->list->count; i++) {
		if (known->is_known[i])
			continue;
		print_orphan(p, &known->list->items[i]);
		count++;
	}
	fprintf(p->cli->err, "%zu of %zu servers are known to no network on this machine\n", count,
		known->list->count);
	return CLI_OK;
}

int provision_orphans(struct provision *p)
{
	struct provider_nodes list;
	struct known known = {.p = p, .list = &list};
	struct err e;
	int ret = p->job.ops->node_list(p->job.provider, NULL, &list, &e);

	if (ret)
		return provision_fail(p, ret, &e);
	known.is_known = calloc(list.count + 1, sizeof(*known.is_known));
	if (!known.is_known)
		ret = cli_error(p->cli, CLI_FAILED, "out of memory");
	else if (state_networks(p->state_directory, look_at_network, &known, &e))
		ret = cli_error(p->cli, CLI_FAILED,
				"not every state could be read, so nothing is called an orphan");
	else
		ret = print_orphans(p, &known);
	free(known.is_known);
	provider_nodes_fini(&list);
	return ret;
}
