#include "provision/make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/key.h"
#include "provision/pubkey.h"
#include "provision/retry.h"
#include "provision/user_data.h"

#define ASK_FATE_US 20000000  /* a server that is not listed for so long: ask what became of it */
#define MISSING_US  120000000 /* and for so long: it is not coming */

static struct mono now(const struct job *job)
{
	return job->env->now(job->env->arg);
}

static struct provision_event event_of(const struct job *job, const struct make_node *node,
				       enum log_level level, const char *name)
{
	const struct state_node *known = state_find(job->state, node->want->name);

	return (struct provision_event){.level = level,
					.event = name,
					.node = node->want->name,
					.id = known && *known->id ? known->id : NULL,
					.ip = known && *known->ip ? known->ip : NULL,
					.elapsed_us = mono_diff_us(now(job), node->began)};
}

/* What failed, and what of it goes on costing money. */
static void fail(const struct job *job, struct make_node *node, const char *why)
{
	struct provision_event event = event_of(job, node, LOG_LEVEL_ERROR, "node.create.error");

	node->phase = MAKE_FAILED;
	env_say(job->env, event, "%s%s%s%s", why, event.id ? "; server " : "",
		event.id ? event.id : "", event.id ? " exists and costs" : "");
}

/* --- asking ----------------------------------------------------------------------------------- */

/* A failure of one node; everything else ends the whole run. */
static bool is_local(int ret)
{
	return ret == -EINVAL || ret == -ENOENT || ret == -EEXIST || ret == -EBUSY;
}

static int write_intent(const struct job *job, const struct make_node *node, const char *host_key,
			struct err *e)
{
	struct state_node *known = state_put(job->state, node->want->name);

	if (!known)
		return err_set(e, -ENOMEM, "out of memory");
	known->status = STATE_INTENT;
	known->role = node->want->role;
	known->index = node->want->index;
	known->id[0] = known->action[0] = known->ip[0] = known->wg_public[0] = '\0';
	strcpy(known->region, node->want->region);
	strcpy(known->size, node->want->size);
	snprintf(known->host_key, sizeof(known->host_key), "%s", host_key);
	env_uuid(job->env, known->run);
	return state_save(job->state, e);
}

static int request(const struct job *job, const struct make_node *node, const char *user_data,
		   struct provider_node *out, struct err *e)
{
	const struct provision_config *config = job->config;
	const struct state_node *known = state_find(job->state, node->want->name);
	struct provider_order order = {
		.network = config->network,
		.name = node->want->name,
		.run = known->run,
		.role = node->want->role,
		.region = node->want->region,
		.size = node->want->size,
		.image = config->image,
		.key_id = job->state->key_id,
		.user_data = user_data,
		.vpc = *config->vpc ? config->vpc : NULL,
		.ipv6 = config->ipv6,
	};

	return job->ops->node_create(job->provider, &order, out, e);
}

/* Intent first, with the host key that the server will show; then the request. */
static int post(const struct job *job, struct make_node *node, struct provider_node *out,
		struct err *e)
{
	char public_line[PUBKEY_ED25519_BYTES], pem[PUBKEY_PRIVATE_BYTES], *user_data = NULL;
	int ret = pubkey_make(job->env->rng, public_line, pem);

	if (ret)
		err_set(e, ret, "cannot make a host key");
	if (!ret)
		ret = user_data_build(public_line, pem, &user_data, e);
	if (!ret)
		ret = write_intent(job, node, public_line, e);
	if (!ret) {
		ret = request(job, node, user_data, out, e);
		node->posts++;
	}
	if (user_data)
		key_wipe(user_data, strlen(user_data));
	key_wipe(pem, sizeof(pem));
	free(user_data);
	return ret;
}

static int take(const struct job *job, struct make_node *node, const struct provider_node *found,
		struct err *e)
{
	struct state_node *known = state_put(job->state, node->want->name);

