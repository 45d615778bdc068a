/* Requests on the control socket, one a line, to a daemon of three paths: first from somebody who
 * may only read, then from root. Every request gets exactly one answer, which is a line of JSON.
 *
 * Real are the commands, the reports, the policies and steer; what would reach into the kernel or
 * the loop is replaced by the functions here.
 */
#include "conf/policy_params.h"
#include "daemon/commands.h"
#include "daemon/daemon.h"
#include "daemon/engine.h"
#include "lib/clock.h"
#include "lib/jsonl.h"
#include "policies/registry.h"
#include "tests/fuzz/fuzz.h"

#define PATHS 3

struct control {
	unsigned int answers;
};

/* --- in place of daemon/control, daemon/daemon, daemon/network and daemon/loop --- */

void control_send(struct control *control, uint64_t client, json_t *object)
{
	char *line = json_dumps(object, CONTROL_JSON);

	(void)client;
	MUST(line && strlen(line) <= JSONL_REPLY_MAX_BYTES);
	control->answers++;
	free(line);
	json_decref(object);
}

void control_subscribe(struct control *control, uint64_t client)
{
	(void)control;
	(void)client;
}

void control_publish(struct control *control, const char *line)
{
	(void)control;
	MUST(line && !strchr(line, '\n'));
}

const struct path_view *daemon_views(struct daemon *daemon, struct mono now)
{
	return machine_views(&daemon->engine.machine, now);
}

struct machine_result engine_feed(struct daemon *daemon, struct input input)
{
	struct machine_result result;

	machine_feed(&daemon->engine.machine, input, &result);
	return result;
}

void daemon_decide_soon(struct daemon *daemon)
{
	daemon->decide_now = true;
}

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
	return 0;
}

int daemon_reload(struct daemon *daemon, struct diags *d, struct err *err)
{
	(void)daemon;
	diag_error(d, "comps.yaml", 1, 1, "no");
	return err_set(err, -1, "the configuration has errors");
}

int network_read_guard(struct network *network, struct guard_counters *out)
{
	(void)network;
	(void)out;
	return -1;
}

bool network_is_userspace(const struct network *network)
{
	(void)network;
	return false;
}

void loop_stop(struct loop *loop)
{
	(void)loop;
}

/* --- the daemon --- */

static void drop_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	MUST(line);
}

static void feed(struct machine *machine, struct input input)
{
	struct machine_result result;

	machine_feed(machine, input, &result);
}

static void start_paths(struct machine *machine, struct mono now)
{
	static const char *const names[PATHS] = {"ams", "fra", "par"};

	for (int16_t i = 0; i < PATHS; i++) {
		struct path *path = &machine->paths.path[i];

		path->name = names[i];
		path->interface = "wgnet";
		path->link_up = true;
		path->probed[PATH_TARGET_PROXY] = true;
		if (i == 0)
			continue; /* this one stays unknown */
		feed(machine, (struct input){.kind = INPUT_SENT, .path = i, .at = now});
		feed(machine, (struct input){.kind = INPUT_REPLY,
					     .path = i,
					     .at = mono_add_us(now, 5000),
					     .value = 5000});
	}
	feed(machine, (struct input){.kind = INPUT_ADOPT, .path = 1, .at = now});
}

static void start(struct daemon *daemon, struct conf *conf)
{
	const struct policy_ops *policy = registry_find("hold");
	struct engine *engine = &daemon->engine;
	const struct machine_config config = {
		.stats =
			{
				.window = 16,
				.timeout_min_us = 10000,
				.timeout_max_us = 1000000,
				.down_after = 4,
				.up_after = 1,
			},
		.steer = {.migrations_per_min = 60},
		.path_count = PATHS,
	};
	struct mono now = clock_now();
	struct err err;

	daemon->log = (struct log){LOG_LEVEL_DEBUG, drop_line, NULL};
	daemon->started = now;
	MUST(rng_init_seed(&daemon->rng, 1) == 0);
	engine->conf = conf;
	engine->network.path = calloc(PATHS, sizeof(*engine->network.path));
	engine->values = conf_policy_values_new(policy);
	MUST(engine->network.path && engine->values);
	MUST(machine_init(&engine->machine, &config, policy, engine->values,
			  steer_rng(&daemon->rng), now, &err) == 0);
	start_paths(&engine->machine, now);
}

static void stop(struct daemon *daemon)
{
	struct engine *engine = &daemon->engine;

	events_fini(&daemon->events);
	machine_fini(&engine->machine);
	free(engine->values);
	free(engine->network.path);
}

static void send_request(struct daemon *daemon, const char *line, bool admin)
{
	const struct control_request request = {daemon->control, 1, admin, line};
	uint64_t waiting = daemon->waiting_client;
	unsigned int before = daemon->control->answers;

	commands_on_request(daemon, &request);
	if (waiting || !daemon->waiting_client)
		MUST(daemon->control->answers == before + 1);
	daemon->waiting_client = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control control = {0};
	struct daemon daemon = {.control = &control};
	struct conf conf = {
		.mode = CONF_NESTED,
		.plugins.policies = (const struct policy_ops **)registry_all(),
	};
	char *text = fuzz_text(data, size), *rest = text, *line;

	start(&daemon, &conf);
	while ((line = strsep(&rest, "\n"))) {
		send_request(&daemon, line, false);
		send_request(&daemon, line, true);
	}
	stop(&daemon);
	free(text);
	return 0;
}
