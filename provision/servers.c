#include "provision/servers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/key.h"
#include "provision/host_keys.h"

#define PARALLEL_MAX 32

/* What the threads share. `lock` is held for everything that is not a task's own. */
struct run {
	const struct job *job;
	enum setup_mode mode;
	setup_host_fn setup_host;
	int64_t timeout_us;
	struct server_task *tasks;
	struct client_keys *keys; /* of each task */
	size_t count, next;
	const char *proxies[2 * CONFIG_PROXIES_MAX]; /* the addresses, in their order; then of
							those that are being replaced */
	size_t proxy_count;
	const struct config_node *exit;
	struct provision_env env; /* the job's, with one event at a time */
	pthread_mutex_t lock;
	int error; /* of the state */
	struct err why;
};

/* --- the environment -------------------------------------------------------------------------- */

static struct mono on_now(void *arg)
{
	const struct provision_env *env = ((struct run *)arg)->job->env;

	return env->now(env->arg);
}

static int on_pause(void *arg, int64_t us)
{
	const struct provision_env *env = ((struct run *)arg)->job->env;

	return env->pause(env->arg, us);
}

static bool on_stopped(void *arg)
{
	const struct provision_env *env = ((struct run *)arg)->job->env;

	return env->stopped(env->arg);
}

static void on_event(void *arg, const struct provision_event *event)
{
	struct run *run = arg;

	pthread_mutex_lock(&run->lock);
	env_tell(run->job->env, *event);
	pthread_mutex_unlock(&run->lock);
}

/* --- one server ------------------------------------------------------------------------------- */

static void tell(struct run *run, const struct server_task *task, enum log_level level,
		 const char *what, const char *text, struct mono began)
{
	char event[32];

	if (run->mode == SETUP_CHECK) /* it becomes a line of the plan */
		return;
	snprintf(event, sizeof(event), "node.%s.%s", run->mode == SETUP_APPLY ? "setup" : "remove",
		 what);
	env_tell(&run->env, (struct provision_event){.level = level,
						     .event = event,
						     .node = task->want->name,
						     .elapsed_us = mono_diff_us(on_now(run), began),
						     .text = text && *text ? text : NULL});
}

static int set_up(struct run *run, struct server_task *task, const struct client_keys *keys)
{
	const struct job *job = run->job;
	const struct config_node *want = task->want;
	const struct state_node *known = state_find(job->state, want->name);
	const struct state_node *exit = run->exit ? state_find(job->state, run->exit->name) : NULL;
	bool is_exit = want->role == PROVIDER_COMP;
	struct setup_input in = {
		.mode = run->mode,
		.config = job->config,
		.env = &run->env,
		.state_directory = job->state->directory,
		.keys = keys,
		.node = want->name,
		.role = want->role,
		.index = want->index,
		.address = known->ip,
		.identity = *want->ssh.key ? want->ssh.key : NULL,
		.host_key = known->host_key,
		.fresh = task->fresh && known->status < STATE_READY,
		.rekey = task->rekey,
		.ssh = &want->ssh,
		.port = want->port,
		.exit_address = is_exit || !exit ? "" : exit->ip,
		.exit_port = run->exit ? run->exit->port : job->config->port,
		.proxies = run->proxies,
		.proxy_count = run->proxy_count,
		.deadline = mono_add_us(on_now(run), run->timeout_us),
	};

	return run->setup_host(&in, &task->output, &task->why);
}

/* Every path leads through the exit. */
static void unprove(struct state *state, const struct state_node *changed)
{
	for (size_t i = 0; i < state->node_count; i++)
		if (changed->role == PROVIDER_COMP || changed == &state->nodes[i])
			state->nodes[i].proved = false;
}

/* Called with the lock held: the state is one file. */
static void note(struct run *run, const struct server_task *task)
{
	struct state_node *known = state_find(run->job->state, task->want->name);

	strcpy(known->host_key, task->output.host_key);
	strcpy(known->wg_public, task->output.wg_public);
	known->index = task->want->index;
	known->ssh = task->want->ssh;
	known->status = STATE_READY;
	if (*task->output.changed)
		unprove(run->job->state, known);
	run->error = state_save(run->job->state, &run->why);
}

