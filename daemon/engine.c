#include "daemon/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/announce.h"
#include "daemon/commands.h"
#include "daemon/links.h"
#include "daemon/teardown.h"
#include "lib/clock.h"

/* A failing path is doubted for at most so long, however often it fails. */
#define HOLD_DOWN_MAX_US INT64_C(300000000)

/* --- probes and counters in ------------------------------------------------------------------- */

void engine_effects(struct daemon *daemon, unsigned int effects, struct mono now)
{
	struct engine *engine = &daemon->engine;
	int to = engine->executor.migration.to;

	if (effects & PATHS_BURST)
		prober_burst(engine->prober, now);
	if (!(effects & PATHS_CHANGED))
		return;
	announce_path_states(daemon);
	if (engine->executor.state != EXECUTOR_IDLE && engine->paths.path[to].state == PATH_DOWN)
		executor_on_path_lost(&engine->executor, now);
	daemon_decide_soon(daemon);
}

static void on_probe_sent(void *arg, size_t path, unsigned int target, uint32_t number,
			  struct mono at, int error)
{
	struct daemon *daemon = arg;

	(void)error; /* no reply will come, and that is all that counts */
	paths_on_sent(&daemon->engine.paths, path, target, number, at);
}

static void on_probe_reply(void *arg, const struct prober_reply *reply)
{
	struct daemon *daemon = arg;
	struct mono now = clock_now();

	engine_effects(daemon,
		       paths_on_reply(&daemon->engine.paths, reply->path, reply->target,
				      reply->number, reply->rtt_us, now),
		       now);
	daemon_decide_by(daemon, now);
}

static void on_probe_fd(void *arg, int fd, bool readable, bool writable)
{
	struct daemon *daemon = arg;

	(void)readable;
	(void)writable;
	prober_on_readable(daemon->engine.prober, fd, clock_now());
}

void engine_read_counters(struct daemon *daemon, size_t index, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct path_counters counters;

	if (network_counters(&engine->network, index, &counters))
		return;
	engine_effects(daemon,
		       paths_on_counters(&engine->paths, index, engine->steer.active == (int)index,
					 &counters, now),
		       now);
}

/* --- migrations out --------------------------------------------------------------------------- */

static int check_path(void *ctx, int path, struct err *err)
{
	struct daemon *daemon = ctx;
	const struct path *p = &daemon->engine.paths.path[path];

	if (!network_is_usable(&daemon->engine.network, (size_t)path))
		return err_set(err, -ENETDOWN, "interface %s is down or lacks an address",
			       p->interface);
	if (p->state == PATH_DOWN)
		return err_set(err, -EHOSTUNREACH, "path %s does not answer probes", p->name);
	return 0;
}

static int swap_path(void *ctx, int from, int to, int64_t *swap_us, struct err *err)
{
	struct daemon *daemon = ctx;

	return network_swap(&daemon->engine.network, from, to, swap_us, err);
}

static void unwatch_path(void *ctx, int path)
{
	struct daemon *daemon = ctx;

	loop_remove_fd(daemon->engine.watch_fd);
	daemon->engine.watch_fd = NULL;
	rxwatch_disarm(&daemon->engine.network.path[path].watch);
}

static void on_watched_packet(void *arg, int fd, bool readable, bool writable)
{
	struct daemon *daemon = arg;
	struct engine *engine = &daemon->engine;
	struct mono now = clock_now();
	int64_t wall_us, age_us;
	int ret = rxwatch_read(&engine->network.path[engine->watched].watch, &wall_us);

	(void)fd;
	(void)readable;
	(void)writable;
	if (ret == -EAGAIN)
		return;
	unwatch_path(daemon, engine->watched);
	if (ret)
		return;
	age_us = clock_wall_us() - wall_us;
	if (age_us < 0 || age_us > mono_diff_us(now, engine->executor.migration.swapped))
		age_us = 0; /* the wall clock was set in between */
	executor_on_packet(&engine->executor, mono_add_us(now, -age_us), now);
}

