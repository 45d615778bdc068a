/* route: the routes of the daemon's own tables, as values; build, dump, add, remove.
 *
 * Every route carries the daemon's own protocol number, so that it can be listed, adopted after a
 * restart and removed exactly. The tables hold, per family:
 *   default via LABEL dev OVERLAY onlink      the active path (metric ROUTE_METRIC4/6)
 *   LABEL/32 via LABEL dev OVERLAY onlink     one pin per path: shares its next hop, so that a
 *                                             concurrent lookup never meets a dying one
 *   unreachable default metric 4294967295     the backstop: fails closed
 *
 * On a WireGuard device a next hop's address is never resolved; it is only a label, by which the
 * steering table (guard.h) finds the path's own source address. The label of path i (from 1) is
 * 169.254.128.0 + i and fe80::c0:i.
 */
#ifndef COMPS_NETLINK_ROUTE_H
#define COMPS_NETLINK_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"

#define ROUTE_METRIC4	      0
#define ROUTE_METRIC6	      100
#define ROUTE_METRIC_BACKSTOP UINT32_MAX
#define ROUTE_LABEL_MAX	      32767

struct batch;
struct nl;

/* What the overlay of one path offers as a next hop. */
struct route_hop {
	uint32_t ifindex;
	unsigned int label; /* the path's number, 1 to ROUTE_LABEL_MAX */
	bool v4, v6;	    /* the families that the path carries */
};

/* Whose routes, and where. */
struct route_owner {
	uint32_t table;
	uint8_t protocol; /* rtm_protocol; rtnetlink(7): use a number above 4 that is nobody's */
};

struct route {
	struct ip_prefix dst; /* its ip.family is the route's */
	uint8_t type;	      /* RTN_UNICAST, RTN_UNREACHABLE, ... */
	uint8_t protocol;
	uint32_t table;
	uint32_t metric;
	uint32_t oif;	   /* 0: none */
	struct ip gateway; /* AF_UNSPEC: none; else it is onlink */
};

struct ip route_label4(unsigned int label);
struct ip route_label6(unsigned int label);

/* The label of a pin; 0 where `route` is none. */
unsigned int route_label_of(const struct route *route);

/* The active default of `family` through `hop`; `unreachable` at the same metric when `hop` is NULL
 * or lacks the family. */
struct route route_default(const struct route_owner *owner, const struct route_hop *hop,
			   int family);

struct route route_backstop(const struct route_owner *owner, int family);

/* The pin of `hop`, which must carry `family`. */
struct route route_pin(const struct route_owner *owner, const struct route_hop *hop, int family);

/* A plain `prefix dev ifindex` route. */
struct route route_device(const struct route_owner *owner, const struct ip_prefix *dst,
			  uint32_t ifindex);

enum route_verb {
	ROUTE_ADD, /* -EEXIST when there is one */
	ROUTE_REPLACE,
	ROUTE_DELETE, /* exactly this one, by all its fields (for IPv4, metric 0 is any metric) */
};

/* Appends one request. Returns 0, or -ENOBUFS when the batch is full. */
int route_build(struct batch *batch, enum route_verb verb, const struct route *route);

/* Sends one request for one route. ROUTE_DELETE of a missing one is 0. Returns 0 or -errno with a
 * sentence in `err` (may be NULL). */
int route_apply(struct nl *nl, enum route_verb verb, const struct route *route, struct err *err);

/* All IPv4 and IPv6 routes of `table`, in the kernel's order; the caller frees `*routes`, NULL
 * where there is none. A multipath route shows its first next hop. Returns 0 or -errno. */
int route_dump(struct nl *nl, uint32_t table, struct route **routes, size_t *count);

/* Deletes every route with the owner's protocol in the owner's table, both families, unreachable
 * ones too, and no other. Returns 0, or the first -errno (and has tried all). */
int route_remove_all(struct nl *nl, const struct route_owner *owner);

/* True when the two have the same table, destination, metric, type, interface and gateway (the
 * protocol may differ). */
bool route_same(const struct route *a, const struct route *b);

/* "default via 169.254.128.1 oif 3 table 51821", into `text`; returns it. */
const char *route_format(const struct route *route, char *text, size_t text_bytes);

#endif
