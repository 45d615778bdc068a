#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/report.h"
#include "daemon/announce.h"
#include "daemon/commands.h"
#include "daemon/endpoints.h"
#include "daemon/engine.h"
#include "daemon/links.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "daemon/teardown.h"
#include "lib/clock.h"
#include "policies/registry.h"

#define SECOND_US INT64_C(1000000)

#define GUARD_POLL_US INT64_C(200000)

#define TRACE_WARNING_US  INT64_C(60000000)
#define POLICY_WARNING_US INT64_C(60000000)

/* steer looks at all paths; under many probes once in so many microseconds is enough. */
#define DECIDE_GAP_US INT64_C(5000)

/* Others often change several things in a row: wait for the last of them. The kernel does not
 * announce everything, so rules and routes are also put right without a reason now and then. */
#define REPAIR_DELAY_US	 INT64_C(100000)
#define REPAIR_REFILL_US INT64_C(250000)
#define REPAIRS_IN_A_ROW 20
#define AUDIT_US	 INT64_C(5000000)

/* --- one step --------------------------------------------------------------------------------- */

static void notice_suspend(struct daemon *daemon, struct mono now)
{
	int64_t suspended_us = clock_suspended_us();

	if (suspended_us - daemon->suspended_us > SECOND_US / 10) {
		log_info(&daemon->log, "the machine slept for %dms, probing afresh",
			 (int)((suspended_us - daemon->suspended_us) / 1000));
		prober_forget_outstanding(daemon->engine.prober, now);
		engine_feed(daemon, (struct input){.kind = INPUT_RESUME, .at = now});
		prober_burst(daemon->engine.prober, now);
	}
	daemon->suspended_us = suspended_us;
}

static void read_active_counters(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	int active = engine->machine.steer.active;
	int64_t poll_us = STALL_POLL_IDLE_US;

	if (active >= 0) {
		engine_read_counters(daemon, (size_t)active, now);
		poll_us = paths_poll_us(&engine->machine.paths, (size_t)active);
	}
	daemon->next_active = mono_add_us(now, poll_us);
}

static void watch_recorder(struct daemon *daemon, struct mono now)
{
	struct recorder_status status;

	recorder_tick(daemon->recorder, now, clock_wall_us());
	recorder_read_status(daemon->recorder, &status);
	if (status.lost > daemon->trace_lost && mono_due(daemon->next_trace_warning, now)) {
		log_warn(&daemon->log, "trace: %llu records lost: %s; trying again",
			 (unsigned long long)(status.lost - daemon->trace_lost),
			 status.error[0] ? status.error : "the disk is too slow");
		daemon->trace_lost = status.lost;
		daemon->next_trace_warning = mono_add_us(now, TRACE_WARNING_US);
	}
}

static void watch_policy(struct daemon *daemon, struct mono now)
{
	const struct steer *steer = &daemon->engine.machine.steer;
	uint32_t new = steer->policy_errors - daemon->policy_errors;

	if (!new || !mono_due(daemon->next_policy_warning, now))
		return;
	log_warn(&daemon->log,
		 "policy %s: %u answers made no sense (a path that cannot be taken, no reason, a "
		 "wake-up in the past) and were ignored; the traffic stays where it is",
		 steer->policy->name, new);
	daemon->policy_errors = steer->policy_errors;
	daemon->next_policy_warning = mono_add_us(now, POLICY_WARNING_US);
}

static void do_every_second(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	size_t i;

	for (i = 0; i < engine->machine.paths.count; i++) {
		if ((int)i != engine->machine.steer.active)
			engine_read_counters(daemon, i, now);
	}
	/* One path a second: asking a userspace WireGuard takes a while. */
	i = daemon->next_handshake++ % engine->machine.paths.count;
	engine_feed(daemon, (struct input){.kind = INPUT_HANDSHAKE,
					   .path = (int16_t)i,
					   .at = now,
					   .value = network_handshake_age_us(&engine->network, i,
									     clock_wall_us())});
	if (daemon->recorder)
		watch_recorder(daemon, now);
	watch_policy(daemon, now);
	daemon->next_second = mono_add_us(now, SECOND_US);
}

