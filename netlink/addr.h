/* addr: the addresses of network interfaces. */
#ifndef COMPS_NETLINK_ADDR_H
#define COMPS_NETLINK_ADDR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

struct nl;

struct addr {
	uint32_t ifindex;
	struct ip_prefix prefix; /* the address with its length: 10.0.0.2/24 */
	uint8_t scope;		 /* RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, ... (rtnetlink(7)) */
	uint32_t flags;		 /* IFA_F_PERMANENT, ... */
};

/* Adds an address; an IPv6 one without duplicate address detection, so that it is usable at once.
 * 0 as well when it is there. Returns 0 or -errno: -EACCES where IPv6 is disabled on the device. */
int addr_add(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix);

/* Removes one; 0 as well when it is not there. */
int addr_delete(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix);

/* Removes those of an interface that are not among `wanted`, except link-local ones. Returns 0 or
 * -errno. */
int addr_retain(struct nl *nl, uint32_t ifindex, const struct ip_prefix *wanted,
		size_t wanted_count);

/* The addresses of one interface (0: of all); the caller frees `*addrs`, NULL where there is none.
 * Returns 0; -ENODEV; or -errno. */
int addr_dump(struct nl *nl, uint32_t ifindex, struct addr **addrs, size_t *count);

/* Which families the interface has a usable address of; IPv6 link-local ones do not count. */
int addr_families(struct nl *nl, uint32_t ifindex, bool *v4, bool *v6);

#endif
