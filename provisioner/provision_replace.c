/* comps provision replace. */
#include "provision/replace.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

static int do_it(struct provision *p, const struct plan *plan)
{
	struct apply_result result;
	char verb[PROVIDER_NAME_BYTES + 16];
	struct err e;
	int ret = replace_run(&p->job, plan, p->cli->node, &result, &e);

	/* Once the old one is gone, what is left to do is nothing special. */
	snprintf(verb, sizeof(verb), "replace %s", p->cli->node);
	return provision_report(p, state_retired(&p->state, p->cli->node) ? verb : "apply", &result,
				ret, &e);
}

int provision_replace(struct provision *p)
{
	struct look look;
	struct err e;
	int ret = replace_begin(&p->job, p->cli->node, &e);

	if (ret)
		return cli_error(p->cli, CLI_FAILED, "%s", e.text);
	ret = provision_look(p, &look);
	if (ret != CLI_OK)
		return ret;
	provision_plan_show(p, &look.plan);
	if (!p->job.live)
		fprintf(p->cli->err, "No daemon that uses this network listens at %s.\n",
			p->cli->socket);
	ret = provision_confirm(p, "The old server goes at the end.", "yes") ? do_it(p, &look.plan)
									     : CLI_FAILED;
	look_fini(&look);
	return ret;
}
