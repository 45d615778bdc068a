/* report: what the daemon shows of itself, as JSON (comps-control(7) lists the members).
 *
 * Names, never addresses; unknown numbers are null; base units (seconds, bytes).
 */
#ifndef COMPS_CORE_REPORT_H
#define COMPS_CORE_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "core/migration.h"
#include "core/path.h"
#include "core/shadows.h"
#include "core/steer.h"

/* What is recorded. */
struct report_trace {
	uint64_t records, lost;
	const char *error; /* why the last could not be written; empty when it could */
};

/* Everything is borrowed, and read as it stands at `now`. */
struct report {
	const char *version;
	const char *mode;      /* "nested" or "direct" */
	const char *wireguard; /* "kernel" or "userspace" */
	struct mono started, now;
	const struct paths *paths;
	const struct steer *steer;
	const struct migration_log *migrations;
	const struct shadows *shadows;
	const struct report_trace *trace;	 /* NULL: nothing is */
	int64_t leaked_packets, blocked_packets; /* -1 while the guard cannot be read */
};

/* Each returns a new object for the caller to json_decref(), or NULL without memory. */
json_t *report_status(const struct report *report);
json_t *report_migration(const struct migration *migration, const struct paths *paths);

/* The policy in use with its parameters: name, help, params. */
json_t *report_policy(const struct steer *steer);

/* One declared policy: name, help, params[] with name, type, default, min, max, choices, help. */
json_t *report_policy_declaration(const struct policy_ops *policy);

/* A parameter's value: seconds, a number, true or false, or the choice. */
json_t *report_policy_value(const struct policy_param *param, union policy_value value);

#endif
