#include "daemon/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/announce.h"
#include "daemon/commands.h"
#include "daemon/engine.h"
#include "daemon/interfaces.h"
#include "lib/clock.h"

/* What the operator asked for, by path name, while one configuration follows another. */
struct wishes {
	char pinned[CONF_PATH_NAME_BYTES];
	struct mono pinned_until;
	char (*drained)[CONF_PATH_NAME_BYTES];
	size_t drained_count;
};

static int remember_wishes(const struct engine *engine, struct wishes *wishes)
{
	const struct steer *steer = &engine->machine.steer;
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

static void repeat_wishes(struct daemon *daemon, const struct wishes *wishes, struct mono now)
{
	const struct paths *paths = &daemon->engine.machine.paths;
	int path = paths_find(paths, wishes->pinned);
	size_t i;

	if (path >= 0)
		engine_feed(daemon, (struct input){.kind = INPUT_PIN,
						   .path = (int16_t)path,
						   .at = now,
						   .value = wishes->pinned_until.us});
	for (i = 0; i < wishes->drained_count; i++) {
		path = paths_find(paths, wishes->drained[i]);
		if (path >= 0)
			engine_feed(daemon, (struct input){.kind = INPUT_DRAIN,
							   .path = (int16_t)path,
							   .at = now,
							   .value = true});
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
static int check_conflicts(struct daemon *daemon, struct conf *conf, struct err *err)
{
	struct network network;
	int ret = network_open(&network, conf, &daemon->log, err);

	if (!ret)
		network_close(&network);
	return ret;
}

/* Where the new configuration lacks the active path, its guard would stop what still leaves by it:
 * go to a path that both have first. */
static void leave_removed_path(struct daemon *daemon, const struct conf *conf)
{
	struct engine *engine = &daemon->engine;
	const struct path_view *views = daemon_views(daemon, clock_now());
	int active = engine->machine.steer.active;
	struct err err;
	int64_t swap_us;
	size_t i;

	if (active < 0 || interfaces_has(conf, engine->machine.paths.path[active].interface))
		return;
	for (i = 0; i < engine->machine.paths.count; i++) {
		if (!interfaces_has(conf, engine->machine.paths.path[i].interface) ||
		    !steer_eligible(&engine->machine.steer, views, (int)i, clock_now()) ||
		    network_swap(&engine->network, active, (int)i, &swap_us, &err))
			continue;
		engine_follow(daemon);
		announce(daemon, "reload", NULL, "path %s is no longer configured, went over to %s",
			 engine->machine.paths.path[active].name,
			 engine->machine.paths.path[i].name);
		return;
	}
}

int reload_apply(struct daemon *daemon, struct conf *conf, struct err *err)
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
		renumber(&daemon->migrations, old, &daemon->engine.machine.paths);
		conf_free(old);
	}
	daemon->engine.strays_left = true;
	repeat_wishes(daemon, &wishes, clock_now());
	free(wishes.drained);
	return ret;
}
