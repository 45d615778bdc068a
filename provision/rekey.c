#include "provision/rekey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provision/client_keys.h"
#include "provision/end_check.h"
#include "provision/servers.h"

#define EXIT_CHANGES_US 700000

/* --- the path, while a daemon uses it --------------------------------------------------------- */

/* Where there is no other path the traffic stays, and pauses. */
static int leave(const struct job *job, const char *path, struct err *e)
{
	int ret = live_leave(job, path, e);

	return ret == -ETIMEDOUT ? 0 : ret;
}

static int come_back(const struct job *job, const struct state_node *known, struct err *e)
{
	struct live_path found;
	int ret = job->live->look(job->live->arg, known->path, &found, e);

	return ret || !found.known ? ret : job->live->drain(job->live->arg, known->path, false, e);
}

static bool is_live_proxy(const struct job *job, const struct config_node *node)
{
	return job->live && node->role == PROVIDER_VPN;
}

static int leave_all(const struct job *job, const struct server_task *tasks, size_t count,
		     struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		if (is_live_proxy(job, tasks[i].want))
			ret = leave(job, state_find(job->state, tasks[i].want->name)->path, e);
	return ret;
}

/* Also after a failure: a path that does not work is not used, whether it is drained or not. */
static int come_back_all(const struct job *job, const struct server_task *tasks, size_t count,
			 int before, struct err *e)
{
	struct err why;
	int ret = before, failed;

	for (size_t i = 0; i < count; i++) {
		if (!is_live_proxy(job, tasks[i].want))
			continue;
		failed = come_back(job, state_find(job->state, tasks[i].want->name), &why);
		if (failed && !ret)
			ret = err_set(e, failed, "%s", why.text);
	}
	return ret;
}

/* --- new keys --------------------------------------------------------------------------------- */

/* From here on an apply finishes it: the servers are to be set up, by the keys that are there. */
static int renew(const struct job *job, const struct server_task *tasks, size_t count,
		 struct err *e)
{
	const char *directory = job->state->directory, *network = job->state->network;
	bool shared = job->config->client_keys == CONFIG_KEYS_SHARED;
	struct state_node *known;
	int ret;

	for (size_t i = 0; i < count; i++) {
		known = state_find(job->state, tasks[i].want->name);
		known->status = STATE_ACTIVE;
		known->proved = false;
	}
	ret = state_save(job->state, e);
	if (!ret && shared)
		ret = client_keys_renew_shared(directory, network, job->env->rng, e);
	for (size_t i = 0; !ret && i < count; i++) {
		known = state_find(job->state, tasks[i].want->name);
		ret = client_keys_renew(directory, network, known->path, shared, job->env->rng, e);
	}
	return ret;
}

static int set_up(const struct job *job, struct server_task *tasks, size_t count, size_t *done,
		  struct err *e)
{
	size_t failed = 0;
	int ret = servers_run(job, SETUP_APPLY, job->setup_host, job->node_timeout_us, tasks, count,
			      e);

	for (size_t i = 0; i < count; i++) {
		*done += tasks[i].done && !tasks[i].error;
		failed += tasks[i].done && tasks[i].error;
	}
	return ret || !failed ? ret
			      : err_set(e, -ECANCELED, "%zu of %zu servers failed", failed, count);
}

/* The exit has answered, perhaps through its tunnel, a moment before it goes over to the new keys
 * (server.sh). A handshake that comes too early is repeated only after 5 s. */
static int use_and_check(const struct job *job, bool exit, struct err *e)
{
	int ret;

	if (exit)
		(void)job->env->pause(job->env->arg, EXIT_CHANGES_US); /* no place to stop */
	ret = live_refresh(job, e);
	return ret ? ret : end_check_all(job, e);
}

static int rekey_together(const struct job *job, struct server_task *tasks, size_t count,
			  size_t *done, struct err *e)
{
	int ret = leave_all(job, tasks, count, e);

	if (!ret)
		ret = renew(job, tasks, count, e);
	if (!ret)
		ret = set_up(job, tasks, count, done, e);
	if (!ret)
		ret = use_and_check(job, tasks[count - 1].want->role == PROVIDER_COMP, e);
	return come_back_all(job, tasks, count, ret, e);
}

/* --- all -------------------------------------------------------------------------------------- */

static int check(const struct job *job, const char *only, struct err *e)
{
	const struct provision_config *config = job->config;

	if (only && config->client_keys == CONFIG_KEYS_SHARED)
		return err_set(e, -EINVAL,
			       "all tunnels share the client's key: renew those of all nodes");
	for (size_t i = 0; i < config->node_count; i++) {
		const struct state_node *known = state_find(job->state, config->nodes[i].name);

		if (!known || known->status != STATE_READY)
			return err_set(e, -EINVAL, "%s is not set up: apply first",
				       config->nodes[i].name);
	}
	return 0;
}

/* With shared keys all at once, else one after the other, the exit last. */
static int rekey_in_turn(const struct job *job, const char *only, struct server_task *tasks,
			 size_t *done, struct err *e)
{
	const struct provision_config *config = job->config;
	size_t count = 0, step;
	int ret = 0;

	for (size_t i = 0; i < config->node_count; i++)
		if (!only || strcmp(config->nodes[i].name, only) == 0)
			tasks[count++] =
				(struct server_task){.want = &config->nodes[i], .rekey = true};
	step = config->client_keys == CONFIG_KEYS_SHARED ? count : 1;
	for (size_t i = 0; !ret && i < count; i += step)
		ret = rekey_together(job, &tasks[i], step, done, e);
	return ret;
}

int rekey_run(const struct job *job, const char *only, size_t *done, struct err *e)
{
	struct server_task *tasks = calloc(job->config->node_count + 1, sizeof(*tasks));
	int ret;

	*done = 0;
	if (!tasks)
		return err_set(e, -ENOMEM, "out of memory");
	ret = check(job, only, e);
	if (!ret)
		ret = rekey_in_turn(job, only, tasks, done, e);
	free(tasks);
	return ret;
}
