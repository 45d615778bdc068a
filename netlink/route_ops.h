/* route_ops: the migration's view of the routing table, as a vtable so that the executor can be
 * tested with a fake. The kernel's own implementation is `route_kernel_ops` with a struct
 * route_kernel as context.
 */
#ifndef COMPS_NETLINK_ROUTE_OPS_H
#define COMPS_NETLINK_ROUTE_OPS_H

#include <stdint.h>

#include "netlink/route.h"

struct route_swap_result {
	int error4, error6; /* per family: 0 or -errno of the last try */
	bool restored;	    /* after a failure: both families stand where they stood before */
	bool reconciled;    /* stray defaults had to be deleted first */
	int64_t swap_us;    /* from sendmsg to the last ack of the last try */
	char text[160];	    /* after a failure: what and why */
};

struct route_ops {
	/* Moves the default of both families to `to` with one sendmsg (one ack per family). A
	 * family that `to` lacks becomes `unreachable` in the same batch, never absent.
	 *
	 * When one family fails, a second batch puts the one that moved back to `from`; when that
	 * fails too (or `from` is NULL) that family becomes `unreachable`. -EEXIST and a lost ack
	 * are answered by deleting stray defaults and one more try.
	 *
	 * Returns 0, or the first -errno: -ENODEV (no such device), -ENETDOWN (it is down), -EACCES
	 * (IPv6 is disabled on it), ... The caller may try again with hop->v6 cleared. */
	int (*swap)(void *ctx, const struct route_hop *from, const struct route_hop *to,
		    struct route_swap_result *out);

	/* The interface that our own default names now: IPv4's, else IPv6's. 0; -ENOENT when there
	 * is none or it is unreachable; or -errno. */
	int (*active)(void *ctx, uint32_t *ifindex);

	/* Checks that the table says exactly: per family one default at our metric, ours and as
	 * `hop` wants it (NULL: unreachable), plus the backstop, and no other default. Returns 0;
	 * -ENOENT when one is missing, -EEXIST when one is too many, with a sentence in `err`. */
	int (*verify)(void *ctx, const struct route_hop *hop, struct err *err);

	/* Installs backstops and defaults as verify() wants them and deletes every other default of
	 * the table. Repairs whatever somebody else did. Returns 0 or -errno. */
	int (*repair)(void *ctx, const struct route_hop *hop, struct err *err);
};

struct route_kernel {
	struct nl *nl; /* NL_ROUTE */
	struct route_owner owner;
};

/* Its ctx is a struct route_kernel *. */
extern const struct route_ops route_kernel_ops;

#endif
