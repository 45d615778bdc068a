/* env: what provisioning is given from outside: clocks, pauses, randomness, and who listens.
 *
 * Nothing in this layer reads a clock, sleeps or prints by itself.
 */
#ifndef COMPS_PROVISION_ENV_H
#define COMPS_PROVISION_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/log.h"
#include "lib/mono.h"
#include "lib/rng.h"

/* One thing that happened. Members that do not apply are NULL or 0. No secret is ever in one. */
struct provision_event {
	enum log_level level;
	const char *event; /* "node.create.start", "node.wait", "node.create.done", "retry", ... */
	const char *node;
	const char *id;
	const char *ip;
	int64_t elapsed_us; /* since the node was begun with */
	const char *text;   /* for people; NULL: the event says it all */
};

struct provision_env {
	void *arg; /* of the functions below; those of time may be called in several threads */

	struct mono (*now)(void *arg);
	int64_t (*wall_s)(void *arg);  /* since 1970: for ratelimit-reset, and for people */
	int64_t (*wall_us)(void *arg); /* the same, finer: for the time stamps of handshakes */

	/* Lets `us` pass. Returns 0, or -EINTR as soon as the user wants to stop. */
	int (*pause)(void *arg, int64_t us);

	/* True once the user wants to stop: nothing new is begun then. */
	bool (*stopped)(void *arg);

	void (*event)(void *arg, const struct provision_event *event);

	struct rng *rng; /* jitter and the ids of runs */
};

#define PROVISION_UUID_BYTES 37 /* with its NUL */

/* Writes a random (version 4) UUID, RFC 9562. */
void env_uuid(const struct provision_env *env, char out[PROVISION_UUID_BYTES]);

/* Tells `env` of an event. */
void env_tell(const struct provision_env *env, struct provision_event event);

/* The same, with `format...` as its text. */
void env_say(const struct provision_env *env, struct provision_event event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
