/* tunnel_check: whether a path works, proved from outside: a WireGuard handshake with the proxy and
 * a ping of it through the tunnel, and inside that tunnel the same with the exit.
 *
 * It speaks WireGuard itself over one UDP socket, so it needs no privilege and touches no interface
 * and no route; its packets go the way that the host's routes name. To the servers it is the client
 * whose keys it uses: they send to us instead of a client that is connected, until that one makes
 * its next handshake. So it is for paths that nobody uses yet.
 */
#ifndef COMPS_PROVISION_TUNNEL_CHECK_H
#define COMPS_PROVISION_TUNNEL_CHECK_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"
#include "lib/key.h"
#include "lib/mono.h"
#include "provision/env.h"

struct tunnel_check_peer {
	const char *address; /* IPv4, of the server */
	uint16_t port;
	uint8_t public_key[KEY_BYTES];
	uint8_t preshared_key[KEY_BYTES]; /* all zero: none */
	uint8_t private_key[KEY_BYTES];	  /* ours */
	struct ip own, peer;		  /* IPv4 tunnel addresses: ours, and the server's */
};

/* Round trips in microseconds; -1: there was none. */
struct tunnel_check_leg {
	int64_t handshake_us, ping_us;
};

struct tunnel_check_result {
	struct tunnel_check_leg proxy, exit;
};

/* Checks the path by `proxy` to `exit` (NULL: the proxy alone). A handshake is tried again after 1
 * s (then 2 s, up to 5 s), a ping after 500 ms, until `deadline`. Uses now, wall_us, stopped and
 * rng of `env`. *out says how far it came, also after an error.
 *
 * Returns 0; -ETIMEDOUT, or -ECONNREFUSED where a host has said that the port is closed, with the
 * step that got no answer in `e`; -EINTR where the user wants to stop; -EINVAL where an address is
 * not IPv4 or a key cannot be one; -errno where there is no socket or no route. A wrong key is the
 * same as silence, as WireGuard does not answer strangers; a wrong pre-shared key is not. */
int tunnel_check_run(const struct tunnel_check_peer *proxy, const struct tunnel_check_peer *exit,
		     const struct provision_env *env, struct mono deadline,
		     struct tunnel_check_result *out, struct err *e);

#endif