	if (!known)
		return err_set(e, -ENOMEM, "out of memory");
	if (strcmp(known->run, found->run) != 0 ||
	    (*known->id && strcmp(known->id, found->id) != 0))
		known->host_key[0] = '\0'; /* of a server that was not made by us */
	if (*known->id && strcmp(known->id, found->id) != 0)
		known->status = STATE_MADE;
	strcpy(known->id, found->id);
	strcpy(known->run, found->run);
	strcpy(known->region, found->region);
	strcpy(known->size, found->size);
	if (*found->action)
		strcpy(known->action, found->action);
	known->role = node->want->role;
	known->index = node->want->index;
	if (known->status == STATE_INTENT)
		known->status = STATE_MADE;
	node->phase = MAKE_WAIT;
	node->missing_since = MONO_NEVER;
	return state_save(job->state, e);
}

static int ask(const struct job *job, struct make_node *node, struct err *e)
{
	struct provider_node made;
	struct err why;
	int ret;

	env_tell(job->env, event_of(job, node, LOG_LEVEL_INFO, "node.create.start"));
	ret = post(job, node, &made, &why);
	if (ret == 0) {
		strcpy(made.run, state_find(job->state, node->want->name)->run);
		node->fresh = true;
		return take(job, node, &made, e);
	}
	if (ret == -EINPROGRESS) {
		node->phase = MAKE_UNSURE;
		node->fresh = true;
		node->unsure_until = mono_add_us(now(job), RETRY_UNSURE_US);
		env_say(job->env, event_of(job, node, LOG_LEVEL_WARN, "node.create.unsure"),
			"%s; looking whether it was made", why.text);
		return 0;
	}
	if (node->posts) /* it was refused, or never sent: the intent has come to nothing */
		state_drop(job->state, node->want->name);
	if (!is_local(ret)) {
		state_save(job->state, NULL);
		return err_set(e, ret, "node %s: %s", node->want->name, why.text);
	}
	fail(job, node, why.text);
	return state_save(job->state, e);
}

/* --- looking ---------------------------------------------------------------------------------- */

static const struct provider_node *find(const struct job *job, const struct make_node *node,
					const struct provider_nodes *list)
{
	const struct state_node *known = state_find(job->state, node->want->name);

	for (size_t i = 0; known && i < list->count; i++) {
		const struct provider_node *item = &list->items[i];

		if (*known->id ? strcmp(item->id, known->id) == 0
			       : strcmp(item->run, known->run) == 0)
			return item;
	}
	return NULL;
}

static int look_unsure(const struct job *job, struct make_node *node,
		       const struct provider_node *found, struct err *e)
{
	if (found) {
		env_say(job->env, event_of(job, node, LOG_LEVEL_INFO, "node.create.found"),
			"it was made: server %s", found->id);
		return take(job, node, found, e);
	}
	if (!mono_due(node->unsure_until, now(job)))
		return 0;
	if (node->posts < MAKE_POSTS_MAX)
		node->phase = MAKE_ASK;
	else
		fail(job, node, "asked for it three times, and it was never made");
	return 0;
}

/* Right after its making a server may not be listed yet; a making may also fail after it was
 * accepted, and the server then just vanishes. */
static int look_missing(const struct job *job, struct make_node *node, struct err *e)
{
	const struct state_node *known = state_find(job->state, node->want->name);
	enum provider_fate fate = PROVIDER_UNDECIDED;
	int64_t missing_us;

	if (node->missing_since.us == MONO_NEVER.us)
		node->missing_since = now(job);
	missing_us = mono_diff_us(now(job), node->missing_since);
	if (missing_us >= ASK_FATE_US && *known->action &&
	    job->ops->node_fate(job->provider, known->action, &fate, NULL) < 0)
		fate = PROVIDER_UNDECIDED;
	if (fate != PROVIDER_FAILED && missing_us < MISSING_US)
		return 0;
	state_drop(job->state, node->want->name);
	if (!node->posts) { /* of an earlier run */
		node->phase = MAKE_ASK;
		return state_save(job->state, e);
	}
	fail(job, node,
	     fate == PROVIDER_FAILED
		     ? "the provider accepted it, but could not make it (no room in the region, or "
		       "an image that does not fit); nothing of it is left"
		     : "it has vanished from the provider's list");
	return state_save(job->state, e);
}

