#include "provision/destroy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/clear.h"
#include "provision/retry.h"

#define LOCKED_US                                                                                  \
	120000000	  /* so long a locked server is waited for: a DELETE may be lost before    \
			   */
#define AGAIN_US 60000000 /* many DELETEs of one server have got accounts flagged */

struct target {
	char id[PROVIDER_ID_BYTES], name[PROVIDER_NAME_BYTES];
	struct mono began, asked; /* asked: MONO_LONG_AGO for never */
	bool here;
};

struct targets {
	struct target *items;
	size_t count;
};

static struct mono now(const struct job *job)
{
	return job->env->now(job->env->arg);
}

static struct target *target_of(struct targets *targets, const char *id)
{
	for (size_t i = 0; i < targets->count; i++)
		if (strcmp(targets->items[i].id, id) == 0)
			return &targets->items[i];
	return NULL;
}

static struct target *add_target(const struct job *job, struct targets *targets, const char *id)
{
	struct target *grown = reallocarray(targets->items, targets->count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	targets->items = grown;
	grown += targets->count++;
	*grown = (struct target){.began = now(job), .asked = MONO_LONG_AGO};
	snprintf(grown->id, sizeof(grown->id), "%s", id);
	return grown;
}

static void tell(const struct job *job, const struct target *target, const char *name)
{
	struct provision_event event = {.level = LOG_LEVEL_INFO,
					.event = name,
					.node = *target->name ? target->name : target->id,
					.id = target->id,
					.elapsed_us = mono_diff_us(now(job), target->began)};

	env_tell(job->env, event);
}

/* --- one look --------------------------------------------------------------------------------- */

static int ask(const struct job *job, struct target *target, const struct provider_node *node,
	       struct err *e)
{
	bool busy = node->locked || node->status == PROVIDER_MAKING;
	struct provision_event event = {.level = LOG_LEVEL_WARN,
					.event = "node.delete.refused",
					.node = target->name,
					.id = target->id};
	int ret;

	if (target->asked.us == MONO_LONG_AGO.us && busy &&
	    mono_diff_us(now(job), target->began) < LOCKED_US) {
		tell(job, target, "node.delete.wait");
		return 0;
	}
	if (mono_diff_us(now(job), target->asked) < AGAIN_US)
		return 0;
	if (job->env->stopped(job->env->arg))
		return err_set(e, -EINTR, "interrupted");
	tell(job, target, "node.delete.start");
	target->asked = now(job);
	ret = job->ops->node_delete(job->provider, target->id, e);
	if (ret != -EINVAL && ret != -EBUSY && ret != -EINPROGRESS)
		return ret;
	/* Something else is being done to it, or the answer was lost: the lists will tell. */
	event.text = e->text;
	env_tell(job->env, event);
	return 0;
}

/* Forgets the server, unless the state already knows another one for the node. */
static int forget(const struct job *job, const struct target *target, struct err *e)
{
	const struct state_node *known = NULL;

	for (size_t i = 0; i < job->state->node_count; i++)
		if (strcmp(job->state->nodes[i].id, target->id) == 0)
			known = &job->state->nodes[i];
	if (!known)
		return 0;
	state_drop(job->state, known->name);
	return state_save(job->state, e);
}

static int see_gone(const struct job *job, struct targets *targets, size_t *destroyed,
		    struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < targets->count;) {
		struct target *target = &targets->items[i];

		if (target->here) {
			i++;
			continue;
		}
		tell(job, target, "node.delete.done");
		++*destroyed;
		ret = forget(job, target, e);
		*target = targets->items[--targets->count];
	}
	return ret;
}

/* With `all`, what is listed and not a target yet becomes one. */
static int look(const struct job *job, struct targets *targets, bool all, size_t *destroyed,
		struct err *e)
{
	struct provider_nodes list;
	int ret = job_list(job, &list, e);

	if (ret)
		return ret;
	for (size_t i = 0; i < targets->count; i++)
		targets->items[i].here = false;
	for (size_t i = 0; !ret && i < list.count; i++) {
		struct target *target = target_of(targets, list.items[i].id);

		if (!target && all && !(target = add_target(job, targets, list.items[i].id)))
			ret = err_set(e, -ENOMEM, "out of memory");
		if (!target)
			continue;
		target->here = true;
		strcpy(target->name, list.items[i].name);
		ret = ask(job, target, &list.items[i], e);
	}
	provider_nodes_fini(&list);
	return ret ? ret : see_gone(job, targets, destroyed, e);
}

