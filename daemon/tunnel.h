/* tunnel: one WireGuard interface, made or adopted, and brought to what its .conf says.
 *
 * Idempotent: an interface that already is as it should be is not touched, so a restarted daemon
 * does not disturb a running session.
 */
#ifndef COMPS_DAEMON_TUNNEL_H
#define COMPS_DAEMON_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/err.h"
#include "lib/ip.h"
#include "lib/log.h"
#include "netlink/wireguard.h"

struct nl;

struct tunnel {
	uint32_t ifindex; /* 0: it is not there */
	bool up;
	bool userspace;
	bool v4, v6;		  /* the families that it has an address of */
	struct endpoint endpoint; /* of the peer; AF_UNSPEC while its name is not looked up */
	int64_t session_s;	  /* when the last session that was seen began, on the wall clock */
	struct wg wg;
};

/* What tunnel_open() needs beside the tunnel's own configuration. */
struct tunnel_context {
	struct nl *nl; /* NETLINK_ROUTE */
	const struct log *log;
	const struct conf *conf;
	const char *path; /* whose tunnel it is; NULL: the inner one */
};

/* Makes or adopts the interface, configures it and sets it up. Returns 0 with an open `tunnel`, or
 * -errno with a sentence in `err`: -EEXIST where somebody else's interface has the name, -ENODEV
 * where one to be adopted is not there. What was made before the failure stays. */
int tunnel_open(struct tunnel *tunnel, const struct tunnel_context *context,
		const struct conf_tunnel *conf, uint32_t mark, struct err *err);

/* Makes WireGuard forget the interface and source by which it last heard from the peer. Where the
 * interface is ours and has no live session, the peer is made anew: WireGuard asks for a session at
 * most every 5 s, and what it asked before there was a way for it is lost. Returns 0 or -errno. */
int tunnel_reassert(struct tunnel *tunnel, const struct conf_tunnel *conf, uint32_t mark);

/* False where the interface is gone, or was never configured because tunnel_open() failed. */
bool tunnel_is_open(const struct tunnel *tunnel);

/* Reads again whether the interface is there and up, and its addresses. */
void tunnel_refresh(struct tunnel *tunnel, struct nl *nl, const char *interface);

/* Closes the handle; the interface stays. Also fine on a zeroed struct. */
void tunnel_close(struct tunnel *tunnel);

#endif
