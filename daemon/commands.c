#include "daemon/commands.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/policy_params.h"
#include "core/report.h"
#include "daemon/announce.h"
#include "daemon/daemon.h"
#include "daemon/engine.h"
#include "lib/clock.h"
#include "lib/utf8.h"
#include "policies/registry.h"

#define PIN_MAX_S (365.0 * 86400)

/* Returns the reply, or NULL when it is sent later. */
typedef json_t *(*command_fn)(struct daemon *daemon, const struct control_request *request,
			      const json_t *args);

static json_t *ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *ok_with(const char *key, json_t *value)
{
	return json_pack("{s:b, s:o}", "ok", 1, key, value);
}

__attribute__((format(printf, 2, 3))) static json_t *no(const char *code, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	utf8_repair(text);
	return json_pack("{s:b, s:s, s:s%}", "ok", 0, "code", code, "error", text, strlen(text));
}

/* The path that the request names, or -1 with the reply in `*reply`. */
static int path_argument(struct daemon *daemon, const json_t *args, json_t **reply)
{
	const struct paths *paths = &daemon->engine.machine.paths;
	const char *name = json_string_value(json_object_get(args, "path"));
	char names[400] = "";
	size_t i, used = 0;
	int path = name ? paths_find(paths, name) : -1;

	if (path >= 0)
		return path;
	for (i = 0; i < paths->count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 paths->path[i].name);
	*reply = name ? no("refused", "there is no path \"%s\"; the paths are: %s", name, names)
		      : no("usage", "\"path\" is missing; the paths are: %s", names);
	return -1;
}

/* --- reading ---------------------------------------------------------------------------------- */

static json_t *status(struct daemon *daemon, const struct control_request *request,
		      const json_t *args)
{
	struct engine *engine = &daemon->engine;
	struct report report = {
		.version = COMPS_VERSION,
		.mode = conf_mode_name(engine->conf->mode),
		.wireguard = network_is_userspace(&engine->network) ? "userspace" : "kernel",
		.started = daemon->started,
		.now = clock_now(),
		.paths = &engine->machine.paths,
		.steer = &engine->machine.steer,
		.shadows = &engine->shadows,
		.migrations = &daemon->migrations,
		.leaked_packets = -1,
		.blocked_packets = -1,
	};
	struct guard_counters counters;
	struct recorder_status trace;
	struct report_trace shown;

	(void)request;
	(void)args;
	if (daemon->recorder) {
		recorder_read_status(daemon->recorder, &trace);
		shown = (struct report_trace){trace.records, trace.lost, trace.error};
		report.trace = &shown;
	}
	if (!network_read_guard(&engine->network, &counters)) {
		report.leaked_packets = (int64_t)counters.leaked;
		report.blocked_packets = (int64_t)counters.blocked;
	}
	return ok_with("status", report_status(&report));
}

static json_t *events(struct daemon *daemon, const struct control_request *request,
		      const json_t *args)
{
	if (json_is_true(json_object_get(args, "follow")))
		control_subscribe(request->control, request->client);
	return ok_with("events", events_list(&daemon->events));
}

static json_t *policy(struct daemon *daemon, const struct control_request *request,
		      const json_t *args)
{
	(void)request;
	(void)args;
	return ok_with("policy", report_policy(&daemon->engine.machine.steer));
}

static json_t *policy_list(struct daemon *daemon, const struct control_request *request,
			   const json_t *args)
{
	const struct policy_ops *const *all = daemon->engine.conf->plugins.policies;
	json_t *list = json_array();

	(void)request;
	(void)args;
	for (; *all; all++)
		json_array_append_new(list, report_policy_declaration(*all));
	return ok_with("policies", list);
}

static json_t *version(struct daemon *daemon, const struct control_request *request,
		       const json_t *args)
{
	(void)daemon;
	(void)request;
	(void)args;
	return ok_with("version", json_string(COMPS_VERSION));
}

/* --- steering --------------------------------------------------------------------------------- */

static const char *why_not(struct daemon *daemon, const struct path_view *views, int path,
			   struct mono now)
{
	const struct steer *steer = &daemon->engine.machine.steer;

	if (path < 0)
		return "no other path is eligible";
	if (steer->path[path].drained)
		return "it is drained (comps enable)";
	if (!views[path].link_up)
		return "its interface is down";
	if (views[path].state != PATH_UP)
		return path_state_name(views[path].state);
	return hold_down_active(&steer->path[path].hold, now)
		       ? "it failed a short while ago and is held down"
		       : "it is not eligible";
}