/* Who took the guard away is not announced to us; what it counts is asked for anyway. */
static void read_guard(struct daemon *daemon, struct mono now)
{
	struct guard_counters counters;
	bool gone = network_read_guard(&daemon->engine.network, &counters);

	announce_guard(daemon, gone ? NULL : &counters);
	if (gone)
		daemon->repair_at = now;
	daemon->next_guard = mono_add_us(now, GUARD_POLL_US);
}

static void finish_migration(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct migration migration;

	if (!executor_take_result(&engine->executor, &migration))
		return;
	migration_log_add(&daemon->migrations, &migration);
	announce_migration(daemon, &migration);
	commands_on_migration(daemon, &migration);
	engine_feed(daemon, machine_outcome(&migration, now));
	/* The next choice needs to know who answers now. */
	if (migration.outcome == MIGRATION_FAILED || migration.outcome == MIGRATION_ROLLED_BACK)
		prober_burst(engine->prober, now);
	daemon->decide_now = true;
	daemon->next_active = now;
}

static void decide(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct machine *machine = &engine->machine;
	struct steer_verdict verdict;

	daemon->decide_now = false;
	verdict = engine_feed(daemon, (struct input){.kind = INPUT_DECIDE, .at = now}).verdict;
	daemon->decide_at = verdict.wake;
	if (verdict.action == STEER_KEEP && engine->executor.state == EXECUTOR_IDLE &&
	    machine->steer.requested == POLICY_NONE && !daemon->remove_on_exit)
		commands_on_no_migration(daemon, "the path is no longer eligible");
	if (verdict.action == STEER_MIGRATE)
		executor_start(&engine->executor, machine->steer.active, &verdict,
			       machine_srtt_us(machine, machine->steer.active),
			       machine_srtt_us(machine, verdict.to), now, clock_wall_us());
}

static void ask_shadows(struct daemon *daemon, struct mono now)
{
	struct machine *machine = &daemon->engine.machine;

	daemon->shadows_at = MONO_NEVER;
	if (daemon->engine.shadows.count)
		daemon->shadows_at = shadows_decide(
			&daemon->engine.shadows, machine_views(machine, now), &machine->steer, now);
}

static void repair(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct err err;

	/* A migration that has ended but is not taken note of yet, or no token: a moment later. */
	if (engine->executor.state == EXECUTOR_DONE || !bucket_take(&daemon->repairs, now)) {
		daemon->repair_at = mono_add_us(now, REPAIR_DELAY_US);
		return;
	}
	daemon->repair_at = mono_add_us(now, AUDIT_US);
	if (network_repair(&engine->network,
			   executor_route(&engine->executor, engine->machine.steer.active), &err))
		log_error(&daemon->log, "cannot repair rules and routes: %s; trying again in %ds",
			  err.text, (int)(AUDIT_US / SECOND_US));
	else if (daemon->damage)
		announce(daemon, "repair", NULL,
			 "others deleted or added %u of the rules and routes in our tables, the "
			 "first was %s; put them right",
			 daemon->damage, daemon->first_damage);
	daemon->damage = 0;
}

static struct mono next_wake(const struct daemon *daemon, struct mono now)
{
	const struct engine *engine = &daemon->engine;
	struct mono next = mono_earlier(daemon->next_active, daemon->next_second);

	next = mono_earlier(next, daemon->next_guard);
	next = mono_earlier(next, daemon->repair_at);
	next = mono_earlier(next, engine->reopen_at);
	next = mono_earlier(next, resolver_next_deadline(daemon->resolver, now));
	next = mono_earlier(next, daemon->decide_at);
	next = mono_earlier(next, daemon->shadows_at);
	next = mono_earlier(next, prober_next_deadline(engine->prober));
	next = mono_earlier(next, paths_next_deadline(&engine->machine.paths));
	return mono_earlier(next, executor_next_deadline(&engine->executor));
}

