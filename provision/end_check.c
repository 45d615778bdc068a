#include "provision/end_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "provision/servers.h"
#include "provision/tunnels.h"

#define PATH_US	  10000000 /* for one path: four handshakes may be lost */
#define NEXT_US	  3000000  /* once one has failed: it may be the exit that all have */
#define SERVER_US 20000000 /* to ask a server what is wrong */

static struct mono now(const struct job *job)
{
	return job->env->now(job->env->arg);
}

/* A live client has its own session with the exit, which ours would take over. */
static int try(const struct job *job, const struct tunnels *tunnels, const struct tunnel *proxy,
	       int64_t patience_us, struct tunnel_check_result *result, struct err *e)
{
	return job->prove(&proxy->end, job->live ? NULL : &tunnels->exit.end, job->env,
			  mono_add_us(now(job), patience_us), result, e);
}

/* What the server that did not answer finds when it looks at itself. */
static void ask(const struct job *job, const struct config_node *node, char *out, size_t out_bytes)
{
	struct server_task task = {.want = node};
	struct err ignored;

	out[0] = '\0';
	if (!job->setup_host ||
	    servers_run(job, SETUP_CHECK, job->setup_host, SERVER_US, &task, 1, &ignored))
		return;
	if (task.error)
		snprintf(out, out_bytes, "; %s: %s", node->name, task.why.text);
	else
		snprintf(out, out_bytes, "; %s says: %s%s%s%s%s", node->name, task.output.peer,
			 *task.output.changed ? "; differs: " : "", task.output.changed,
			 *task.output.warnings ? "; " : "", task.output.warnings);
}

static int prove(const struct job *job, const struct tunnels *tunnels, const struct tunnel *proxy,
		 int64_t patience_us, struct err *why)
{
	struct tunnel_check_result result = {{-1, -1}, {-1, -1}};
	struct provision_event event = {
		.level = LOG_LEVEL_INFO, .event = "path.check.done", .node = proxy->node->name};
	struct mono began = now(job);
	struct err what = {""};
	char said[1024] = "";
	struct live_path live = {.known = false};
	int ret = job->live ? live_wait(job, proxy->path, LIVE_UP, &live, &what) : 0;

	if (!ret && !live.known)
		ret = try(job, tunnels, proxy, patience_us, &result, &what);
	event.elapsed_us = mono_diff_us(now(job), began);
	if (!ret) {
		event.text = live.known ? "the daemon here finds it up" : NULL;
		env_tell(job->env, event);
		return 0;
	}
	if (ret != -EINTR && !live.known)
		ask(job, result.proxy.ping_us < 0 ? proxy->node : tunnels->exit.node, said,
		    sizeof(said));
	event.level = LOG_LEVEL_ERROR;
	event.event = "path.check.error";
	if (ret != -EINTR)
		env_say(job->env, event, "%s%s", what.text, said);
	return err_set(why, ret, "%s", what.text);
}

static int prove_all(const struct job *job, const struct tunnels *tunnels,
		     struct end_check_result *out, struct err *e)
{
	struct state_node *known;
	int ret;

	for (size_t i = 0; i < tunnels->count; i++) {
		known = state_find(job->state, tunnels->proxies[i].node->name);
		/* One that is being replaced is not tried, also before the other is there. */
		if (!known || strcmp(known->path, tunnels->proxies[i].path) != 0 || known->proved)
			continue;
		ret = prove(job, tunnels, &tunnels->proxies[i], out->failed ? NEXT_US : PATH_US, e);
		if (ret == -EINTR)
			return ret;
		known->proved = !ret;
		out->proved += !ret;
		out->failed += ret != 0;
	}
	return out->proved ? state_save(job->state, e) : 0;
}

int end_check_run(const struct job *job, struct end_check_result *out, struct err *e)
{
	struct tunnels tunnels;
	int ret;

	*out = (struct end_check_result){.failed = 0};
	if (!job->prove)
		return 0;
	ret = tunnels_load(job->config, job->state, &tunnels, e);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = prove_all(job, &tunnels, out, e);
	tunnels_fini(&tunnels);
	return ret;
}

int end_check_all(const struct job *job, struct err *e)
{
	struct end_check_result checked;
	int ret = end_check_run(job, &checked, e);

	if (!ret && checked.failed)
		ret = err_set(e, -ECANCELED, "%zu of %zu paths do not work", checked.failed,
			      checked.failed + checked.proved);
	return ret;
}
