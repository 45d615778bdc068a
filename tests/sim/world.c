#include "tests/sim/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/machine.h"
#include "conf/policy_params.h"
#include "policies/registry.h"
#include "tests/sim/rules.h"

#define DECIDE_GAP_US INT64_C(5000) /* as in daemon/daemon.c */

#define SWAP_US 200 /* what a swap takes in the kernel */

struct world_config world_defaults(size_t paths, const char *policy)
{
	return (struct world_config){
		.paths = paths,
		.policy = policy,
		.guards =
			{
				.min_dwell_us = 2 * SECOND,
				.max_migrations_per_min = 120,
				.settle_timeout_us = 500 * MS,
				.hold_down_us = 10 * SECOND,
				.hold_down_half_life_us = 60 * SECOND,
				.share_window_us = 30 * SECOND,
			},
		.probe =
			{
				.interval_us = SECOND,
				.burst = 4,
				.burst_gap_us = 5 * MS,
				.timeout_min_us = 30 * MS,
				.timeout_max_us = SECOND,
				.up_after = 3,
				.window = 100,
				.size_bytes = 64,
			},
	};
}

/* --- probes and counters in (engine.c) -------------------------------------------------------- */

static void act_on(struct world *world, unsigned int effects, struct mono now)
{
	int to = world->executor.migration.to;

	if (effects & PATHS_BURST) {
		world->bursts++;
		prober_burst(world->prober, now);
	}
	if (!(effects & PATHS_CHANGED))
		return;
	if (world->executor.state != EXECUTOR_IDLE &&
	    world->machine.paths.path[to].state == PATH_DOWN)
		executor_on_path_lost(&world->executor, now);
	world->decide_now = true;
}

struct machine_result world_feed(struct world *world, struct input input)
{
	struct machine_result result;

	machine_feed(&world->machine, input, &result);
	act_on(world, result.effects, input.at);
	return result;
}

static int64_t fate(void *arg, struct probe_packet *packet)
{
	struct world *world = arg;

	if (!packet->ifindex) {
		packet->error = -ENODEV;
		return PROBE_FAKE_LOST;
	}
	return net_probe(&world->net, (size_t)packet->ifindex - 1,
			 (enum path_target)packet->to.bytes[0]);
}

static void on_sent(void *arg, size_t path, unsigned int target, uint32_t number, struct mono at,
		    int error)
{
	struct world *world = arg;

	(void)error;
	world_feed(world, (struct input){.kind = INPUT_SENT,
					 .path = (int16_t)path,
					 .target = (uint8_t)target,
					 .number = number,
					 .at = at});
}

static void on_reply(void *arg, const struct prober_reply *reply)
{
	struct world *world = arg;
	struct mono now = world->now;

	world->net.path[reply->path].counters.rx_packets++;
	world_feed(world, (struct input){.kind = INPUT_REPLY,
					 .path = (int16_t)reply->path,
					 .target = (uint8_t)reply->target,
					 .number = reply->number,
					 .at = now,
					 .value = reply->rtt_us});
	world->decide_at = mono_earlier(world->decide_at, mono_add_us(now, DECIDE_GAP_US));
}

static void read_counters(struct world *world, size_t i, struct mono now)
{
	struct machine_result result;

	if (world->net.path[i].link_gone)
		return;
	net_advance(&world->net, now);
	machine_counters(&world->machine, i, &world->net.path[i].counters, now, &result);
	act_on(world, result.effects, now);
}

static void set_targets(struct world *world, size_t path)
{
	int ifindex = world->net.path[path].link_gone ? 0 : (int)path + 1;
	unsigned int target;

	for (target = 0; target < PATH_TARGETS; target++) {
		struct ip to = {.family = AF_INET, .bytes = {(uint8_t)target}};

		world_feed(world, (struct input){.kind = INPUT_TARGET,
						 .path = (int16_t)path,
						 .target = (uint8_t)target,
						 .at = world->now,
						 .value = true});
		prober_set_target(world->prober, path, target, &to, ifindex, world->now);
	}
}

static void forget_replies(struct probe_fake *transport, int ifindex)
{
	size_t i = 0;

	while (i < transport->count) {
		if (transport->pending[i].ifindex == ifindex)
			transport->pending[i] = transport->pending[--transport->count];
		else
			i++;
	}
}

void world_set_link(struct world *world, size_t path, bool there)
{
	struct net_path *p = &world->net.path[path];

	net_advance(&world->net, world->now);
	if (p->link_gone == !there)
		return;
	p->link_gone = !there;
	p->counters = (struct path_counters){0};
	forget_replies(world->transport, (int)path + 1);
	set_targets(world, path);
	world_feed(world, (struct input){.kind = INPUT_LINK,
					 .path = (int16_t)path,
					 .at = world->now,
					 .value = there});
}

/* --- migrations out (engine.c) ---------------------------------------------------------------- */