static void daemon_step(void *arg)
{
	struct daemon *daemon = arg;
	struct engine *engine = &daemon->engine;
	struct mono now = clock_now();

	if (daemon->failed)
		return;
	notice_suspend(daemon, now);
	prober_run(engine->prober, now);
	if (mono_due(daemon->next_active, now))
		read_active_counters(daemon, now);
	if (mono_due(daemon->next_guard, now))
		read_guard(daemon, now);
	if (mono_due(daemon->next_second, now))
		do_every_second(daemon, now);
	engine_on_time(daemon, now);
	executor_on_time(&engine->executor, now);
	finish_migration(daemon, now);
	if (daemon->decide_now || mono_due(daemon->decide_at, now)) {
		decide(daemon, now);
		ask_shadows(daemon, now);
	} else if (mono_due(daemon->shadows_at, now)) {
		ask_shadows(daemon, now);
	}
	if (engine->strays_left && engine->machine.steer.active >= 0) {
		teardown_strays(&engine->network);
		engine->strays_left = false;
	}
	links_reopen(daemon, now);
	endpoints_on_time(daemon, now);
	if (mono_due(daemon->repair_at, now))
		repair(daemon, now);
	/* A migration that ended at once is taken note of without waiting for the next event. */
	loop_wake_at(daemon->loop,
		     engine->executor.state == EXECUTOR_DONE ? now : next_wake(daemon, now));
}

void daemon_give_up(struct daemon *daemon)
{
	daemon->failed = true;
	loop_stop(daemon->loop);
}

void daemon_decide_soon(struct daemon *daemon)
{
	daemon->decide_now = true;
}

void daemon_decide_by(struct daemon *daemon, struct mono now)
{
	daemon->decide_at = mono_earlier(daemon->decide_at, mono_add_us(now, DECIDE_GAP_US));
}

const struct path_view *daemon_views(struct daemon *daemon, struct mono now)
{
	return machine_views(&daemon->engine.machine, now);
}

/* --- events from the kernel ------------------------------------------------------------------- */

/* Somebody deleted what is ours, or put a default of their own beside it. */
static bool is_damage(const struct daemon *daemon, const struct monitor_event *event)
{
	const struct conf_network *network = &daemon->engine.conf->network;

	if ((event->kind != MONITOR_ROUTE && event->kind != MONITOR_RULE) ||
	    event->port == daemon->engine.network.route_nl.portid)
		return false;
	return event->deleted
		       ? event->protocol == network->protocol
		       : event->protocol != network->protocol && event->kind == MONITOR_ROUTE &&
				 event->table == network->table_overlay;
}

static void on_kernel_event(void *arg, const struct monitor_event *event)
{
	struct daemon *daemon = arg;
	struct mono now = clock_now();
	bool damage = is_damage(daemon, event);

	if (event->kind != MONITOR_ROUTE && event->kind != MONITOR_RULE)
		links_on_event(daemon, event, now);
	if (damage && event->port && !daemon->damage++)
		snprintf(daemon->first_damage, sizeof(daemon->first_damage),
			 "%s IPv%d %s of table %u", event->deleted ? "the deleted" : "the added",
			 event->family == AF_INET ? 4 : 6,
			 event->kind == MONITOR_RULE ? "rule" : "route", event->table);
	if (damage || event->kind == MONITOR_LINK || event->kind == MONITOR_RESYNC)
		daemon->repair_at =
			mono_earlier(daemon->repair_at, mono_add_us(now, REPAIR_DELAY_US));
}

static void on_monitor(void *arg, int fd, bool readable, bool writable)
{
	struct daemon *daemon = arg;

	(void)fd;
	(void)readable;
	(void)writable;
	monitor_dispatch(&daemon->monitor, on_kernel_event, daemon);
}

static void on_signal(void *arg, int signal)
{
	struct daemon *daemon = arg;
	struct diags diags = DIAGS_INIT;
	char line[1024];
	struct err err;
	size_t i;

	if (signal != SIGHUP) {
		log_info(&daemon->log, "stopping; tunnels, routes and guard stay (comps down "
				       "removes them)");
		loop_stop(daemon->loop);
		return;
	}
	if (daemon_reload(daemon, &diags, &err)) {
		for (i = 0; i < diags.count; i++) {
			diag_format(&diags.items[i], line, sizeof(line));
			log_error(&daemon->log, "%s", line);
		}
		log_error(&daemon->log, "%s; the old configuration stays", err.text);
	}
	diags_fini(&diags);
}

/* --- life ------------------------------------------------------------------------------------- */

static void start_clockwork(struct daemon *daemon, struct mono now)
{
	daemon->next_active = now;
	daemon->next_second = now;
	daemon->next_guard = now;
	daemon->repair_at = mono_add_us(now, AUDIT_US);
	daemon->damage = 0;
	bucket_init(&daemon->repairs, REPAIRS_IN_A_ROW, REPAIR_REFILL_US, now);
	daemon->decide_at = now;
	prober_burst(daemon->engine.prober, now);
}

