/* probe_fake: a transport for tests and simulations, in virtual time.
 *
 * The test decides the fate of every probe. A reply becomes readable when virtual time reaches its
 * arrival; there is no descriptor: the test calls prober_on_readable(prober, -1, now) at
 * probe_fake_next_deadline.
 */
#ifndef COMPS_PROBES_PROBE_FAKE_H
#define COMPS_PROBES_PROBE_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "probes/probe.h"

#define PROBE_FAKE_LOST (-1)
#define PROBE_FAKE_PENDING                                                                         \
	4096 /* replies under way at most; a probe beyond fails with -ENOBUFS                      \
	      */

/* Returns the probe's round-trip time in microseconds, or PROBE_FAKE_LOST. Instead, it may set
 * packet->error to the -errno of a failed sending. */
typedef int64_t (*probe_fake_fate_fn)(void *arg, struct probe_packet *packet);

struct probe_fake {
	probe_fake_fate_fn fate;
	void *arg;
	size_t count;
	struct probe_reply pending[PROBE_FAKE_PENDING]; /* in no order */
};

/* The operations of struct probe; self is a struct probe_fake, zeroed but for fate and arg. */
extern const struct probe_ops probe_fake_ops;

/* Adds a reply of the test's own making: a duplicate, a forged one. Returns 0 or -ENOBUFS. */
int probe_fake_inject(struct probe_fake *fake, const struct probe_reply *reply);

/* When the next reply becomes readable; MONO_NEVER when none is under way. */
struct mono probe_fake_next_deadline(const struct probe_fake *fake);

#endif