static int check_path(void *ctx, int path, struct err *err)
{
	struct world *world = ctx;

	if (world->net.path[path].link_gone)
		return err_set(err, -ENETDOWN, "the interface is gone");
	if (world->machine.paths.path[path].state == PATH_DOWN)
		return err_set(err, -EHOSTUNREACH, "the path does not answer probes");
	return 0;
}

static int swap_path(void *ctx, int from, int to, int64_t *swap_us, struct err *err)
{
	struct world *world = ctx;

	assert_int_equal(from, world->net.route);
	if (world->refuses_swap)
		return err_set(err, -EPERM, "the kernel says no");
	world->now = mono_add_us(world->now, SWAP_US);
	net_route(&world->net, to, world->now);
	*swap_us = SWAP_US;
	return 0;
}

static void watch_path(void *ctx, int path)
{
	((struct world *)ctx)->watched = path;
}

static void unwatch_path(void *ctx, int path)
{
	(void)path;
	((struct world *)ctx)->watched = POLICY_NONE;
}

static void reassert(void *ctx)
{
	(void)ctx;
}

static void kick(void *ctx)
{
	struct world *world = ctx;

	if (!world->swallows[world->net.route])
		net_kick(&world->net, world->now);
}

static const struct executor_ops executor_ops = {
	.check = check_path,
	.swap = swap_path,
	.watch = watch_path,
	.unwatch = unwatch_path,
	.reassert = reassert,
	.kick = kick,
};

/* --- one step (daemon.c) ---------------------------------------------------------------------- */

static void read_active_counters(struct world *world, struct mono now)
{
	int active = world->machine.steer.active;
	int64_t poll_us = STALL_POLL_IDLE_US;

	if (active >= 0) {
		read_counters(world, (size_t)active, now);
		poll_us = stall_poll_us(&world->machine.paths.path[active].stall);
	}
	world->next_active = mono_add_us(now, poll_us);
}

static void do_every_second(struct world *world, struct mono now)
{
	size_t i;

	for (i = 0; i < world->machine.paths.count; i++) {
		if ((int)i != world->machine.steer.active)
			read_counters(world, i, now);
	}
	world->next_second = mono_add_us(now, SECOND);
}

static void note_active_time(struct world *world, struct mono until)
{
	if (world->machine.steer.active >= 0)
		world->active_us[world->machine.steer.active] +=
			mono_diff_us(until, world->active_since);
	world->active_since = until;
}

static void finish_migration(struct world *world, struct mono now)
{
	struct migration migration;

	if (!executor_take_result(&world->executor, &migration))
		return;
	world->history[world->count++ % WORLD_HISTORY] = migration;
	if (migration.outcome != MIGRATION_REFUSED && migration.outcome != MIGRATION_ROLLED_BACK)
		note_active_time(world, migration.swapped);
	world_feed(world, machine_outcome(&migration, now));
	assert_int_equal(world->machine.steer.active, world->net.route);
	if (migration.outcome == MIGRATION_FAILED || migration.outcome == MIGRATION_ROLLED_BACK)
		prober_burst(world->prober, now);
	world->decide_now = true;
	world->next_active = now;
}

static void decide(struct world *world, struct mono now)
{
	int active = world->machine.steer.active;
	struct steer_verdict verdict;

	world->decide_now = false;
	verdict = world_feed(world, (struct input){.kind = INPUT_DECIDE, .at = now}).verdict;
	world->decide_at = verdict.wake;
	if (verdict.action != STEER_MIGRATE)
		return;
	rules_check(world, &verdict);
	executor_start(&world->executor, active, &verdict, machine_srtt_us(&world->machine, active),
		       machine_srtt_us(&world->machine, verdict.to), now, now.us);
}

static void step(struct world *world)
{
	struct mono now = world->now;

	prober_run(world->prober, now);
	if (mono_due(world->next_active, now))
		read_active_counters(world, now);
	if (mono_due(world->next_second, now))
		do_every_second(world, now);
	world_feed(world, (struct input){.kind = INPUT_TIME, .at = now});
	executor_on_time(&world->executor, now);
	finish_migration(world, now);
	if (world->decide_now || mono_due(world->decide_at, now))
		decide(world, now);
}

static struct mono next_wake(const struct world *world)
{
	struct mono next = mono_earlier(world->next_active, world->next_second);

	if (world->executor.state == EXECUTOR_DONE)
		return world->now;
	next = mono_earlier(next, world->decide_at);
	next = mono_earlier(next, prober_next_deadline(world->prober));
	next = mono_earlier(next, paths_next_deadline(&world->machine.paths));
	return mono_earlier(next, executor_next_deadline(&world->executor));
}

/* --- the loop --------------------------------------------------------------------------------- */

