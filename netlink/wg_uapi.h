/* wg_uapi: a userspace WireGuard (wireguard-go, boringtun), asked through its socket; its text is
 * in wg_uapi_text.h.
 *
 * Every request is a connection of its own. Answers are bounded in size and time, and every buffer
 * that held a key is wiped.
 */
#ifndef COMPS_NETLINK_WG_UAPI_H
#define COMPS_NETLINK_WG_UAPI_H

#include "netlink/wireguard.h"

#define WG_UAPI_DIRECTORY    "/run/wireguard"
#define WG_UAPI_TIMEOUT_MS   100  /* get, set_endpoint: asked while traffic flows */
#define WG_UAPI_SET_MS	     2000 /* set: opens sockets, computes keys */
#define WG_UAPI_ANSWER_BYTES (1 << 20)

extern const struct wg_ops wg_uapi_ops;

/* Finds the socket of wg->ifname and checks that somebody listens. Returns 0; -ENOENT when there is
 * none; -ECONNREFUSED when it is stale; or -errno. */
int wg_uapi_open(struct wg *wg);

#endif
