/* audit_routes: by which interface and next hop an address is reached, as the main table has it. */
#ifndef COMPS_CLI_AUDIT_ROUTES_H
#define COMPS_CLI_AUDIT_ROUTES_H

#include "lib/ip.h"

#define AUDIT_ROUTE_BYTES 96

/* Writes "eth0 via 192.0.2.1" or "eth0", from /proc/net/route or ipv6_route (proc(5)). Returns 0,
 * or -ENOENT where there is no route or no address. */
int audit_route(const struct ip *ip, char out[AUDIT_ROUTE_BYTES]);

#endif
