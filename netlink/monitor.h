/* monitor: what others (and we) do to links, addresses, routes and rules, as small events.
 *
 * The kernel does not announce everything: an IPv4 route that dies with its link gives only the
 * link event, and an identical replace gives none.
 */
#ifndef COMPS_NETLINK_MONITOR_H
#define COMPS_NETLINK_MONITOR_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

enum monitor_kind {
	MONITOR_LINK,
	MONITOR_ADDR,
	MONITOR_ROUTE,
	MONITOR_RULE,
	MONITOR_RESYNC, /* events were lost: read everything anew */
};

struct monitor_event {
	enum monitor_kind kind;
	bool deleted;
	int family;	     /* ADDR, ROUTE, RULE */
	uint32_t ifindex;    /* LINK, ADDR; ROUTE: the output interface or 0 */
	char name[IFNAMSIZ]; /* LINK */
	bool up;	     /* LINK: IFF_UP */
	bool lower_up;	     /* LINK: IFF_LOWER_UP, there is a carrier */
	uint32_t table;	     /* ROUTE, RULE */
	uint8_t protocol;    /* ROUTE, RULE: who installed it */
	uint32_t port; /* whose request it was (struct nl's portid); 0: the kernel's own doing */
};

typedef void (*monitor_event_fn)(void *arg, const struct monitor_event *event);

struct monitor {
	struct mnl_socket *socket;
	int fd; /* readable: call monitor_dispatch() */
};

/* Subscribes. Returns 0 or -errno. */
int monitor_open(struct monitor *monitor);

/* Also fine on a zeroed struct and twice. */
void monitor_close(struct monitor *monitor);

/* Shows every waiting event to `each`; never blocks. Returns 0 or -errno. */
int monitor_dispatch(struct monitor *monitor, monitor_event_fn each, void *arg);

#endif
