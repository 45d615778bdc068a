#include "provision/clear.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provision/servers.h"

#define HOST_US 60000000 /* for one, then it is left for the next time */

static bool is_meant(const struct state_node *known, const char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(known->id, ids[i]) == 0)
			return true;
	return !ids;
}

/* One that is no longer listed is logged in to as before. */
static void describe(const struct job *job, const struct state_node *known,
		     struct config_node *want)
{
	const struct config_node *listed = job_want(job, known->name);

	*want = listed ? *listed
		       : (struct config_node){.role = known->role,
					      .index = known->index,
					      .port = job->config->port,
					      .ssh = *known->ssh.user ? known->ssh
								      : job->config->ssh};
	strcpy(want->name, known->name);
}

/* The tasks name their nodes, as the state moves its own. */
static int forget(const struct job *job, const struct server_task *tasks, size_t count,
		  struct err *e)
{
	size_t failed = 0;
	int ret = 0;

	for (size_t i = 0; i < count; i++) {
		if (!tasks[i].done)
			continue;
		failed += tasks[i].error != 0;
		if (!tasks[i].error)
			state_drop(job->state, tasks[i].want->name);
	}
	ret = state_save(job->state, e);
	if (!ret && failed)
		ret = err_set(e, -ECANCELED,
			      "%zu of %zu hosts could not be cleared and are still set up", failed,
			      count);
	return ret;
}

int clear_hosts(const struct job *job, const char *const *ids, size_t count, struct err *e)
{
	size_t nodes = job->state->node_count, n = 0;
	struct config_node *wants = calloc(nodes + 1, sizeof(*wants));
	struct server_task *tasks = calloc(nodes + 1, sizeof(*tasks));
	struct err why;
	int ret, forgotten;

	if (!wants || !tasks) {
		ret = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < nodes; i++) {
		if (!is_meant(&job->state->nodes[i], ids, count))
			continue;
		describe(job, &job->state->nodes[i], &wants[n]);
		tasks[n].want = &wants[n];
		n++;
	}
	ret = servers_run(job, SETUP_REMOVE, job->setup_host, HOST_US, tasks, n, e);
	forgotten = forget(job, tasks, n, &why);
	if (!ret && forgotten)
		ret = err_set(e, forgotten, "%s", why.text);
out:
	free(wants);
	free(tasks);
	return ret;
}
