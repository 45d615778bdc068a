#include "daemon/announce.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/report.h"
#include "daemon/daemon.h"
#include "lib/clock.h"
#include "lib/utf8.h"

static void say(struct daemon *daemon, enum log_level level, const char *kind, const char *text,
		json_t *members)
{
	if (level == LOG_LEVEL_WARN)
		log_warn(&daemon->log, "%s", text);
	else
		log_info(&daemon->log, "%s", text);
	events_add(&daemon->events, daemon->control, clock_wall_us(), kind, text, members);
}

void announce(struct daemon *daemon, const char *kind, json_t *members, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	utf8_repair(text);
	say(daemon, LOG_LEVEL_INFO, kind, text, members);
}

static const char *name_of(const struct daemon *daemon, int path)
{
	return path < 0 ? "nowhere" : daemon->engine.machine.paths.path[path].name;
}

void announce_migration(struct daemon *daemon, const struct migration *migration)
{
	const char *from = name_of(daemon, migration->from), *to = name_of(daemon, migration->to);
	double swap_ms = (double)migration->swap_us / 1e3;
	double settle_ms = (double)migration->settle_us / 1e3;
	enum log_level level = LOG_LEVEL_WARN;
	char text[512];

	switch (migration->outcome) {
	case MIGRATION_SETTLED:
		level = LOG_LEVEL_INFO;
		snprintf(text, sizeof(text),
			 "migrated %s -> %s (%s): swapped in %.2fms, settled in %.1fms", from, to,
			 migration->reason, swap_ms, settle_ms);
		break;
	case MIGRATION_UNCONFIRMED:
		level = LOG_LEVEL_INFO;
		snprintf(text, sizeof(text), "migrated %s -> %s (%s): swapped in %.2fms", from, to,
			 migration->reason, swap_ms);
		break;
	case MIGRATION_ROLLED_BACK:
		snprintf(text, sizeof(text), "migration %s -> %s (%s): %s, rolled back to %s", from,
			 to, migration->reason, migration->error, from);
		break;
	case MIGRATION_FAILED:
		snprintf(text, sizeof(text),
			 "migration %s -> %s (%s): %s, and %s is no way back, looking for another "
			 "path",
			 from, to, migration->reason, migration->error, from);
		break;
	case MIGRATION_REFUSED:
		snprintf(text, sizeof(text), "migration %s -> %s (%s): %s, staying on %s", from, to,
			 migration->reason, migration->error, from);
		break;
	}
	say(daemon, level, "migration", text,
	    report_migration(migration, &daemon->engine.machine.paths));
}

static bool is_usable(enum path_state state)
{
	return state == PATH_UP || state == PATH_SUSPECT;
}

static void announce_path_state(struct daemon *daemon, size_t i)
{
	const struct paths *paths = &daemon->engine.machine.paths;
	const struct path *path = &paths->path[i];
	enum path_state before = daemon->engine.announced[i];
	const char *fault = path_fault_name(paths_fault(paths, i));
	enum log_level level = LOG_LEVEL_INFO;
	json_t *members;
	char text[256];

	daemon->engine.announced[i] = path->state;
	if (daemon->recorder)
		recorder_state(daemon->recorder, i, path->state, paths_fault(paths, i),
			       clock_now());
	if (is_usable(before) && is_usable(path->state)) {
		log_debug(&daemon->log, "path %s: %s", path->name, path_state_name(path->state));
		return;
	}
	if (path->state == PATH_DOWN) {
		level = LOG_LEVEL_WARN;
		snprintf(text, sizeof(text), "path %s: down, the broken part is: %s", path->name,
			 fault);
	} else {
		snprintf(text, sizeof(text), "path %s: %s", path->name,
			 path_state_name(path->state));
	}
	members = json_pack("{s:s, s:s, s:s, s:s}", "path", path->name, "state",
			    path_state_name(path->state), "before", path_state_name(before),
			    "segment_fault", fault);
	say(daemon, level, "path-state", text, members);
}

void announce_path_states(struct daemon *daemon)
{
	size_t i;

	for (i = 0; i < daemon->engine.machine.paths.count; i++) {
		if (daemon->engine.machine.paths.path[i].state != daemon->engine.announced[i])
			announce_path_state(daemon, i);
	}
}

void announce_shadow(void *arg, size_t shadow, int from, int to, const char *reason)
{
	struct daemon *daemon = arg;
	const struct path *path = daemon->engine.machine.paths.path;

	log_debug(&daemon->log, "shadow %s: would migrate %s -> %s (%s)",
		  daemon->engine.conf->shadows[shadow].ops->name, path[from].name, path[to].name,
		  reason);
}

void announce_guard(struct daemon *daemon, const struct guard_counters *counters)
{
	uint64_t before = daemon->guard.leaked;
	char text[160];

	if (!counters && daemon->guard_read)
		say(daemon, LOG_LEVEL_WARN, "guard",
		    "guard: its table is gone or damaged, putting it right", NULL);
	daemon->guard_read = counters;
	if (!counters)
		return;
	daemon->guard = *counters;
	if (counters->leaked <= before)
		return;
	snprintf(text, sizeof(text),
		 "guard: packets of the inner tunnel tried to leave outside the overlays and were "
		 "dropped: %llu",
		 (unsigned long long)(counters->leaked - before));
	say(daemon, LOG_LEVEL_WARN, "guard", text,
	    json_pack("{s:I}", "packets", (json_int_t)counters->leaked));
}