static void watch_path(void *ctx, int path)
{
	struct daemon *daemon = ctx;
	struct engine *engine = &daemon->engine;
	struct rxwatch *watch = &engine->network.path[path].watch;

	engine->watched = path;
	if (!rxwatch_arm(watch, &engine->network.inner.endpoint))
		engine->watch_fd = loop_add_fd(daemon->loop, watch->fd, on_watched_packet, daemon);
}

static void reassert(void *ctx)
{
	struct daemon *daemon = ctx;

	network_reassert(&daemon->engine.network);
}

static void kick(void *ctx)
{
	struct daemon *daemon = ctx;
	struct engine *engine = &daemon->engine;

	/* A kick that cannot leave is followed by the next one. */
	icmp_kick(&daemon->icmp, (int)engine->network.inner.ifindex, &engine->conf->inner.ping);
}

static const struct executor_ops executor_ops = {
	.check = check_path,
	.swap = swap_path,
	.watch = watch_path,
	.unwatch = unwatch_path,
	.reassert = reassert,
	.kick = kick,
};

/* --- life ------------------------------------------------------------------------------------- */

static int start_network(struct daemon *daemon, struct err *err)
{
	struct engine *engine = &daemon->engine;
	struct err ignored;
	bool installed;
	int ret = network_open(&engine->network, engine->conf, &daemon->log, err);

	if (ret)
		return ret;
	installed = network_is_installed(&engine->network);
	ret = network_install(&engine->network, err);
	if (ret && !installed)
		teardown_all(engine->conf, &daemon->log, &ignored);
	engine->strays_left = installed;
	return ret;
}

static int start_paths(struct daemon *daemon, struct mono now, struct err *err)
{
	struct engine *engine = &daemon->engine;
	const struct conf *conf = engine->conf;
	struct path_stats_config config = {
		.window = conf->probe.window,
		.up_after = conf->probe.up_after,
		.down_after = conf->probe.burst,
		.timeout_min_us = conf->probe.timeout_min_us,
		.timeout_max_us = conf->probe.timeout_max_us,
	};
	size_t i;

	engine->views = calloc(conf->path_count, sizeof(*engine->views));
	engine->announced = calloc(conf->path_count, sizeof(*engine->announced));
	engine->looked_up = calloc(conf->path_count + 1, sizeof(*engine->looked_up));
	if (!engine->views || !engine->announced || !engine->looked_up ||
	    paths_init(&engine->paths, conf->path_count, &config, now))
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i <= conf->path_count; i++)
		engine->looked_up[i] = MONO_LONG_AGO;
	for (i = 0; i < conf->path_count; i++) {
		struct path *path = &engine->paths.path[i];

		path->name = conf->paths[i].name;
		path->interface = conf->paths[i].tunnel.interface;
		path->priority = conf->paths[i].priority;
		path->link_up = network_is_usable(&engine->network, i);
	}
	return 0;
}

static int start_prober(struct daemon *daemon, struct mono now, struct err *err)
{
	struct engine *engine = &daemon->engine;
	const struct conf_probe *probe = &engine->conf->probe;
	struct prober_config config = {
		.path_count = engine->conf->path_count,
		.interval_us = probe->interval_us,
		.late_us = probe->timeout_max_us,
		.burst_count = probe->burst,
		.burst_gap_us = probe->burst_gap_us,
		.payload_min_bytes = PROBE_PAYLOAD_MIN,
		.payload_max_bytes = (uint16_t)probe->size_bytes,
	};
	struct probe transport = {&icmp_probe_ops, &daemon->icmp};
	struct prober_callbacks callbacks = {on_probe_sent, on_probe_reply, daemon};
	int fds[PROBE_FDS];
	size_t i, count;
	int ret = prober_new(&config, transport, callbacks, &daemon->rng, &engine->prober);

	if (ret)
		return err_set(err, ret, "cannot make the prober: %s", strerror(-ret));
	for (i = 0; i < engine->conf->path_count; i++)
		links_set_targets(daemon, i, now);
	count = prober_fds(engine->prober, fds);
	for (i = 0; i < count; i++)
		engine->prober_fds[i] = loop_add_fd(daemon->loop, fds[i], on_probe_fd, daemon);
	return 0;
}

