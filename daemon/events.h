/* events: what happened, for people and for programs: one JSON object each (comps-control(7)).
 *
 * The last ones are kept for `comps events`; each new one is published to the followers.
 */
#ifndef COMPS_DAEMON_EVENTS_H
#define COMPS_DAEMON_EVENTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_KEPT 100

struct control;

struct events {
	json_t *last[EVENTS_KEPT]; /* ring */
	uint64_t total;
};

/* Adds an event of `kind` ("migration", "path-state", "policy", ...) with its sentence and further
 * members, which it consumes (may be NULL), and publishes it. */
void events_add(struct events *events, struct control *control, int64_t wall_us, const char *kind,
		const char *text, json_t *members);

/* A new array of those that are kept, oldest first. */
json_t *events_list(const struct events *events);

void events_fini(struct events *events);

#endif
