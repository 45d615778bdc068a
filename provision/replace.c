#include "provision/replace.h"

#include <errno.h>
#include <string.h>

#include "provision/client_keys.h"
#include "provision/destroy.h"
#include "provision/end_check.h"
#include "provision/servers.h"

/* --- whether it can be ------------------------------------------------------------------------ */

/* A host that is there already is replaced by the one that the inventory names now. */
static bool is_same_host(const struct job *job, const struct config_node *want,
			 const struct state_node *known)
{
	return job_has_hosts(job) && strncmp(known->id, want->address, sizeof(known->id) - 1) == 0;
}

int replace_begin(const struct job *job, const char *node, struct err *e)
{
	const struct config_node *want = job_want(job, node);
	const struct state_node *known = state_find(job->state, node);

	if (!want)
		return err_set(e, -EINVAL, "there is no server \"%s\"", node);
	if (want->role == PROVIDER_COMP)
		return err_set(e, -EINVAL,
			       "%s is the exit: with another one every connection would break; "
			       "destroy --node %s, then apply",
			       node, node);
	if (state_retired(job->state, node))
		return 0;
	if (!known || known->status != STATE_READY)
		return err_set(e, -EINVAL, "%s is not set up: apply makes it", node);
	if (is_same_host(job, want, known))
		return err_set(e, -EINVAL,
			       "the inventory still has %s for %s: write the new host's address "
			       "there first",
			       known->id, node);
	state_retire(job->state, node);
	return 0;
}

/* --- the client ------------------------------------------------------------------------------- */

static void tell(const struct job *job, const char *node, const char *event)
{
	env_tell(job->env,
		 (struct provision_event){.level = LOG_LEVEL_INFO, .event = event, .node = node});
}

/* The client gets the new path beside the old one. */
static int add_path(const struct job *job, const char *node, struct err *e)
{
	const struct state_node *known = state_find(job->state, node);
	struct live_path found = {.known = true};
	int ret = live_refresh(job, e);

	if (!ret && job->live)
		ret = live_wait(job, known->path, LIVE_UP, &found, e);
	if (!ret && !found.known)
		return err_set(e, -ENOENT,
			       "the daemon here has read its configuration again and knows no path "
			       "%s: it does not read the files that were written",
			       known->path);
	if (!ret)
		tell(job, node, "path.add");
	return ret;
}

static int remove_path(const struct job *job, const char *node, struct err *e)
{
	struct state_node *old = state_retired(job->state, node);
	struct live_path found;
	int ret;

	old->status = STATE_ACTIVE; /* no tunnel leads to it any more */
	ret = state_save(job->state, e);
	if (!ret)
		ret = live_refresh(job, e);
	if (!ret && job->live)
		ret = live_wait(job, old->path, LIVE_GONE, &found, e);
	if (!ret)
		tell(job, node, "path.leave");
	return ret;
}

/* --- the old server --------------------------------------------------------------------------- */

/* A host that is dead, which may be why it is replaced, cannot be cleared. */
static int destroy_old(const struct job *job, const char *node, size_t *destroyed, struct err *e)
{
	struct state_node old = *state_retired(job->state, node);
	const char *id = old.id;
	int ret = destroy_nodes(job, &id, 1, destroyed, e);

	if (ret && (ret != -ECANCELED || !job_has_hosts(job)))
		return ret;
	if (ret)
		env_say(job->env,
			(struct provision_event){.level = LOG_LEVEL_WARN,
						 .event = "node.remove.error",
						 .node = node},
			"%s is left as it is", old.ip);
	state_drop(job->state, old.name);
	ret = state_save(job->state, e);
	return ret ? ret
		   : client_keys_remove(job->state->directory, job->state->network, old.path, e);
}

/* The exit must not let the old one in any more. */
static int tidy(const struct job *job, struct err *e)
{
	struct server_task task = {.want = NULL};
	int ret = job_firewall(job, PROVIDER_COMP, NULL, e);

	for (size_t i = 0; i < job->config->node_count; i++)
		if (job->config->nodes[i].role == PROVIDER_COMP)
			task.want = &job->config->nodes[i];
	if (!ret)
		ret = servers_run(job, SETUP_APPLY, job->setup_host, job->node_timeout_us, &task, 1,
				  e);
	if (!ret && task.error)
		ret = err_set(e, -ECANCELED, "%s: %s", task.want->name, task.why.text);
	return ret ? ret : end_check_all(job, e);
}

/* --- all -------------------------------------------------------------------------------------- */

int replace_run(const struct job *job, const struct plan *plan, const char *node,
		struct apply_result *result, struct err *e)
{
	/* An earlier run may have come so far. */
	bool left = state_retired(job->state, node)->status < STATE_READY;
	struct job making = *job;
	int ret;

	making.bundle = NULL; /* add_path writes it, and has it read */
	ret = left ? 0 : apply_run(&making, plan, node, result, e);

	if (!ret && !left)
		ret = add_path(job, node, e);
	if (!ret && !left && job->live)
		ret = live_leave(job, state_retired(job->state, node)->path, e);
	if (!ret)
		ret = remove_path(job, node, e);
	if (!ret)
		ret = destroy_old(job, node, &result->destroyed, e);
	return ret ? ret : tidy(job, e);
}
