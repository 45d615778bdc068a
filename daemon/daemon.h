/* daemon: owns everything and ties it together; the one place where data turns into action.
 *
 *   prober, monitor, counters -> core/machine (paths, steer) -> executor -> network -> kernel
 *
 * Everything runs on one loop and one thread. After every batch of events daemon_step() brings the
 * clockwork up to date: what is due is done, steer is asked, and the next wake-up is set.
 */
#ifndef COMPS_DAEMON_DAEMON_H
#define COMPS_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "core/machine.h"
#include "core/migration.h"
#include "core/shadows.h"
#include "daemon/control.h"
#include "daemon/events.h"
#include "daemon/executor.h"
#include "daemon/loop.h"
#include "daemon/network.h"
#include "daemon/recorder.h"
#include "daemon/resolver.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/rng.h"
#include "netlink/monitor.h"
#include "probes/icmp.h"
#include "probes/prober.h"

/* What lives and dies with one configuration. */
struct engine {
	struct conf *conf;
	struct network network;
	struct machine machine;
	enum path_state *announced; /* per path: the state that was last logged */
	struct executor executor;
	struct prober *prober;
	struct loop_fd *prober_fds[PROBE_FDS];
	struct loop_fd *watch_fd; /* of the path that a migration waits for */
	int watched;
	struct shadows shadows;
	union policy_value *values; /* set by command in place of the configuration's; or NULL */
	struct mono *looked_up;	    /* per path, and the exit: when its name last was */
	struct mono reopen_at;	    /* MONO_NEVER while no interface is missing */
	bool strays_left;	    /* an earlier configuration's leftovers */
};

struct daemon {
	struct log log;
	struct rng rng;
	struct loop *loop;
	struct control *control;
	struct resolver *resolver;
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct icmp icmp;
	struct monitor monitor;
	struct loop_fd *monitor_fd;
	struct engine engine;
	struct events events;
	struct migration_log migrations;
	uint64_t waiting_client; /* for the migration under way or requested, or for the end after
				  * `comps down`; 0 if none */
	struct mono started;
	struct mono next_active; /* reading of the active path's counters */
	struct mono next_second; /* once-a-second work */
	struct mono next_guard;	 /* look at the guard */
	struct mono repair_at;
	struct bucket repairs; /* at once, but not for ever: somebody may insist */
	unsigned int damage;   /* what others did to our rules and routes since the last repair */
	char first_damage[96];
	struct mono decide_at; /* steer's wake-up */
	bool decide_now;       /* a path changed or a command came */
	size_t next_handshake; /* the path whose handshake age is read next */
	uint64_t trace_lost;   /* as last logged */
	struct mono next_trace_warning;
	uint32_t policy_errors; /* as last logged */
	struct mono next_policy_warning;
	struct mono shadows_at; /* when the shadows are to be asked again */
	int64_t suspended_us;
	struct guard_counters guard; /* as last read */
	bool guard_read;	     /* it could be read then */
	bool remove_on_exit;	     /* `comps down` */
	bool failed;		     /* daemon_give_up() */
};

/* Takes the configuration over and installs or adopts everything; serves the control socket.
 * Returns 0, or -errno with a sentence in `err`: then what this call installed is removed again. */
int daemon_init(struct daemon *daemon, struct conf *conf, struct err *err);

/* Runs until a signal or `comps down`. */
void daemon_run(struct daemon *daemon);

/* Leaves the kernel as it is, or opens it up after `comps down`. Returns 0 or -errno. */
int daemon_fini(struct daemon *daemon);

/* Reads the configuration file again. With `d` free of errors afterwards it is in force; else the
 * old one is. Returns 0 or -errno with a sentence in `err`. */
int daemon_reload(struct daemon *daemon, struct diags *d, struct err *err);

/* Chooses another policy; takes `values` over in any case. Returns 0 or -errno, as
 * steer_set_policy(). */
int daemon_set_policy(struct daemon *daemon, const struct policy_ops *policy,
		      union policy_value *values, struct err *err);

/* Ends the daemon as a failure: without an engine there is nothing to run. */
void daemon_give_up(struct daemon *daemon);

/* Asks steer in the next step; or soon, where nothing but a figure changed. */
void daemon_decide_soon(struct daemon *daemon);
void daemon_decide_by(struct daemon *daemon, struct mono now);

/* The paths as steer sees them now. */
const struct path_view *daemon_views(struct daemon *daemon, struct mono now);

#endif