static void receive(struct world *world)
{
	while (mono_due(net_next(&world->net), world->now)) {
		int path = net_arrive(&world->net, world->now);

		if (path >= 0 && path == world->watched) {
			unwatch_path(world, path);
			executor_on_packet(&world->executor, world->now, world->now);
		}
	}
	if (mono_due(probe_fake_next_deadline(world->transport), world->now))
		prober_on_readable(world->prober, -1, world->now);
}

void world_run(struct world *world, int64_t us)
{
	struct mono end = mono_add_us(world->now, us);

	/* Whatever the scenario changed is an event. */
	world->decide_now |= !mono_before(world->active_since, world->now);
	step(world);
	for (;;) {
		struct mono next = next_wake(world);

		next = mono_earlier(next, probe_fake_next_deadline(world->transport));
		next = mono_earlier(next, net_next(&world->net));
		if (mono_before(end, next))
			break;
		if (mono_before(world->now, next))
			world->now = next;
		receive(world);
		step(world);
	}
	if (mono_before(world->now, end))
		world->now = end;
	net_advance(&world->net, world->now);
	note_active_time(world, world->now);
}

/* --- life ------------------------------------------------------------------------------------- */

static void start_prober(struct world *world)
{
	const struct conf_probe *probe = &world->config.probe;
	struct prober_config config = {
		.path_count = world->config.paths,
		.interval_us = probe->interval_us,
		.late_us = probe->timeout_max_us,
		.burst_count = probe->burst,
		.burst_gap_us = probe->burst_gap_us,
		.payload_min_bytes = PROBE_PAYLOAD_MIN,
		.payload_max_bytes = (uint16_t)probe->size_bytes,
	};
	struct prober_callbacks callbacks = {on_sent, on_reply, world};
	struct probe transport = {&probe_fake_ops, world->transport};
	size_t i;

	assert_int_equal(prober_new(&config, transport, callbacks, &world->rng, &world->prober), 0);
	for (i = 0; i < world->config.paths; i++)
		set_targets(world, i);
}

static const struct policy_ops *read_policy(struct world *world)
{
	const struct world_config *config = &world->config;
	const struct policy_ops *policy = registry_find(config->policy);
	struct err err = {""};
	size_t i;

	assert_non_null(policy);
	for (i = 0; i < policy->param_count; i++)
		world->values[i] = policy->params[i].preset;
	for (i = 0; config->params[i]; i += 2) {
		if (conf_policy_param_set(policy, world->values, config->params[i],
					  config->params[i + 1], &err))
			fail_msg("%s", err.text);
	}
	return policy;
}

static void start_machine(struct world *world)
{
	const struct world_config *config = &world->config;
	struct machine_config machine =
		conf_machine_config(&config->probe, &config->guards, config->paths);
	struct executor_config executor = {
		.confirm = !config->direct,
		.settle_timeout_us = config->guards.settle_timeout_us,
	};
	struct err err = {""};
	size_t i;

	if (machine_init(&world->machine, &machine, read_policy(world), world->values,
			 steer_rng(&world->rng), world->now, &err))
		fail_msg("%s", err.text);
	world->machine.tap = config->tap;
	world->machine.tap_arg = config->tap_arg;
	executor_init(&world->executor, &executor, &executor_ops, world);
	for (i = 0; i < config->paths; i++) {
		struct path *path = &world->machine.paths.path[i];

		snprintf(world->names[i], sizeof(world->names[i]), "p%u", (unsigned int)i % 1000);
		path->name = path->interface = world->names[i];
		path->priority = (uint32_t)i;
		path->link_up = true;
	}
}

struct world *world_new(const struct world_config *config, uint64_t seed)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->transport = calloc(1, sizeof(*world->transport));
	assert_non_null(world->transport);
	world->transport->fate = fate;
	world->transport->arg = world;
	world->config = *config;
	world->seed = seed;
	world->now = world->active_since = WORLD_BIRTH;
	world->watched = POLICY_NONE;
	assert_int_equal(rng_init_seed(&world->rng, seed), 0);
	net_init(&world->net, config->paths, seed, world->now);
	start_machine(world);
	start_prober(world);
	world->next_active = world->next_second = world->decide_at = world->now;
	prober_burst(world->prober, world->now);
	return world;
}

void world_free(struct world *world)
{
	prober_free(world->prober);
	machine_fini(&world->machine);
	free(world->transport);
	free(world);
}

int world_request(struct world *world, int path)
{
	world->decide_now = true;
	return world_feed(world, (struct input){.kind = INPUT_REQUEST,
						.path = (int16_t)path,
						.at = world->now})
		.error;
}

size_t world_migrations(const struct world *world, const char *reason)
{
	size_t i, n = 0;

	assert_true(world->count <= WORLD_HISTORY || !*reason);
	if (!*reason)
		return world->count;
	for (i = 0; i < world->count; i++)
		n += !strcmp(world->history[i].reason, reason);
	return n;
}

const struct migration *world_last(const struct world *world)
{
	assert_true(world->count > 0);
	return &world->history[(world->count - 1) % WORLD_HISTORY];
}
