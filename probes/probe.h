/* probe: what the prober needs from a way of measuring: send a batch, watch, receive.
 *
 * A transport (probes/icmp.h; probes/probe_fake.h for tests) moves probes and knows nothing of
 * paths, schedules or statistics; probes/prober.h knows those and nothing of packets. A probe names
 * the interface that it must leave by, and a reply the one that it came in by.
 */
#ifndef COMPS_PROBES_PROBE_H
#define COMPS_PROBES_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/mono.h"

#define PROBE_FDS	  2    /* descriptors that a transport has at most */
#define PROBE_BATCH	  16   /* probes in one call at most: more at once inflate their own RTT */
#define PROBE_REPLIES	  64   /* replies read in one call at most */
#define PROBE_PAYLOAD_MIN 8    /* bytes: room for the token */
#define PROBE_PAYLOAD_MAX 1200 /* bytes: fits every tunnel (IPv6 minimum MTU 1280, RFC 8200 §5) */

/* The stream of lib/rng.h that everything in probes/ draws from; 0..2 are the policies'. */
#define PROBE_RNG_STREAM 3

struct probe_packet {
	struct ip to;
	int ifindex; /* the only interface that it may leave by; 0 means that there is none now */
	uint16_t sequence;
	uint32_t token;		/* comes back in the reply: tells it from a stale or forged one */
	uint16_t payload_bytes; /* PROBE_PAYLOAD_MIN .. PROBE_PAYLOAD_MAX */
	struct mono sent;	/* filled in by send */
	int error; /* filled in by send: 0, or the -errno of a probe that did not leave */
};

struct probe_reply {
	uint16_t sequence;
	uint32_t token;
	int ifindex;	      /* the interface that it came in by */
	struct mono received; /* by the kernel's timestamp where there is a believable one */
};

struct probe_ops {
	/* Writes the descriptors to watch for reading; returns how many, at most PROBE_FDS. */
	size_t (*fds)(void *self, int fds[PROBE_FDS]);

	/* Sends up to PROBE_BATCH probes and fills in sent and error of each. `now` is when the
	 * caller woke; a transport with a clock stamps more exactly. */
	void (*send)(void *self, struct probe_packet *packets, size_t count, struct mono now);

	/* Reads up to `max` replies waiting on `fd`, silently dropping what is not an answer to a
	 * probe of this transport. Returns how many or -errno; more may wait, even after 0. */
	int (*receive)(void *self, int fd, struct probe_reply *replies, size_t max,
		       struct mono now);
};

/* A transport: the operations and what they work on (not owned). */
struct probe {
	const struct probe_ops *ops;
	void *self;
};

#endif
