/* conflict: is anybody else using the tables, marks and rule priorities that we are about to take?
 */
#ifndef COMPS_NETLINK_CONFLICT_H
#define COMPS_NETLINK_CONFLICT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct nl;

struct conflict_claim {
	uint8_t protocol; /* what carries it, rule or route, is ours and no conflict */
	const uint32_t *tables;
	size_t table_count;
	const uint32_t *marks;
	size_t mark_count;
	const uint32_t *priorities;
	size_t priority_count;
};

/* Looks for a foreign rule that uses one of the marks or tables or sits at one of the priorities,
 * and for a foreign route in one of the tables. Returns 0 when there is none; -EBUSY with a
 * sentence that names the first one found; or another -errno. */
int conflict_find(struct nl *nl, const struct conflict_claim *claim, struct err *err);

#endif