static json_t *migrate(struct daemon *daemon, const struct control_request *request,
		       const json_t *args)
{
	const struct paths *paths = &daemon->engine.machine.paths;
	const char *name = json_string_value(json_object_get(args, "path"));
	struct mono now = clock_now();
	const struct path_view *views = daemon_views(daemon, now);
	json_t *reply = NULL;
	int path = POLICY_NONE;

	if (!name || strcmp(name, "next") != 0) {
		path = path_argument(daemon, args, &reply);
		if (path < 0)
			return reply;
	}
	if (daemon->waiting_client)
		return no("refused", "another client waits for a migration");
	switch (engine_feed(daemon,
			    (struct input){.kind = INPUT_REQUEST, .path = (int16_t)path, .at = now})
			.error) {
	case 0:
		break;
	case -EBUSY:
		return no("refused", "a migration is under way; try again in a moment");
	case -EALREADY:
		return no("refused", "path %s is active already", paths->path[path].name);
	default:
		return no("refused", "cannot migrate to %s: %s", name,
			  why_not(daemon, views, path, now));
	}
	daemon_decide_soon(daemon);
	if (!json_is_true(json_object_get(args, "wait")))
		return ok();
	daemon->waiting_client = request->client;
	return NULL;
}

void commands_on_migration(struct daemon *daemon, const struct migration *migration)
{
	json_t *record;

	if (!daemon->waiting_client)
		return;
	record = report_migration(migration, &daemon->engine.machine.paths);
	if (migration->outcome == MIGRATION_SETTLED || migration->outcome == MIGRATION_UNCONFIRMED)
		record = ok_with("migration", record);
	else
		record = json_pack("{s:b, s:s, s:s, s:o}", "ok", 0, "code", "failed", "error",
				   migration->error, "migration", record);
	control_send(daemon->control, daemon->waiting_client, record);
	daemon->waiting_client = 0;
}

void commands_on_no_migration(struct daemon *daemon, const char *why)
{
	if (!daemon->waiting_client)
		return;
	control_send(daemon->control, daemon->waiting_client, no("refused", "%s", why));
	daemon->waiting_client = 0;
}

static json_t *pin(struct daemon *daemon, const struct control_request *request, const json_t *args)
{
	const json_t *duration = json_object_get(args, "for_s");
	double for_s = json_number_value(duration);
	struct mono now = clock_now(), until = MONO_NEVER;
	json_t *reply;
	int path = path_argument(daemon, args, &reply);

	(void)request;
	if (path < 0)
		return reply;
	if (duration && !(for_s > 0 && for_s <= PIN_MAX_S))
		return no("usage", "\"for_s\" must be a number of seconds above 0, at most a year");
	if (duration)
		until = mono_add_us(now, (int64_t)(for_s * 1e6));
	engine_feed(daemon, (struct input){.kind = INPUT_PIN,
					   .path = (int16_t)path,
					   .at = now,
					   .value = until.us});
	daemon_decide_soon(daemon);
	announce(daemon, "pin", NULL, "path %s is pinned",
		 daemon->engine.machine.paths.path[path].name);
	return ok();
}

static json_t *unpin(struct daemon *daemon, const struct control_request *request,
		     const json_t *args)
{
	(void)request;
	(void)args;
	engine_feed(daemon, (struct input){.kind = INPUT_UNPIN, .at = clock_now()});
	daemon_decide_soon(daemon);
	announce(daemon, "pin", NULL, "no path is pinned");
	return ok();
}

static json_t *set_drained(struct daemon *daemon, const json_t *args, bool drained)
{
	json_t *reply;
	int path = path_argument(daemon, args, &reply);

	if (path < 0)
		return reply;
	engine_feed(daemon, (struct input){.kind = INPUT_DRAIN,
					   .path = (int16_t)path,
					   .at = clock_now(),
					   .value = drained});
	daemon_decide_soon(daemon);
	announce(daemon, "drain", NULL, "path %s is %s",
		 daemon->engine.machine.paths.path[path].name, drained ? "drained" : "enabled");
	return ok();
}

static json_t *drain(struct daemon *daemon, const struct control_request *request,
		     const json_t *args)
{
	(void)request;
	return set_drained(daemon, args, true);
}

