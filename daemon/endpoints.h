/* endpoints: peers that the configuration gives by name.
 *
 * A name is looked up at the start, and again when the peer is down and its last handshake is older
 * than 135 s (as wireguard-tools' reresolve-dns does), never while it is healthy. Until there is an
 * address the path is simply not up.
 */
#ifndef COMPS_DAEMON_ENDPOINTS_H
#define COMPS_DAEMON_ENDPOINTS_H

#include <stddef.h>

#include "lib/ip.h"
#include "lib/mono.h"

struct daemon;

/* Begins the lookups that are due. */
void endpoints_on_time(struct daemon *daemon, struct mono now);

/* A resolver_fn; `arg` is the struct daemon. */
void endpoints_on_answer(void *arg, size_t id, const struct ip *ip, const char *why);

#endif