static void work_on(struct run *run, size_t i)
{
	struct server_task *task = &run->tasks[i];
	struct mono began = on_now(run);

	tell(run, task, LOG_LEVEL_INFO, "start", NULL, began);
	task->error = set_up(run, task, &run->keys[i]);
	if (task->error == -EINTR)
		return;
	task->done = true;
	if (task->error) {
		tell(run, task, LOG_LEVEL_ERROR, "error", task->why.text, began);
		return;
	}
	if (*task->output.warnings)
		tell(run, task, LOG_LEVEL_WARN, "warning", task->output.warnings, began);
	if (run->mode == SETUP_APPLY) {
		pthread_mutex_lock(&run->lock);
		note(run, task);
		pthread_mutex_unlock(&run->lock);
	}
	tell(run, task, LOG_LEVEL_INFO, "done", NULL, began);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void *work(void *arg)
{
	struct run *run = arg;
	size_t i;

	for (;;) {
		pthread_mutex_lock(&run->lock);
		i = run->error ? run->count : run->next++;
		pthread_mutex_unlock(&run->lock);
		if (i >= run->count || on_stopped(run))
			return NULL;
		if (!run->tasks[i].done)
			work_on(run, i);
	}
}

/* This thread is one of them. */
static void work_together(struct run *run)
{
	pthread_t threads[PARALLEL_MAX];
	size_t wanted = run->job->parallel < run->count ? run->job->parallel : run->count, n = 0;

	while (n + 1 < wanted && n < PARALLEL_MAX && !pthread_create(&threads[n], NULL, work, run))
		n++;
	work(run);
	while (n-- > 0)
		pthread_join(threads[n], NULL);
}

/* Before the threads begin: randomness is for one at a time. */
static int load_keys(struct run *run, struct err *e)
{
	const struct job *job = run->job;
	struct rng *rng = run->mode == SETUP_APPLY ? job->env->rng : NULL;
	bool shared = job->config->client_keys == CONFIG_KEYS_SHARED;
	const char *path;
	int ret = 0;

	run->keys = calloc(run->count + 1, sizeof(*run->keys));
	if (!run->keys)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < run->count; i++) {
		struct server_task *task = &run->tasks[i];

		path = state_find(job->state, task->want->name)->path;
		ret = client_keys_load(job->state->directory, job->config->network, path, shared,
				       rng, &run->keys[i], e);
		if (ret != -ENOENT || run->mode == SETUP_APPLY)
			continue;
		ret = 0; /* taking away needs none */
		if (run->mode == SETUP_CHECK) {
			task->done = true;
			strcpy(task->output.changed, "a client key is gone");
		}
	}
	return ret;
}

/* The same for host keys: somebody may be asked. A server that stays unknown is done with. */
static int find_host_keys(struct run *run, struct err *e)
{
	for (size_t i = 0; i < run->count; i++) {
		struct server_task *task = &run->tasks[i];

		task->error = host_keys_find(run->job, task->want, &task->why);
		if (task->error == -EINTR)
			return err_set(e, -EINTR, "interrupted");
		task->done |= task->error != 0;
		if (task->error)
			tell(run, task, LOG_LEVEL_ERROR, "error", task->why.text, on_now(run));
	}
	return 0;
}

static void find_servers(struct run *run)
{
	const struct job *job = run->job;

	for (size_t i = 0; i < job->config->node_count; i++) {
		const struct config_node *want = &job->config->nodes[i];
		const struct state_node *known = state_find(job->state, want->name);

		if (want->role == PROVIDER_COMP)
			run->exit = want;
		else if (known && *known->ip)
			run->proxies[run->proxy_count++] = known->ip;
	}
	for (size_t i = 0; i < job->state->node_count; i++) {
		const struct state_node *known = &job->state->nodes[i];

		if (state_is_retired(known) && *known->ip &&
		    run->proxy_count < sizeof(run->proxies) / sizeof(run->proxies[0]))
			run->proxies[run->proxy_count++] = known->ip;
	}
}

int servers_run(const struct job *job, enum setup_mode mode, setup_host_fn setup_host,
		int64_t timeout_us, struct server_task *tasks, size_t count, struct err *e)
{
	struct run run = {.job = job,
			  .mode = mode,
			  .setup_host = setup_host,
			  .timeout_us = timeout_us,
			  .tasks = tasks,
			  .count = count,
			  .lock = PTHREAD_MUTEX_INITIALIZER};
	int ret = load_keys(&run, e);

	run.env = (struct provision_env){.arg = &run,
					 .now = on_now,
					 .pause = on_pause,
					 .stopped = on_stopped,
					 .event = on_event};
	if (!ret)
		ret = find_host_keys(&run, e);
	if (!ret) {
		find_servers(&run);
		work_together(&run);
		ret = run.error ? err_set(e, run.error, "%s", run.why.text) : 0;
	}
	for (size_t i = 0; !ret && i < count; i++)
		if (!tasks[i].done)
			ret = err_set(e, -EINTR, "interrupted");
	if (run.keys)
		key_wipe(run.keys, count * sizeof(*run.keys));
	free(run.keys);
	pthread_mutex_destroy(&run.lock);
	return ret;
}
