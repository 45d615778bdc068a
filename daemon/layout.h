/* layout: what a configuration wants the kernel to hold, as plain values.
 *
 * Rules, highest first, for IPv4 and IPv6 alike; every lookup is followed by its own guard, so that
 * a packet never falls through to a table that was not meant for it:
 *
 *   +0   fwmark OVERLAY lookup main        the overlays' own packets go out by the uplink
 *   +1   fwmark OVERLAY unreachable
 *   +10  fwmark INNER lookup OVERLAY       wg0's packets go into the active overlay    (nested)
 *   +11  fwmark INNER unreachable                                                      (nested)
 *   +12  fwmark STEER lookup OVERLAY       the same packets once the guard re-marked them
 *   +13  fwmark STEER unreachable                                                      (nested)
 *   +15  oif wgnetN lookup PROBE + N       a probe leaves by its own overlay only
 *   +16  to PREFIX lookup main             bypass
 *   +20  not fwmark INNER lookup INNER     everything else goes into wg0               (nested)
 *        not fwmark OVERLAY lookup OVERLAY ... or straight into the active overlay     (direct)
 *   +21  the same, unreachable
 */
#ifndef COMPS_DAEMON_LAYOUT_H
#define COMPS_DAEMON_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "netlink/conflict.h"
#include "netlink/guard.h"
#include "netlink/route.h"
#include "netlink/rule.h"

struct layout {
	struct rule *rules;
	size_t rule_count;
	uint32_t *tables; /* all that are ours: overlay, inner (nested), one for probes per path */
	size_t table_count;
	uint32_t marks[3];
	size_t mark_count;
	uint32_t *priorities; /* one per rule */
	struct guard_path *guard_paths;
	struct guard_config guard;
	struct conflict_claim claim;
};

/* `conf` must outlive `layout`. Returns 0 or -ENOMEM. */
int layout_init(struct layout *layout, const struct conf *conf);
void layout_fini(struct layout *layout);

/* The owner of routes in the overlay table, the inner table, the probe table of path `index`. */
struct route_owner layout_overlay_table(const struct conf *conf);
struct route_owner layout_inner_table(const struct conf *conf);
struct route_owner layout_probe_table(const struct conf *conf, size_t index);

/* The label that path `index` carries (route.h). At first it is the path's position, from 1. */
unsigned int layout_label(const struct layout *layout, size_t index);

/* Keeps labels that are in use: `used[i]` is the one that path i's interface has in the kernel, or
 * 0. A label must not change its path while a route names it, or packets get another path's source.
 * The other paths get numbers that nobody uses. */
void layout_keep_labels(struct layout *layout, const unsigned int *used);

#endif
