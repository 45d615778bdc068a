/* world: a whole client in virtual time: the real core, policies, prober and executor over a
 * played network (net.h).
 *
 * The glue is daemon/daemon.c's and daemon/engine.c's, step by step and in their order. Time jumps
 * from event to event, so a day takes a second or less. A scenario changes `net` between two calls
 * of world_run(). Every migration is held to rules.h.
 */
#ifndef COMPS_TESTS_SIM_WORLD_H
#define COMPS_TESTS_SIM_WORLD_H

#include "conf/conf.h"
#include "core/machine.h"
#include "core/migration.h"
#include "daemon/executor.h"
#include "lib/rng.h"
#include "probes/probe_fake.h"
#include "probes/prober.h"
#include "tests/sim/net.h"

#define MS	      INT64_C(1000)
#define SECOND	      INT64_C(1000000)
#define MINUTE	      (60 * SECOND)
#define HOUR	      (60 * MINUTE)
#define WORLD_BIRTH   ((struct mono){1000 * SECOND})
#define WORLD_PARAMS  16
#define WORLD_HISTORY 4096

struct world_config {
	size_t paths;
	const char *policy;
	const char *params[5]; /* "interval", "10s", ...; NULL-ended */
	bool direct;	       /* nothing confirms a migration */
	struct conf_guards guards;
	struct conf_probe probe;
	machine_tap_fn tap; /* or NULL */
	void *tap_arg;
};

struct world {
	struct world_config config;
	uint64_t seed;
	struct net net;

	/* as in struct daemon and struct engine */
	struct rng rng;
	union policy_value values[WORLD_PARAMS];
	struct machine machine;
	struct executor executor;
	struct prober *prober;
	struct probe_fake *transport;
	int watched; /* POLICY_NONE: no path */
	struct mono next_active, next_second, decide_at;
	bool decide_now;

	struct mono now;
	char names[NET_PATHS_MAX][8];
	bool refuses_swap;	      /* the kernel says no */
	bool swallows[NET_PATHS_MAX]; /* probes pass, what settles a migration does not */

	bool disturbed; /* round trips changed so much that a working path may seem dead */

	/* what happened */
	struct migration history[WORLD_HISTORY]; /* the newest at (count - 1) % WORLD_HISTORY */
	size_t count;
	uint64_t bursts;
	int64_t active_us[NET_PATHS_MAX]; /* between migrations that took effect */
	struct mono active_since;
};

/* The defaults of comps.yaml. */
struct world_config world_defaults(size_t paths, const char *policy);

/* A new world, begun but not run yet. */
struct world *world_new(const struct world_config *config, uint64_t seed);
void world_free(struct world *world);

/* Lives for `us` of virtual time. */
void world_run(struct world *world, int64_t us);

/* Deletes or re-creates the overlay of `path`. */
void world_set_link(struct world *world, size_t path, bool there);

/* Feeds the machine and acts on what it asks for. */
struct machine_result world_feed(struct world *world, struct input input);

/* Carries out the operator's wish at once, as the daemon's commands do. */
int world_request(struct world *world, int path);

/* Migrations since the world began with this reason; "": with any. */
size_t world_migrations(const struct world *world, const char *reason);

/* The newest migration; there must be one. */
const struct migration *world_last(const struct world *world);

#endif