int daemon_init(struct daemon *daemon, struct conf *conf, struct err *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	size_t i;
	int ret;

	memset(daemon, 0, sizeof(*daemon));
	daemon->log = (struct log){conf->log_level, log_sink_stderr, NULL};
	daemon->started = clock_now();
	daemon->suspended_us = clock_suspended_us();
	daemon->icmp.fd[ICMP_V4] = daemon->icmp.fd[ICMP_V6] = -1;
	ret = rng_init_system(&daemon->rng);
	if (!ret)
		ret = loop_new(daemon_step, daemon, &daemon->loop);
	if (!ret)
		ret = resolver_new(daemon->loop, endpoints_on_answer, daemon, &daemon->resolver);
	for (i = 0; !ret && i < 3; i++)
		ret = loop_add_signal(daemon->loop, signals[i], on_signal, daemon);
	if (ret) {
		err_set(err, ret, "cannot start: %s", strerror(-ret));
		goto fail;
	}
	ret = control_new(daemon->loop, conf->control_socket, conf->has_control_group,
			  conf->control_group, commands_on_request, daemon, &daemon->control, err);
	if (!ret)
		ret = icmp_init(&daemon->icmp, &daemon->rng, err);
	if (!ret) {
		ret = monitor_open(&daemon->monitor);
		if (ret)
			err_set(err, ret, "cannot watch the kernel: %s", strerror(-ret));
	}
	if (!ret && conf->trace.file)
		ret = recorder_new(&conf->trace, &daemon->recorder, err);
	if (!ret)
		ret = engine_start(daemon, conf, err);
	if (ret)
		goto fail;
	daemon->monitor_fd = loop_add_fd(daemon->loop, daemon->monitor.fd, on_monitor, daemon);
	start_clockwork(daemon, daemon->started);
	return 0;
fail:
	daemon_fini(daemon);
	return ret;
}

void daemon_run(struct daemon *daemon)
{
	loop_run(daemon->loop);
}

int daemon_fini(struct daemon *daemon)
{
	struct conf *conf = daemon->engine.conf;
	int ret = daemon->failed ? -EIO : 0;
	struct err err;

	resolver_free(daemon->resolver);
	engine_stop(daemon);
	recorder_free(daemon->recorder, clock_now());
	if (daemon->remove_on_exit) {
		ret = teardown_all(conf, &daemon->log, &err);
		if (ret)
			log_error(&daemon->log, "%s", err.text);
		commands_on_down(daemon, ret ? err.text : NULL);
	}
	conf_free(conf);
	loop_remove_fd(daemon->monitor_fd);
	monitor_close(&daemon->monitor);
	icmp_fini(&daemon->icmp);
	control_free(daemon->control);
	events_fini(&daemon->events);
	loop_free(daemon->loop);
	return ret;
}

/* --- changes on the run ----------------------------------------------------------------------- */

int daemon_set_policy(struct daemon *daemon, const struct policy_ops *policy,
		      union policy_value *values, struct err *err)
{
	int ret = machine_set_policy(&daemon->engine.machine, policy, values, err);

	if (ret) {
		free(values);
		return ret;
	}
	free(daemon->engine.values);
	daemon->engine.values = values;
	if (daemon->recorder)
		recorder_policy(daemon->recorder, &daemon->engine.machine, clock_now());
	daemon_decide_soon(daemon);
	announce(daemon, "policy", NULL, "policy is now %s", policy->name);
	return 0;
}

int daemon_reload(struct daemon *daemon, struct diags *d, struct err *err)
{
	struct conf *conf;
	int ret = conf_load(daemon->engine.conf->file, registry_all(), d, &conf);

	if (ret)
		return err_set(err, ret, "%s has errors", daemon->engine.conf->file);
	if (strcmp(conf->control_socket, daemon->engine.conf->control_socket) != 0) {
		conf_free(conf);
		return err_set(err, -EINVAL,
			       "control.socket cannot change on the run; restart "
			       "compsd");
	}
	privileges_lock_memory(conf, &daemon->log);
	ret = reload_apply(daemon, conf, err);
	if (ret)
		return ret;
	daemon->log.level = conf->log_level;
	start_clockwork(daemon, clock_now());
	announce(daemon, "reload", NULL, "configuration %s reloaded", conf->file);
	return 0;
}
