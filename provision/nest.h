/* nest: the tunnels of a check, one inside the other, without their socket and their clock.
 *
 * It says what to send and when, and takes what came; see tunnel_check.h for what it is for.
 */
#ifndef COMPS_PROVISION_NEST_H
#define COMPS_PROVISION_NEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/mono.h"
#include "lib/rng.h"
#include "provision/noise.h"
#include "provision/tunnel_check.h"

#define NEST_DATAGRAM_BYTES 2048 /* none is longer */
#define NEST_ECHOES	    8	 /* that may still be answered */

/* What was heard of a leg without a session. */
enum nest_hint {
	NEST_SILENT,
	NEST_REFUSED,	  /* the port is closed */
	NEST_UNREACHABLE, /* somebody on the way says so */
	NEST_BUSY,	  /* a cookie reply */
	NEST_UNREADABLE,  /* an answer that the pre-shared key does not open */
};

struct nest_leg {
	const struct tunnel_check_peer *peer;
	struct endpoint at; /* of the server */
	struct noise noise;
	bool open; /* there is a session, and it is not old */
	unsigned int attempts;
	struct mono send_at, initiated, opened;
	uint16_t echo_id, echo_sequence; /* the next one */
	struct mono echo_at[NEST_ECHOES];
	enum nest_hint hint,
		hint_before; /* after the latest initiation, and after the one before */
	struct tunnel_check_leg result;
};

struct nest {
	struct nest_leg legs[2]; /* the proxy's, and the exit's inside it */
	size_t count;
	struct endpoint inner; /* from which we talk to the exit */
	struct rng *rng;
};

/* `exit` may be NULL. The peers and `rng` must outlive it. Returns 0, -EINVAL or -EIO, with a
 * sentence in `e`; nest_fini() is to be called in any case. */
int nest_init(struct nest *nest, const struct tunnel_check_peer *proxy,
	      const struct tunnel_check_peer *exit, struct rng *rng, struct mono now,
	      struct err *e);

/* Wipes all keys. */
void nest_fini(struct nest *nest);

/* Everything has been proved. */
bool nest_done(const struct nest *nest);

/* When there is something to send. Not to be asked once it is done. */
struct mono nest_due(const struct nest *nest);

/* Writes the next datagram for the proxy. Not to be asked once it is done. Returns 0; -EINVAL where
 * a public key cannot be one; -EIO. */
int nest_send(struct nest *nest, struct mono now, int64_t wall_us, uint8_t out[NEST_DATAGRAM_BYTES],
	      size_t *bytes);

/* Takes a datagram of the proxy, or of who says to be it. */
void nest_receive(struct nest *nest, struct mono now, const uint8_t *datagram, size_t bytes);

#endif
