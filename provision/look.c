#include "provision/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provision/servers.h"

#define SERVER_US 20000000 /* for a look at one */

void look_fini(struct look *look)
{
	plan_fini(&look->plan);
	provider_nodes_fini(&look->found);
	catalog_fini(&look->catalog);
}

static void check_places(const struct job *job, const struct look *look, struct diags *d)
{
	for (size_t i = 0; i < look->plan.count; i++) {
		const struct plan_item *item = &look->plan.items[i];
		const struct config_node *want = job_want(job, item->node);
		struct err e;

		if (item->action == PLAN_CREATE && want &&
		    catalog_check(&look->catalog, want->region, want->size, &e) < 0)
			diag_error(d, job->config->file, want->line, want->column, "%s: %s",
				   want->name, e.text);
	}
}

/* Of servers that others have in the account we know nothing; what is ours must fit at least. */
static void check_limit(const struct job *job, const struct look *look, struct diags *d)
{
	size_t servers = look->found.count + look->plan.counts[PLAN_CREATE];

	if (look->catalog.node_limit >= 0 && look->plan.counts[PLAN_CREATE] &&
	    servers > (size_t)look->catalog.node_limit)
		diag_error(d, job->config->file, 0, 0,
			   "%zu servers are more than the account may have (%lld); ask the "
			   "provider for a higher limit",
			   servers, (long long)look->catalog.node_limit);
}

static int check_image(const struct job *job, struct diags *d, struct err *e)
{
	int ret = job->ops->image(job->provider, job->config->image, e);

	if (ret != -ENOENT)
		return ret;
	diag_error(d, job->config->file, 0, 0, "image: %s", e->text);
	return 0;
}

static int look_firewall(const struct job *job, enum provider_role role, struct plan *plan,
			 struct err *e)
{
	struct firewall want, found;
	int ret;

	plan->firewalls[role] = PLAN_OK;
	if (!job->ops->firewall_get)
		return 0;
	ret = job->ops->firewall_get(job->provider, job->config->network, role, &found, e);
	plan->firewalls[role] = PLAN_CREATE;
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = job_rules(job, role, &want, e);
	/* New servers have addresses that the rules name. */
	plan->firewalls[role] = !ret && firewall_same(&want, &found) && !plan->server_changes
					? PLAN_OK
					: PLAN_CHANGE;
	firewall_fini(&found);
	if (!ret)
		firewall_fini(&want);
	return ret;
}

/* --- the servers themselves ------------------------------------------------------------------- */

static void take_look(struct look *look, size_t item, const struct server_task *task)
{
	if (task->error) {
		look->silent++;
		plan_looked(&look->plan, item, PLAN_DRIFT, task->why.text);
	} else if (*task->output.changed) {
		plan_looked(&look->plan, item, PLAN_CHANGE, task->output.changed);
	}
}

/* Whether what is set up still is as it should be. */
static int look_at_servers(const struct job *job, struct look *look, struct err *e)
{
	struct server_task *tasks = calloc(look->plan.count + 1, sizeof(*tasks));
	size_t *items = calloc(look->plan.count + 1, sizeof(*items)), count = 0;
	int ret = tasks && items ? 0 : err_set(e, -ENOMEM, "out of memory");

	for (size_t i = 0; !ret && i < look->plan.count; i++) {
		if (look->plan.items[i].action != PLAN_OK)
			continue;
		tasks[count].want = job_want(job, look->plan.items[i].node);
		items[count++] = i;
	}
	if (!ret)
		ret = servers_run(job, SETUP_CHECK, job->setup_host, SERVER_US, tasks, count, e);
	for (size_t i = 0; !ret && i < count; i++)
		take_look(look, items[i], &tasks[i]);
	free(tasks);
	free(items);
	return ret;
}

static int compare(const struct job *job, struct diags *d, struct look *out, struct err *e)
{
	int ret = plan_make(job->config, job->state, &out->found, &out->catalog,
			    job->setup_host != NULL, job_has_hosts(job), &out->plan);

	if (ret)
		return err_set(e, ret, "out of memory");
	check_places(job, out, d);
	check_limit(job, out, d);
	if (out->plan.counts[PLAN_CREATE])
		ret = check_image(job, d, e);
	if (!ret)
		ret = look_firewall(job, PROVIDER_VPN, &out->plan, e);
	if (!ret)
		ret = look_firewall(job, PROVIDER_COMP, &out->plan, e);
	if (!ret && diags_failed(d))
		ret = err_set(e, -EINVAL, "%s cannot be done as it is", job->config->file);
	if (!ret && job->setup_host)
		ret = look_at_servers(job, out, e);
	return ret;
}

int look_run(const struct job *job, struct diags *d, struct look *out, struct err *e)
{
	int ret;

	*out = (struct look){.catalog = CATALOG_INIT};
	ret = job_list(job, &out->found, e);
	if (!ret)
		ret = job->ops->catalog(job->provider, &out->catalog, e);
	if (!ret)
		ret = compare(job, d, out, e);
	if (ret)
		look_fini(out);
	return ret;
}
