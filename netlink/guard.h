/* guard: our own nftables table. It steers, and it makes sure that nothing leaks.
 *
 * WireGuard remembers interface and source address of the last packet received and keeps sending
 * there, so a route swap alone does not migrate. In nested mode two chains see to it, before
 * connection tracking (measured as "N3"):
 *   out1  marks the inner tunnel's outer packets anew (inner_mark -> steer_mark): the kernel
 *         routes them again, without the remembered interface;
 *   out2  gives them the source address of the path whose label (route.h) the route names.
 *
 * Rules and routes are the first fence; the chain post is the second, which holds when somebody
 * deletes them. It drops and counts
 *   leaked   the inner tunnel's outer packets that would leave by anything but an overlay, or in
 *            direct mode any traffic that would: must be 0
 *   blocked  in nested mode, other packets that would leave past the inner tunnel
 * and lets through the overlays' own packets, the bypass prefixes, DHCP, and what a link needs to
 * work (IGMP, neighbour discovery, MLD).
 */
#ifndef COMPS_NETLINK_GUARD_H
#define COMPS_NETLINK_GUARD_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"

struct nl;

struct guard_path {
	char overlay[IFNAMSIZ];
	unsigned int label; /* route.h */
	struct ip source4;  /* the overlay's own address; AF_UNSPEC: the path lacks the family */
	struct ip source6;
};

struct guard_config {
	const char *table; /* nftables table of family inet, ours alone: "comps" */
	bool direct;
	const char *inner;		 /* nested mode: the inner tunnel's interface */
	uint32_t inner_mark, steer_mark; /* nested mode */
	uint16_t exit_port;		 /* nested mode: UDP port of the exit */
	uint32_t overlay_mark;
	const struct guard_path *paths;
	size_t path_count; /* at least 1 */
	const struct ip_prefix *bypass;
	size_t bypass_count;
};

/* The nft(8) script of one transaction that installs the table or replaces the one there. The
 * counters keep their values. The caller frees the text; NULL without memory. */
char *guard_script(const struct guard_config *config);

/* Runs that script. On failure the table is as before. 0 or -errno with nft's words in `err`. */
int guard_install(const struct guard_config *config, struct err *err);

/* Removes the table; 0 as well when there is none. */
int guard_remove(const char *table, struct err *err);

/* Packets dropped since the table was first installed, both families. */
struct guard_counters {
	uint64_t leaked, blocked;
};

/* `nl` is an NL_NETFILTER socket; four small requests. Returns 0; -ENOENT when the table or a
 * counter is gone; or -errno. */
int guard_read(struct nl *nl, const char *table, struct guard_counters *out);

/* True when the counters and as many rules as the script makes are there; false also when that
 * cannot be read. */
bool guard_verify(struct nl *nl, const struct guard_config *config);

#endif
