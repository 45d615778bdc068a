/* executor: carries a verdict out, as a transaction.
 *
 *   check the target -> swap the route, both families in one batch -> re-assert wg0's endpoint
 *   -> kick until packets from the exit come in by the new path (settle) -> commit,
 *   or, after the deadline, roll back to the old path if that still works.
 *
 * A state machine: it is told the time and what arrived, and acts through executor_ops, so that
 * tests drive it with a fake kernel. One migration at a time.
 */
#ifndef COMPS_DAEMON_EXECUTOR_H
#define COMPS_DAEMON_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/migration.h"
#include "core/steer.h"
#include "lib/err.h"
#include "lib/mono.h"

struct executor_ops {
	/* Can `path` carry traffic now: its interface is up and has its addresses? 0 or -errno. */
	int (*check)(void *ctx, int path, struct err *err);
	/* Moves the route from `from` (POLICY_NONE: from nowhere) to `to`. 0, or -errno with the
	 * route where it was. */
	int (*swap)(void *ctx, int from, int to, int64_t *swap_us, struct err *err);
	/* Reports the first packet from the exit on `path` through executor_on_packet(). */
	void (*watch)(void *ctx, int path);
	void (*unwatch)(void *ctx, int path);
	/* Makes WireGuard forget the interface and source that it last used for the exit. */
	void (*reassert)(void *ctx);
	/* Sends something through the inner tunnel at once, so that the exit sees the new path. */
	void (*kick)(void *ctx);
};

struct executor_config {
	bool confirm;		   /* false: nothing can confirm a migration; commit at the swap */
	int64_t settle_timeout_us; /* the least time that a migration gets to settle */
};

enum executor_state {
	EXECUTOR_IDLE,
	EXECUTOR_SETTLING,
	EXECUTOR_LINGERING, /* settled; one more kick after the last late packet of a slow path */
	EXECUTOR_RETURNING, /* rolled back; kicking until the old path carries packets again */
	EXECUTOR_DONE,	    /* executor_take_result() has something to give */
};

struct executor {
	struct executor_config config;
	const struct executor_ops *ops;
	void *ctx;
	enum executor_state state;
	struct migration migration;
	struct mono next_kick, last_kick; /* kicks go on at least until last_kick */
	struct mono deadline;
	int64_t allowed_us; /* for settling, this time */
};

void executor_init(struct executor *executor, const struct executor_config *config,
		   const struct executor_ops *ops, void *ctx);

/* Begins a migration; the executor must be idle. `from_rtt_us` and `to_rtt_us` are whole-path round
 * trips, -1 while unknown; `wall_us` is for the record. */
void executor_start(struct executor *executor, int from, const struct steer_verdict *verdict,
		    int64_t from_rtt_us, int64_t to_rtt_us, struct mono now, int64_t wall_us);

/* The watched path received a packet from the exit at `at`. */
void executor_on_packet(struct executor *executor, struct mono at, struct mono now);

/* The path that the migration goes to died. */
void executor_on_path_lost(struct executor *executor, struct mono now);

void executor_on_time(struct executor *executor, struct mono now);
struct mono executor_next_deadline(const struct executor *executor);

/* The path that the route names, where `active` is the one before the migration (if one is under
 * way). */
int executor_route(const struct executor *executor, int active);

/* After a migration ended: fills `out`, becomes idle and returns true. */
bool executor_take_result(struct executor *executor, struct migration *out);

#endif