static int start_steer(struct daemon *daemon, struct mono now, struct err *err)
{
	struct engine *engine = &daemon->engine;
	const struct conf *conf = engine->conf;
	struct steer_config steer_config = {
		.min_dwell_us = conf->guards.min_dwell_us,
		.migrations_per_min = conf->guards.max_migrations_per_min,
		.hold_down_us = conf->guards.hold_down_us,
		.hold_down_max_us = HOLD_DOWN_MAX_US,
	};
	struct executor_config executor_config = {
		.confirm = conf->mode == CONF_NESTED,
		.settle_timeout_us = conf->guards.settle_timeout_us,
	};
	size_t i;
	int active, ret;

	executor_init(&engine->executor, &executor_config, &executor_ops, daemon);
	ret = steer_init(&engine->steer, &steer_config, conf->path_count, conf->policy,
			 conf->policy_values, &daemon->rng, now, err);
	if (ret)
		return ret;
	for (i = 0; i < conf->path_count; i++)
		steer_drain(&engine->steer, (int)i, conf->paths[i].drained);
	active = network_active(&engine->network);
	if (active >= 0) {
		/* Its number may be another one now, and with it the label of its route. */
		ret = network_repair(&engine->network, active, err);
		if (ret)
			return ret;
		steer_adopt(&engine->steer, active, now);
		log_info(&daemon->log, "adopted what is there: %s is active",
			 conf->paths[active].name);
	}
	return 0;
}

int engine_start(struct daemon *daemon, struct conf *conf, struct err *err)
{
	struct mono now = clock_now();
	int ret;

	memset(&daemon->engine, 0, sizeof(daemon->engine));
	daemon->engine.conf = conf;
	daemon->engine.reopen_at = MONO_NEVER;
	ret = start_network(daemon, err);
	if (!ret)
		ret = start_paths(daemon, now, err);
	if (!ret)
		ret = start_prober(daemon, now, err);
	if (!ret)
		ret = start_steer(daemon, now, err);
	return ret;
}

void engine_stop(struct daemon *daemon)
{
	struct engine *engine = &daemon->engine;
	struct conf *conf = engine->conf;
	size_t i;

	loop_remove_fd(engine->watch_fd);
	for (i = 0; i < PROBE_FDS; i++)
		loop_remove_fd(engine->prober_fds[i]);
	prober_free(engine->prober);
	steer_fini(&engine->steer);
	paths_fini(&engine->paths);
	free(engine->views);
	free(engine->announced);
	free(engine->looked_up);
	free(engine->values);
	network_close(&engine->network);
	memset(engine, 0, sizeof(*engine));
	engine->conf = conf;
}

/* --- another configuration -------------------------------------------------------------------- */

/* What the operator asked for, by path name, while one configuration follows another. */
struct wishes {
	char pinned[CONF_PATH_NAME_BYTES];
	struct mono pinned_until;
	char (*drained)[CONF_PATH_NAME_BYTES];
	size_t drained_count;
};

static int remember_wishes(const struct engine *engine, struct wishes *wishes)
{
	const struct steer *steer = &engine->steer;
	size_t i;

	memset(wishes, 0, sizeof(*wishes));
	wishes->drained = calloc(steer->count, sizeof(*wishes->drained));
	if (!wishes->drained)
		return -ENOMEM;
	if (steer->pinned >= 0) {
		strcpy(wishes->pinned, engine->conf->paths[steer->pinned].name);
		wishes->pinned_until = steer->pinned_until;
	}
	for (i = 0; i < steer->count; i++) {
		if (steer->path[i].drained && !engine->conf->paths[i].drained)
			strcpy(wishes->drained[wishes->drained_count++],
			       engine->conf->paths[i].name);
	}
	return 0;
}

