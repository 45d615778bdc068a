/* link: network interfaces: read their state and counters, make, change and delete them. */
#ifndef COMPS_NETLINK_LINK_H
#define COMPS_NETLINK_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define LINK_KIND_BYTES	 16
#define LINK_ALIAS_BYTES 64

struct nl;

struct link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	uint32_t flags; /* IFF_UP, IFF_LOWER_UP, ... (netdevice(7)) */
	uint32_t mtu;
	char kind[LINK_KIND_BYTES];   /* "wireguard", "tun", ...; "" for hardware */
	char alias[LINK_ALIAS_BYTES]; /* IFLA_IFALIAS, cut to fit */
	uint64_t rx_packets, tx_packets;
	uint64_t rx_bytes, tx_bytes;
};

/* One interface by name, in one request. Returns 0; -ENODEV; or -errno. */
int link_get(struct nl *nl, const char *name, struct link *out);

/* The same by index: cheap enough to ask for 40 times a second. */
int link_get_index(struct nl *nl, uint32_t ifindex, struct link *out);

/* All interfaces; the caller frees `*links`. */
int link_dump(struct nl *nl, struct link **links, size_t *count);

/* Makes an interface of a kind that needs no further data ("wireguard"), tagged with `alias`.
 * Returns 0; -EOPNOTSUPP when the kernel has no such kind; -EEXIST; or another -errno; with a
 * sentence in `err` (may be NULL). */
int link_create(struct nl *nl, const char *name, const char *kind, const char *alias,
		struct err *err);

/* Each returns 0 or -errno; -ENODEV when the interface is gone. */
int link_set_up(struct nl *nl, uint32_t ifindex, bool up);
int link_set_mtu(struct nl *nl, uint32_t ifindex, uint32_t mtu);
int link_set_alias(struct nl *nl, uint32_t ifindex, const char *alias);
int link_delete(struct nl *nl, uint32_t ifindex);

#endif
