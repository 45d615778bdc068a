/* network: everything that CoMPS has in the kernel, as one object.
 *
 * Installed in an order in which nothing can leak at any moment (DESIGN, "Fail closed, in layers"):
 * steering and guard table, rules, backstops, overlays with their pins and probe tables, and the
 * inner tunnel last. Everything is tagged as ours, so that a restarted daemon adopts it, and
 * teardown_all() takes away exactly that, with or without a daemon.
 *
 * It stays when the daemon ends, however it ends: the last good path goes on working, everything
 * else stays closed.
 */
#ifndef COMPS_DAEMON_NETWORK_H
#define COMPS_DAEMON_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "core/path.h"
#include "daemon/layout.h"
#include "daemon/tunnel.h"
#include "lib/err.h"
#include "lib/log.h"
#include "netlink/nl.h"
#include "netlink/route_ops.h"
#include "netlink/rxwatch.h"

struct network_path {
	struct tunnel tunnel;
	struct rxwatch watch;
	uint32_t watched; /* the interface that `watch` is on; 0 while it is closed */
};

struct network {
	const struct conf *conf;
	const struct log *log;
	struct layout layout;
	struct nl route_nl, filter_nl;
	struct route_kernel overlay; /* the table that names the active path */
	struct network_path *path;
	struct tunnel inner;
};

/* Opens the sockets, gives the paths of `conf` their interfaces (interfaces.h), and makes sure that
 * nobody else uses our numbers; changes nothing in the kernel. `conf` and `log` must outlive
 * `network`. Returns 0 or -errno with a sentence in `err`.
 */
int network_open(struct network *network, struct conf *conf, const struct log *log,
		 struct err *err);

/* Installs the guard, the rules and the backstops only: from now on nothing leaves but what the
 * rules let through. network_install() adopts it. Returns 0 or -errno with a sentence in `err`;
 * what is there stays. */
int network_close_off(struct network *network, struct err *err);

/* Installs or adopts everything. After a failure what is there stays, closed; the caller may
 * teardown_all() it. Returns 0 or -errno with a sentence in `err`. */
int network_install(struct network *network, struct err *err);

/* Closes all handles; the kernel keeps everything. Also fine on a zeroed struct. */
void network_close(struct network *network);

/* True when something of this configuration's protocol number is installed: rules tell. */
bool network_is_installed(struct network *network);

/* The index of the path that the kernel's table names now, or -1. */
int network_active(struct network *network);

/* Moves the route to path `to` (from `from`, or -1), both families in one batch. Returns 0, or
 * -errno with the route where it was and a sentence in `err`. */
int network_swap(struct network *network, int from, int to, int64_t *swap_us, struct err *err);

/* Puts back what others changed of rules, routes and the guard; `active` as in network_active().
 * Returns 0 or -errno with a sentence in `err`. */
int network_repair(struct network *network, int active, struct err *err);

/* Reads path `index` again after a link or address event and gives it back its pins, probe table
 * and watch. */
void network_refresh_path(struct network *network, size_t index);

/* The same for the inner tunnel and its routes. */
void network_refresh_inner(struct network *network);

/* Makes a managed interface that is gone again. Returns 0 or -errno with a sentence in `err`. */
int network_reopen_path(struct network *network, size_t index, struct err *err);
int network_reopen_inner(struct network *network, struct err *err);

/* Whether any of the tunnels that are there is a userspace one. */
bool network_is_userspace(const struct network *network);

/* Whether path `index` can carry packets: up, with an address of the exit's family. */
bool network_is_usable(const struct network *network, size_t index);

/* The addresses that a peer is known by: path `id`, or the exit where `id` is the number of paths.
 */
const struct endpoint *network_endpoint(const struct network *network, size_t id);

/* The only family that peer `id` can be reached by, or AF_UNSPEC for either: the exit's packets go
 * through every overlay. */
int network_family(const struct network *network, size_t id);

/* Gives peer `id` another address. Returns 0 or -errno. */
int network_set_endpoint(struct network *network, size_t id, const struct ip *ip);

/* Makes the inner tunnel forget where it last heard from the exit (nested mode). */
void network_reassert(struct network *network);

/* Reads the counters of one overlay's interface. Returns 0 or -errno. */
int network_counters(struct network *network, size_t index, struct path_counters *out);

/* Microseconds since the overlay's last handshake; -1 when there was none. */
int64_t network_handshake_age_us(struct network *network, size_t index, int64_t wall_us);

/* What the guard has stopped. Returns 0 or -errno where it is gone. */
int network_read_guard(struct network *network, struct guard_counters *out);

#endif