static void repeat_wishes(struct engine *engine, const struct wishes *wishes)
{
	int path = paths_find(&engine->paths, wishes->pinned);
	size_t i;

	if (path >= 0)
		steer_pin(&engine->steer, path, wishes->pinned_until);
	for (i = 0; i < wishes->drained_count; i++) {
		path = paths_find(&engine->paths, wishes->drained[i]);
		if (path >= 0)
			steer_drain(&engine->steer, path, true);
	}
}

static int index_now(int index, const struct conf *old, const struct paths *paths)
{
	return index < 0 ? index : paths_find(paths, old->paths[index].name);
}

/* The record names paths by their index, which may mean another path now, or none. */
static void renumber(struct migration_log *log, const struct conf *old, const struct paths *paths)
{
	size_t i;

	for (i = 0; i < log->total && i < MIGRATION_KEPT; i++) {
		log->last[i].from = index_now(log->last[i].from, old, paths);
		log->last[i].to = index_now(log->last[i].to, old, paths);
	}
}

/* What somebody put in the way since the start would stop the old configuration as well. */
static int check_conflicts(struct daemon *daemon, const struct conf *conf, struct err *err)
{
	struct network network;
	int ret = network_open(&network, conf, &daemon->log, err);

	if (!ret)
		network_close(&network);
	return ret;
}

static bool has_interface(const struct conf *conf, const char *interface)
{
	size_t i;

	for (i = 0; i < conf->path_count; i++) {
		if (!strcmp(conf->paths[i].tunnel.interface, interface))
			return true;
	}
	return false;
}

/* Where the new configuration lacks the active path, its guard would stop what still leaves by it:
 * go to a path that both have first. */
static void leave_removed_path(struct daemon *daemon, const struct conf *conf)
{
	struct engine *engine = &daemon->engine;
	const struct path_view *views = daemon_views(daemon, clock_now());
	int active = engine->steer.active;
	struct err err;
	int64_t swap_us;
	size_t i;

	if (active < 0 || has_interface(conf, engine->paths.path[active].interface))
		return;
	for (i = 0; i < engine->paths.count; i++) {
		if (!has_interface(conf, engine->paths.path[i].interface) ||
		    !steer_eligible(&engine->steer, views, (int)i, clock_now()) ||
		    network_swap(&engine->network, active, (int)i, &swap_us, &err))
			continue;
		reassert(daemon);
		kick(daemon);
		announce(daemon, "reload", NULL, "path %s is no longer configured, went over to %s",
			 engine->paths.path[active].name, engine->paths.path[i].name);
		return;
	}
}

int engine_replace(struct daemon *daemon, struct conf *conf, struct err *err)
{
	struct conf *old = daemon->engine.conf;
	struct wishes wishes;
	struct err ignored;
	int ret = check_conflicts(daemon, conf, err);

	if (ret) {
		conf_free(conf);
		return ret;
	}
	ret = remember_wishes(&daemon->engine, &wishes);
	if (ret) {
		conf_free(conf);
		return err_set(err, ret, "out of memory");
	}
	leave_removed_path(daemon, conf);
	commands_on_no_migration(daemon, "the configuration was reloaded meanwhile");
	engine_stop(daemon);
	ret = engine_start(daemon, conf, err);
	if (ret) {
		engine_stop(daemon);
		conf_free(conf);
		if (engine_start(daemon, old, &ignored)) {
			log_error(&daemon->log,
				  "cannot go back to the old configuration: %s; ending, what is "
				  "installed stays",
				  ignored.text);
			daemon_give_up(daemon);
		}
	} else {
		renumber(&daemon->migrations, old, &daemon->engine.paths);
		conf_free(old);
	}
	daemon->engine.strays_left = true;
	repeat_wishes(&daemon->engine, &wishes);
	free(wishes.drained);
	return ret;
}
