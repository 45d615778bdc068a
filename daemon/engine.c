#include "daemon/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/machine.h"
#include "daemon/announce.h"
#include "daemon/commands.h"
#include "daemon/links.h"
#include "daemon/teardown.h"
#include "lib/clock.h"

/* --- probes and counters in ------------------------------------------------------------------- */

static void act_on(struct daemon *daemon, unsigned int effects, struct mono now)
{
	struct engine *engine = &daemon->engine;
	int to = engine->executor.migration.to;

	if (effects & PATHS_BURST)
		prober_burst(engine->prober, now);
	if (!(effects & PATHS_CHANGED))
		return;
	announce_path_states(daemon);
	if (engine->executor.state != EXECUTOR_IDLE &&
	    engine->machine.paths.path[to].state == PATH_DOWN)
		executor_on_path_lost(&engine->executor, now);
	daemon_decide_soon(daemon);
}

struct machine_result engine_feed(struct daemon *daemon, struct input input)
{
	struct machine_result result;

	machine_feed(&daemon->engine.machine, input, &result);
	act_on(daemon, result.effects, input.at);
	return result;
}

static void on_probe_sent(void *arg, size_t path, unsigned int target, uint32_t number,
			  struct mono at, int error)
{
	struct daemon *daemon = arg;

	(void)error; /* no reply will come, and that is all that counts */
	engine_feed(daemon, (struct input){.kind = INPUT_SENT,
					   .path = (int16_t)path,
					   .target = (uint8_t)target,
					   .number = number,
					   .at = at});
}

static void on_probe_reply(void *arg, const struct prober_reply *reply)
{
	struct daemon *daemon = arg;
	struct mono now = clock_now();

	engine_feed(daemon, (struct input){.kind = INPUT_REPLY,
					   .path = (int16_t)reply->path,
					   .target = (uint8_t)reply->target,
					   .number = reply->number,
					   .at = now,
					   .value = reply->rtt_us});
	daemon_decide_by(daemon, now);
}

static void on_probe_fd(void *arg, int fd, bool readable, bool writable)
{
	struct daemon *daemon = arg;

	(void)readable;
	(void)writable;
	prober_on_readable(daemon->engine.prober, fd, clock_now());
}

void engine_on_time(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	int fds[PROBE_FDS];
	size_t i, count = 0;

	/* An answer that waits to be read is no miss, however late we are. */
	if (mono_due(paths_next_deadline(&engine->machine.paths), now))
		count = prober_fds(engine->prober, fds);
	for (i = 0; i < count; i++)
		prober_on_readable(engine->prober, fds[i], now);
	engine_feed(daemon, (struct input){.kind = INPUT_TIME, .at = now});
}

void engine_read_counters(struct daemon *daemon, size_t index, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct path_counters counters;
	struct machine_result result;

	if (network_counters(&engine->network, index, &counters))
		return;
	machine_counters(&engine->machine, index, &counters, now, &result);
	act_on(daemon, result.effects, now);
}

/* --- migrations out --------------------------------------------------------------------------- */

static int check_path(void *ctx, int path, struct err *err)
{
	struct daemon *daemon = ctx;
	const struct path *p = &daemon->engine.machine.paths.path[path];

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

void engine_follow(struct daemon *daemon)
{
	reassert(daemon);
	kick(daemon);
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

static int start_machine(struct daemon *daemon, struct mono now, struct err *err)
{
	struct engine *engine = &daemon->engine;
	const struct conf *conf = engine->conf;
	struct machine_config config =
		conf_machine_config(&conf->probe, &conf->guards, conf->path_count);
	size_t i;
	int ret;

	engine->announced = calloc(conf->path_count, sizeof(*engine->announced));
	engine->looked_up = calloc(conf->path_count + 1, sizeof(*engine->looked_up));
	if (!engine->announced || !engine->looked_up)
		return err_set(err, -ENOMEM, "out of memory");
	ret = machine_init(&engine->machine, &config, conf->policy, conf->policy_values,
			   steer_rng(&daemon->rng), now, err);
	if (ret)
		return ret;
	for (i = 0; i <= conf->path_count; i++)
		engine->looked_up[i] = MONO_LONG_AGO;
	for (i = 0; i < conf->path_count; i++) {
		struct path *path = &engine->machine.paths.path[i];

		path->name = conf->paths[i].name;
		path->interface = conf->paths[i].tunnel.interface;
		path->priority = conf->paths[i].priority;
		path->link_up = network_is_usable(&engine->network, i);
	}
	ret = shadows_init(&engine->shadows, conf->shadows, conf->shadow_count, &config.steer,
			   conf->path_count, announce_shadow, daemon, now, err);
	if (ret)
		return ret;
	if (daemon->recorder)
		recorder_begin(daemon->recorder, &engine->machine, conf_mode_name(conf->mode), now,
			       clock_wall_us());
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

static void feed_path(struct daemon *daemon, enum input_kind kind, int path, int64_t value,
		      struct mono now)
{
	engine_feed(daemon, (struct input){.kind = (uint8_t)kind,
					   .path = (int16_t)path,
					   .at = now,
					   .value = value});
}

static int start_steering(struct daemon *daemon, struct mono now, struct err *err)
{
	struct engine *engine = &daemon->engine;
	const struct conf *conf = engine->conf;
	struct executor_config executor_config = {
		.confirm = conf->mode == CONF_NESTED,
		.settle_timeout_us = conf->guards.settle_timeout_us,
	};
	int active = network_active(&engine->network);
	size_t i;
	int ret;

	executor_init(&engine->executor, &executor_config, &executor_ops, daemon);
	for (i = 0; i < conf->path_count; i++) {
		if (conf->paths[i].drained)
			feed_path(daemon, INPUT_DRAIN, (int)i, true, now);
	}
	if (active < 0)
		return 0;
	/* Its number may be another one now, and with it the label of its route. */
	ret = network_repair(&engine->network, active, err);
	if (ret)
		return ret;
	feed_path(daemon, INPUT_ADOPT, active, 0, now);
	log_info(&daemon->log, "adopted what is there: %s is active", conf->paths[active].name);
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
		ret = start_machine(daemon, now, err);
	if (!ret)
		ret = start_prober(daemon, now, err);
	if (!ret)
		ret = start_steering(daemon, now, err);
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
	machine_fini(&engine->machine);
	shadows_fini(&engine->shadows);
	free(engine->announced);
	free(engine->looked_up);
	free(engine->values);
	network_close(&engine->network);
	memset(engine, 0, sizeof(*engine));
	engine->conf = conf;
}
