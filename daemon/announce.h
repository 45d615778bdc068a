/* announce: what the daemon says of itself, to the log and to those who follow the events. */
#ifndef COMPS_DAEMON_ANNOUNCE_H
#define COMPS_DAEMON_ANNOUNCE_H

#include <jansson.h>
#include <stddef.h>

#include "core/migration.h"
#include "netlink/guard.h"

struct daemon;

/* Logs the sentence (info) and adds the event `kind` with `members`, which it consumes. */
void announce(struct daemon *daemon, const char *kind, json_t *members, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void announce_migration(struct daemon *daemon, const struct migration *migration);

/* Says which paths came up or went down since the last call, and what broke them. */
void announce_path_states(struct daemon *daemon);

/* Says when the guard is gone or has stopped packets of the inner tunnel; NULL when it cannot be
 * read. */
/* A shadows_fn for the daemon. */
void announce_shadow(void *arg, size_t shadow, int from, int to, const char *reason);

void announce_guard(struct daemon *daemon, const struct guard_counters *counters);

#endif
