/* decoy: harmless packets of any program on this machine, so that there is something to leak.
 *
 * Unmarked UDP of both families to addresses for documentation (RFC 5737, RFC 3849): to the discard
 * port, and DNS questions. Their TTL is 1, so that they end at the exit, or if they leak at the
 * first router. Nobody answers.
 */
#ifndef COMPS_CLI_DECOY_H
#define COMPS_CLI_DECOY_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/mono.h"

#define DECOY_ADDRESS4 "203.0.113.9"
#define DECOY_ADDRESS6 "2001:db8:ffff::9"

struct decoy {
	int fd4, fd6;	 /* -1: the machine lacks the family */
	struct mono due; /* of the next packets */
	uint64_t sent;	 /* taken by the kernel, which may still have dropped them */
};

/* Returns 0, or -errno with a sentence in `e` where not even one family is there. */
int decoy_open(struct decoy *decoy, struct err *e);

/* Also after a failed decoy_open. */
void decoy_close(struct decoy *decoy);

/* Sends what is due at `now`: one packet of each kind every 5 ms. */
void decoy_on_time(struct decoy *decoy, struct mono now);

#endif
