/* comps provision plan. */
#include "cli/view.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

static void print_item(const struct plan_item *item, FILE *out)
{
	struct view view = {.out = out};
	char what[192] = "";

	if (*item->size)
		snprintf(what, sizeof(what), "%-6s %-18s $%.5f/h  ", item->region, item->size,
			 item->price_hourly);
	view_line(&view, VIEW_PLAIN, "  %c %-16s %-5s %s%s%s%s", plan_action_mark(item->action),
		  *item->node ? item->node : item->id, provider_role_name(item->role), what,
		  *item->ip ? item->ip : item->id, *item->text ? "  " : "", item->text);
}

static void print_firewalls(const struct plan *plan, FILE *out)
{
	for (int role = PROVIDER_VPN; role <= PROVIDER_COMP; role++)
		if (plan->firewalls[role] != PLAN_OK)
			fprintf(out, "  %c firewall of %s\n",
				plan_action_mark(plan->firewalls[role]),
				provider_role_name((enum provider_role)role));
}

void provision_plan_print(const struct provision *p, const struct plan *plan, FILE *out)
{
	if (p->cli->inventory)
		fprintf(out, "network %s on the hosts of %s\n", p->config->network,
			p->cli->inventory);
	else
		fprintf(out, "network %s at %s (%s)\n", p->config->network, p->job.ops->name,
			p->state.api_url);
	for (size_t i = 0; i < plan->count; i++)
		print_item(&plan->items[i], out);
	print_firewalls(plan, out);
	if (!plan_changes(plan))
		fprintf(out, "Plan: no changes.\n");
	else
		fprintf(out, "Plan: %zu to create, %zu to change, %zu to destroy.\n",
			plan->counts[PLAN_CREATE], plan->counts[PLAN_CHANGE],
			plan->counts[PLAN_DESTROY] + plan->counts[PLAN_DUPLICATE]);
	if (plan->counts[PLAN_DRIFT])
		fprintf(out, "%zu to be left as %s (!).\n", plan->counts[PLAN_DRIFT],
			plan->counts[PLAN_DRIFT] == 1 ? "it is" : "they are");
	if (p->cli->inventory)
		return;
	fprintf(out,
		"Cost: about $%.3f/h, $%.0f/month now; $%.3f/h, $%.0f/month after. Each server is "
		"billed for at least one hour.\n",
		plan->hourly_before, plan->monthly_before, plan->hourly_after, plan->monthly_after);
}

static json_t *item_json(const struct plan_item *item)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:f, s:f, s:s}", "action",
			 plan_action_name(item->action), "node", item->node, "role",
			 provider_role_name(item->role), "index", (int)item->index, "id", item->id,
			 "ip", item->ip, "region", item->region, "size", item->size, "price_hourly",
			 item->price_hourly, "price_monthly", item->price_monthly, "text",
			 item->text);
}

json_t *provision_plan_json(const struct provision *p, const struct plan *plan)
{
	json_t *items = json_array();

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(items, item_json(&plan->items[i]));
	return json_pack("{s:s, s:s, s:s, s:b, s:o, s:{s:s, s:s}, s:f, s:f, s:f, s:f}", "event",
			 "plan", "network", p->config->network, "provider", p->job.ops->name,
			 "changes", plan_changes(plan), "items", items, "firewalls", "vpn",
			 plan_action_name(plan->firewalls[PROVIDER_VPN]), "comp",
			 plan_action_name(plan->firewalls[PROVIDER_COMP]), "hourly_before",
			 plan->hourly_before, "monthly_before", plan->monthly_before,
			 "hourly_after", plan->hourly_after, "monthly_after", plan->monthly_after);
}

void provision_plan_show(const struct provision *p, const struct plan *plan)
{
	if (p->cli->json) {
		json_t *json = provision_plan_json(p, plan);

		cli_print_json(p->cli, json);
		json_decref(json);
	} else {
		provision_plan_print(p, plan, p->cli->err);
	}
	fflush(p->cli->out);
}

int provision_plan(struct provision *p)
{
	struct cli *cli = p->cli;
	struct look look;
	json_t *json;
	bool changes;
	int ret = provision_look(p, &look);

	if (ret != CLI_OK)
		return ret;
	json = provision_plan_json(p, &look.plan);
	if (cli->json)
		cli_print_json(cli, json);
	else
		provision_plan_print(p, &look.plan, cli->out);
	if (cli->output && json_dump_file(json, cli->output, JSON_INDENT(2)))
		ret = cli_error(cli, CLI_FAILED, "%s: cannot be written", cli->output);
	json_decref(json);
	changes = plan_changes(&look.plan);
	look_fini(&look);
	if (ret != CLI_OK)
		return ret;
	return cli->detailed && changes ? PROVISION_CHANGES : CLI_OK;
}
