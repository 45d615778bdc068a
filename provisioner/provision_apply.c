/* comps provision apply. */
#include <errno.h>
#include <string.h>

#include "provision/apply.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

static void print_summary(struct provision *p, const struct apply_result *r, int error,
			  const char *why, double hourly)
{
	struct cli *cli = p->cli;

	if (cli->json) {
		json_t *json = json_pack(
			"{s:s, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
			"event", "summary", "ok", error == 0, "interrupted", error == -EINTR,
			"error", why, "made", (json_int_t)r->made, "adopted",
			(json_int_t)r->adopted, "set_up", (json_int_t)r->set_up, "destroyed",
			(json_int_t)r->destroyed, "failed", (json_int_t)r->failed, "proved",
			(json_int_t)r->proved, "unproved", (json_int_t)r->unproved, "polls",
			(json_int_t)r->polls, "hourly", hourly);

		cli_print_json(cli, json);
		json_decref(json);
		return;
	}
	fprintf(cli->err, "%zu made, %zu adopted, %zu set up, %zu destroyed, %zu failed\n", r->made,
		r->adopted, r->set_up, r->destroyed, r->failed);
	if (r->proved + r->unproved)
		fprintf(cli->err, "%zu of %zu paths work\n", r->proved, r->proved + r->unproved);
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
static void print_ways_on(struct provision *p, const char *verb)
{
	char again[1024], destroy[1024];

	provision_way(p, verb, again, sizeof(again));
	provision_way(p, "destroy", destroy, sizeof(destroy));
	fprintf(p->cli->err, "to go on from here:      %s\nto delete all of it:     %s\n", again,
		destroy);
}

int provision_report(struct provision *p, const char *verb, const struct apply_result *result,
		     int error, const struct err *e)
{
	int status = error ? provision_fail(p, error, e) : CLI_OK;

	p->clock.stopped = false; /* that was obeyed; what it costs is still asked */
	print_summary(p, result, error, error ? e->text : "", error == -EACCES ? -1 : cost_now(p));
	if (error)
		print_ways_on(p, verb);
	return status;
}

static int do_it(struct provision *p, const struct plan *plan)
{
	struct apply_result result;
	struct err e;
	int ret = apply_run(&p->job, plan, p->cli->node, &result, &e);

	ret = provision_report(p, "apply", &result, ret, &e);
	if (ret == CLI_OK && p->job.bundle)
		provision_bundle_ways(p);
	return ret;
}

/* It may be gone, or of another version of this program. */
static int write_bundle(struct provision *p)
{
	struct err e;
	int ret = job_bundle(&p->job, &e);

	return ret && ret != -ENOENT ? provision_fail(p, ret, &e) : CLI_OK;
}

int provision_apply(struct provision *p)
{
	struct look look;
	int ret;

	if (p->cli->node && !job_want(&p->job, p->cli->node))
		return cli_error(p->cli, CLI_USAGE, "%s has no server \"%s\"",
				 p->cli->inventory ? p->cli->inventory : p->config->file,
				 p->cli->node);
	ret = provision_look(p, &look);
	if (ret != CLI_OK)
		return ret;
	provision_plan_show(p, &look.plan);
	if (plan_changes(&look.plan) && !p->cli->dry_run) {
		ret = provision_confirm(p,
					p->cli->inventory ? "This changes these hosts."
							  : "This changes what you pay for.",
					"yes")
			      ? do_it(p, &look.plan)
			      : CLI_FAILED;
	} else if (!p->cli->dry_run && !look.silent) {
		ret = write_bundle(p);
	}
	if (ret == CLI_OK && look.silent)
		ret = cli_error(p->cli, PROVISION_PARTIAL,
				"%zu of the servers could not be looked at", look.silent);
	look_fini(&look);
	return ret;
}
