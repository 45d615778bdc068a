/* comps provision status, inventory. */
#include <string.h>

#include "provision/hosts_file.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

int provision_status(struct provision *p)
{
	struct look look;
	int ret = provision_look(p, &look);
	bool drift;

	if (ret != CLI_OK)
		return ret;
	drift = plan_changes(&look.plan) || look.plan.counts[PLAN_DRIFT];
	if (p->cli->json) {
		json_t *json = provision_plan_json(p, &look.plan);

		json_object_set_new(json, "event", json_string("status"));
		json_object_set_new(json, "ok", json_boolean(!drift));
		cli_print_json(p->cli, json);
		json_decref(json);
	} else {
		provision_plan_print(p, &look.plan, p->cli->out);
	}
	look_fini(&look);
	return drift ? PROVISION_DRIFT : CLI_OK;
}

/* The addresses that the cloud tells now, in place of those that were noted. */
static int refresh(struct provision *p)
{
	struct provider_nodes list;
	struct state_node *known;
	struct err e;
	int ret = job_list(&p->job, &list, &e);

	if (ret)
		return provision_fail(p, ret, &e);
	for (size_t i = 0; i < p->state.node_count; i++) {
		known = &p->state.nodes[i];
		known->ip[0] = '\0';
		for (size_t k = 0; k < list.count; k++)
			if (strcmp(list.items[k].id, known->id) == 0)
				strcpy(known->ip, list.items[k].ip);
	}
	provider_nodes_fini(&list);
	return CLI_OK;
}

static json_t *node_json(const struct provision *p, const struct state_node *known)
{
	const struct config_node *want = job_want(&p->job, known->name);
	const struct config_ssh *ssh = want ? &want->ssh : &p->config->ssh;

	return json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s}", "node", known->name, "role",
			 provider_role_name(known->role), "index", (int)known->index, "ip",
			 known->ip, "port", (int)ssh->port, "user", ssh->user, "host_key",
			 known->host_key);
}

static void print_inventory(struct provision *p)
{
	json_t *nodes;

	if (!p->cli->json) {
		hosts_file_write(p->config, &p->state, p->cli->out);
		return;
	}
	nodes = json_array();
	for (size_t i = 0; i < p->state.node_count; i++)
		json_array_append_new(nodes, node_json(p, &p->state.nodes[i]));
	nodes = json_pack("{s:s, s:o}", "network", p->config->network, "nodes", nodes);
	cli_print_json(p->cli, nodes);
	json_decref(nodes);
}

int provision_inventory(struct provision *p)
{
	int ret = refresh(p);

	if (ret == CLI_OK)
		print_inventory(p);
	return ret;
}