static json_t *enable(struct daemon *daemon, const struct control_request *request,
		      const json_t *args)
{
	(void)request;
	return set_drained(daemon, args, false);
}

/* --- changing the configuration --------------------------------------------------------------- */

/* A parameter comes as text; a client may also send plain numbers and truth values. */
static int set_param(const struct policy_ops *ops, union policy_value *values, const char *key,
		     const json_t *value, struct err *err)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value))
					   : json_dumps(value, JSON_ENCODE_ANY);
	int ret = text ? conf_policy_param_set(ops, values, key, text, err) : -ENOMEM;

	free(text);
	return ret ? err_prefix(err, ret, "%s", key) : 0;
}

static json_t *policy_set(struct daemon *daemon, const struct control_request *request,
			  const json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	json_t *params = json_object_get(args, "params");
	const struct policy_ops *ops;
	union policy_value *values;
	const char *key;
	json_t *value;
	struct err err = {"out of memory"};

	(void)request;
	if (!name)
		return no("usage", "\"name\" is missing");
	ops = conf_policy_find(daemon->engine.conf->plugins.policies, name, &err);
	if (!ops)
		return no("refused", "%s", err.text);
	values = conf_policy_values_new(ops);
	if (!values)
		return no("failed", "%s", err.text);
	json_object_foreach(params, key, value)
	{
		if (set_param(ops, values, key, value, &err)) {
			free(values);
			return no("refused", "%s", err.text);
		}
	}
	if (daemon_set_policy(daemon, ops, values, &err))
		return no("refused", "%s", err.text);
	return ok_with("policy", report_policy(&daemon->engine.machine.steer));
}

static json_t *reload(struct daemon *daemon, const struct control_request *request,
		      const json_t *args)
{
	struct diags diags = DIAGS_INIT;
	json_t *errors = json_array();
	json_t *reply;
	struct err err;
	size_t i;
	int ret = daemon_reload(daemon, &diags, &err);

	(void)request;
	(void)args;
	for (i = 0; i < diags.count; i++) {
		char line[1024];

		diag_format(&diags.items[i], line, sizeof(line));
		json_array_append_new(errors, json_string(line));
	}
	diags_fini(&diags);
	if (!ret) {
		json_decref(errors);
		return ok();
	}
	reply = no("refused", "%s; the old configuration stays", err.text);
	json_object_set_new(reply, "errors", errors);
	return reply;
}

static json_t *down(struct daemon *daemon, const struct control_request *request,
		    const json_t *args)
{
	(void)args;
	log_info(&daemon->log, "going down: removing everything");
	daemon->remove_on_exit = true;
	daemon->waiting_client = request->client; /* daemon_fini() answers */
	loop_stop(daemon->loop);
	return NULL;
}

void commands_on_down(struct daemon *daemon, const char *error)
{
	control_send(daemon->control, daemon->waiting_client,
		     error ? no("failed", "%s", error) : ok());
}

/* --- dispatch --------------------------------------------------------------------------------- */

static const struct command {
	const char *name;
	bool admin; /* it changes something */
	command_fn fn;
} commands[] = {
	{"status", false, status},
	{"events", false, events},
	{"policy", false, policy},
	{"policy-list", false, policy_list},
	{"version", false, version},
	{"migrate", true, migrate},
	{"pin", true, pin},
	{"unpin", true, unpin},
	{"drain", true, drain},
	{"enable", true, enable},
	{"policy-set", true, policy_set},
	{"reload", true, reload},
	{"down", true, down},
};

static json_t *run(struct daemon *daemon, const struct control_request *request, const json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "cmd"));
	size_t i;

	if (!name)
		return no("usage", "a request is an object with a string \"cmd\"");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].admin && !request->admin)
			return no("permission", "\"%s\" needs root or the daemon's own user", name);
		return commands[i].fn(daemon, request, args);
	}
	return no("usage", "unknown command \"%s\"", name);
}

void commands_on_request(void *arg, const struct control_request *request)
{
	struct daemon *daemon = arg;
	json_error_t error;
	json_t *args = json_loads(request->line, JSON_REJECT_DUPLICATES, &error);
	json_t *reply = args ? run(daemon, request, args)
			     : no("usage", "not JSON: %s (column %d)", error.text, error.column);

	if (reply)
		control_send(request->control, request->client, reply);
	json_decref(args);
}
