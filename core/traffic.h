/* traffic: where one session of the user's traffic ends and the next begins.
 *
 * Nobody tells us, so a pause is taken for the end: for five seconds hardly anything but our own
 * probes went through the active path. What comes after that may well go another way.
 */
#ifndef COMPS_CORE_TRAFFIC_H
#define COMPS_CORE_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct traffic {
	int path;	   /* that was read last */
	uint64_t base;	   /* its packets when it last was busy */
	struct mono since; /* of that */
	bool busy;
};

void traffic_init(struct traffic *traffic);

/* A reading: so many packets went through `path`, the active one, in both directions and probes not
 * counted. True when with this a pause has begun. */
bool traffic_on_packets(struct traffic *traffic, int path, uint64_t packets, struct mono now);

#endif
