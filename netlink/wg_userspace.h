/* wg_userspace: start and stop the process of a userspace WireGuard. */
#ifndef COMPS_NETLINK_WG_USERSPACE_H
#define COMPS_NETLINK_WG_USERSPACE_H

#include <stdint.h>

#include "lib/err.h"

struct nl;

/* Runs the NULL-ended `command` with IFNAME as its last argument (found in PATH, no shell) and
 * waits until both the link and its socket are there. A stale socket of that name is removed first.
 * The process gets a session of its own and no descriptor of ours, so that it outlives the daemon;
 * it is expected to put itself into the background, as wireguard-go does. Returns 0; -EEXIST when
 * the link is there already; -ETIMEDOUT after `timeout_us`; or -errno; with a sentence in `err`. */
int wg_userspace_start(struct nl *nl, char *const *command, const char *ifname, int64_t timeout_us,
		       struct err *err);

/* Ends it by deleting its TUN link, and removes its socket. 0 as well when there is none. */
int wg_userspace_stop(struct nl *nl, const char *ifname);

#endif