static int look_found(const struct job *job, struct make_node *node,
		      const struct provider_node *found, struct err *e)
{
	struct state_node *known = state_find(job->state, node->want->name);
	bool runs = found->status == PROVIDER_ACTIVE && !found->locked && *found->ip;

	node->missing_since = MONO_NEVER;
	if (!runs) {
		if (found->status == PROVIDER_OFF && !found->locked)
			fail(job, node, "it is switched off");
		else
			env_tell(job->env, event_of(job, node, LOG_LEVEL_DEBUG, "node.wait"));
		return 0;
	}
	node->phase = MAKE_RUNS;
	if (strcmp(known->ip, found->ip) != 0 || known->status < STATE_ACTIVE) {
		strcpy(known->ip, found->ip);
		if (known->status < STATE_ACTIVE)
			known->status = STATE_ACTIVE;
		env_tell(job->env, event_of(job, node, LOG_LEVEL_INFO, "node.create.done"));
		return state_save(job->state, e);
	}
	return 0;
}

static int look(const struct job *job, struct make_node *node, const struct provider_nodes *list,
		struct err *e)
{
	const struct provider_node *found = find(job, node, list);
	int ret = 0;

	if (node->phase == MAKE_UNSURE)
		ret = look_unsure(job, node, found, e);
	else if (node->phase == MAKE_WAIT && !found)
		ret = look_missing(job, node, e);
	if (!ret && node->phase == MAKE_WAIT && found)
		ret = look_found(job, node, found, e);
	if (!ret && node->phase <= MAKE_WAIT &&
	    mono_diff_us(now(job), node->began) > job->node_timeout_us)
		fail(job, node, "it took too long (wait_timeout, --timeout)");
	return ret;
}

/* --- all of them ------------------------------------------------------------------------------ */

int make_begin(const struct job *job, const struct plan_item *item, const struct config_node *want,
	       struct make_node *node, struct err *e)
{
	const struct state_node *known = state_find(job->state, want->name);

	*node = (struct make_node){
		.want = want, .phase = MAKE_ASK, .began = now(job), .missing_since = MONO_NEVER};
	if (item->found) {
		/* A host that was there before us keeps its host key. */
		node->fresh = !job_has_hosts(job) && known && known->status < STATE_READY;
		node->adopted = !known || (strcmp(known->id, item->id) != 0);
		return take(job, node, item->found, e);
	}
	if (known && known->status == STATE_INTENT) {
		node->phase = MAKE_UNSURE;
		node->fresh = true;
		node->unsure_until = mono_add_us(now(job), RETRY_UNSURE_US);
		env_say(job->env, event_of(job, node, LOG_LEVEL_WARN, "node.create.unsure"),
			"the last run ended while it was being made; looking for it");
	} else if (known && known->status == STATE_MADE) {
		/* Perhaps not listed yet, as right after a run that was killed. */
		node->phase = MAKE_WAIT;
		node->fresh = true;
	}
	return 0;
}

static int ask_all(const struct job *job, struct make_node *nodes, size_t count, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		if (nodes[i].phase != MAKE_ASK)
			continue;
		if (job->env->stopped(job->env->arg))
			return err_set(e, -EINTR, "interrupted");
		ret = ask(job, &nodes[i], e);
	}
	return ret;
}

static int look_all(const struct job *job, struct make_node *nodes, size_t count,
		    const struct provider_nodes *list, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = look(job, &nodes[i], list, e);
	return ret;
}

static bool is_pending(const struct make_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i].phase <= MAKE_WAIT)
			return true;
	return false;
}

int make_run(const struct job *job, struct make_node *nodes, size_t count,
	     const struct provider_nodes *found, size_t *polls, struct err *e)
{
	struct provider_nodes list;
	int ret = look_all(job, nodes, count, found, e);

	*polls = 0;
	while (!ret && is_pending(nodes, count)) {
		ret = ask_all(job, nodes, count, e);
		if (!ret && !is_pending(nodes, count))
			break;
		if (!ret)
			ret = job_pause(job, e);
		if (!ret)
			ret = job_list(job, &list, e);
		if (ret)
			break;
		++*polls;
		ret = look_all(job, nodes, count, &list, e);
		provider_nodes_fini(&list);
	}
	return ret;
}