static int remaining(const struct job *job, const struct targets *targets, struct err *e)
{
	char ids[256];
	size_t used = 0;

	for (size_t i = 0; i < targets->count && used < sizeof(ids); i++)
		used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%s%s", i ? ", " : "",
					 targets->items[i].id);
	return err_set(e, -ETIMEDOUT, "still there, and costing: %s; look at %s, and try again",
		       ids, job->ops->console_url);
}

static int delete_targets(const struct job *job, struct targets *targets, bool all,
			  struct mono unsure_until, size_t *destroyed, struct err *e)
{
	struct mono deadline = mono_add_us(now(job), job->node_timeout_us);
	int ret;

	for (;;) {
		ret = look(job, targets, all, destroyed, e);
		if (ret || (targets->count == 0 && mono_due(unsure_until, now(job))))
			return ret;
		if (targets->count && mono_due(deadline, now(job)))
			return remaining(job, targets, e);
		ret = job_pause(job, e);
		if (ret)
			return ret;
	}
}

int destroy_nodes(const struct job *job, const char *const *ids, size_t count, size_t *destroyed,
		  struct err *e)
{
	struct targets targets = {NULL, 0};
	int ret = 0;

	*destroyed = 0;
	if (job_has_hosts(job))
		ret = clear_hosts(job, ids, count, e);
	for (size_t i = 0; !ret && i < count; i++)
		if (!add_target(job, &targets, ids[i]))
			ret = err_set(e, -ENOMEM, "out of memory");
	if (!ret && count)
		ret = delete_targets(job, &targets, false, MONO_LONG_AGO, destroyed, e);
	free(targets.items);
	return ret;
}

/* --- the whole network ------------------------------------------------------------------------ */

/* A server that was asked for when the last run was killed may still appear. */
static struct mono unsure_until(const struct job *job)
{
	for (size_t i = 0; i < job->state->node_count; i++)
		if (job->state->nodes[i].status == STATE_INTENT)
			return mono_add_us(now(job), RETRY_UNSURE_US);
	return MONO_LONG_AGO;
}

static int delete_firewalls(const struct job *job, struct err *e)
{
	struct provision_event event = {.level = LOG_LEVEL_INFO, .event = "firewall.delete"};
	struct firewall found;
	int ret = 0, last = job->ops->firewall_get ? PROVIDER_COMP : -1;

	for (int role = PROVIDER_VPN; role <= last && !ret; role++) {
		ret = job->ops->firewall_get(job->provider, job->config->network,
					     (enum provider_role)role, &found, e);
		if (ret == -ENOENT || ret == -EEXIST) { /* none, or one that is not ours */
			ret = 0;
			continue;
		}
		if (ret)
			break;
		ret = job->ops->firewall_delete(job->provider, found.id, e);
		if (!ret)
			env_say(job->env, event, "firewall of %s deleted",
				provider_role_name((enum provider_role)role));
		firewall_fini(&found);
	}
	return ret;
}

static int delete_key(const struct job *job, struct err *e)
{
	int ret = 0;

	if (job->state->key_ours && *job->state->key_id)
		ret = job->ops->key_delete(job->provider, job->state->key_id, e);
	if (ret)
		return ret;
	job->state->key_id[0] = '\0';
	job->state->key_ours = false;
	return state_save(job->state, e);
}

static int verify(const struct job *job, struct err *e)
{
	struct targets targets = {NULL, 0};
	struct provider_nodes list;
	int ret = job_list(job, &list, e);

	if (ret)
		return ret;
	for (size_t i = 0; i < list.count; i++)
		add_target(job, &targets, list.items[i].id);
	if (list.count)
		ret = remaining(job, &targets, e);
	free(targets.items);
	provider_nodes_fini(&list);
	return ret;
}

int destroy_all(const struct job *job, size_t *destroyed, struct err *e)
{
	struct targets targets = {NULL, 0};
	int ret = job_has_hosts(job) ? clear_hosts(job, NULL, 0, e) : 0;

	*destroyed = 0;
	if (!ret)
		ret = delete_targets(job, &targets, true, unsure_until(job), destroyed, e);
	free(targets.items);
	if (!ret)
		ret = delete_firewalls(job, e);
	if (!ret)
		ret = delete_key(job, e);
	if (!ret)
		ret = job->ops->labels_delete(job->provider, job->config->network, e);
	if (!ret)
		ret = verify(job, e);
	return ret ? ret : state_remove(job->state, e);
}
