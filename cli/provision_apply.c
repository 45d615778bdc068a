/* comps provision apply. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/provision.h"
#include "provision/apply.h"

static void print_summary(struct provision *p, const struct apply_result *r, int error,
			  const char *why, double hourly)
{
	struct cli *cli = p->cli;

	if (cli->json) {
		json_t *json = json_pack(
			"{s:s, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "event",
			"summary", "ok", error == 0, "interrupted", error == -EINTR, "error", why,
			"made", (json_int_t)r->made, "adopted", (json_int_t)r->adopted, "set_up",
			(json_int_t)r->set_up, "destroyed", (json_int_t)r->destroyed, "failed",
			(json_int_t)r->failed, "polls", (json_int_t)r->polls, "hourly", hourly);

		cli_print_json(cli, json);
		json_decref(json);
		return;
	}
	fprintf(cli->err, "%zu made, %zu adopted, %zu set up, %zu destroyed, %zu failed\n", r->made,
		r->adopted, r->set_up, r->destroyed, r->failed);
	if (hourly >= 0 && !cli->inventory)
		fprintf(cli->err, "running now: about $%.3f/h\n", hourly);
}

/* What runs now costs so much; below 0 where that cannot be found out. */
static double cost_now(struct provision *p)
{
	struct provider_nodes list;
	double hourly = 0;
	struct err e;

	if (job_list(&p->job, &list, &e))
		return -1;
	for (size_t i = 0; i < list.count; i++)
		hourly += list.items[i].price_hourly;
	provider_nodes_fini(&list);
	return hourly;
}

/* Both ways on; whatever runs goes on costing until one of them is taken. */
static void print_ways_on(struct provision *p)
{
	char apply[1024], destroy[1024];

	provision_way(p, "apply", apply, sizeof(apply));
	provision_way(p, "destroy", destroy, sizeof(destroy));
	fprintf(p->cli->err, "to go on from here:      %s\nto delete all of it:     %s\n", apply,
		destroy);
}

static int do_it(struct provision *p, const struct plan *plan)
{
	struct apply_result result;
	struct err e;
	int ret = apply_run(&p->job, plan, p->cli->node, &result, &e), status = CLI_OK;

	if (ret)
		status = provision_fail(p, ret, &e);
	p->clock.stopped = false; /* that was obeyed; what it costs is still asked */
	print_summary(p, &result, ret, ret ? e.text : "", ret == -EACCES ? -1 : cost_now(p));
	if (ret)
		print_ways_on(p);
	return status;
}

static int show(struct provision *p, const struct plan *plan)
{
	if (p->cli->json) {
		json_t *json = provision_plan_json(p, plan);

		cli_print_json(p->cli, json);
		json_decref(json);
	} else {
		provision_plan_print(p, plan, p->cli->err);
	}
	return fflush(p->cli->out);
}

static bool is_known(const struct provision *p, const char *node)
{
	for (size_t i = 0; i < p->config->node_count; i++)
		if (strcmp(p->config->nodes[i].name, node) == 0)
			return true;
	return false;
}

static int apply(struct provision *p)
{
	struct look look;
	int ret;

	if (p->cli->node && !is_known(p, p->cli->node))
		return cli_error(p->cli, CLI_USAGE, "%s has no server \"%s\"",
				 p->cli->inventory ? p->cli->inventory : p->config->file,
				 p->cli->node);
	ret = provision_look(p, &look);
	if (ret != CLI_OK)
		return ret;
	show(p, &look.plan);
	if (plan_changes(&look.plan) && !p->cli->dry_run) {
		ret = provision_confirm(p,
					p->cli->inventory ? "This changes these hosts."
							  : "This changes what you pay for.",
					"yes")
			      ? do_it(p, &look.plan)
			      : CLI_FAILED;
	}
	if (ret == CLI_OK && look.silent)
		ret = cli_error(p->cli, PROVISION_PARTIAL,
				"%zu of the servers could not be looked at", look.silent);
	look_fini(&look);
	return ret;
}

int provision_apply(struct cli *cli)
{
	struct provision p = {.cli = cli};
	int ret = provision_open(&p, !cli->dry_run, true);

	if (ret == CLI_OK)
		ret = apply(&p);
	provision_close(&p);
	return ret;
}
