/* wireguard: configure and read a WireGuard interface, whoever implements it.
 *
 * Two back ends stand behind one vtable: the kernel's generic netlink family (wg_genl.h) and the
 * socket of a userspace implementation (wg_uapi.h). wg_open() picks the right one.
 */
#ifndef COMPS_NETLINK_WIREGUARD_H
#define COMPS_NETLINK_WIREGUARD_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"
#include "netlink/nl.h"

#define WG_KEY_BYTES 32

struct wg_peer {
	uint8_t public_key[WG_KEY_BYTES];
	uint8_t preshared_key[WG_KEY_BYTES]; /* all zero: none */
	struct endpoint endpoint;	     /* AF_UNSPEC: none known */
	uint16_t keepalive_s;		     /* 0: off */
	struct ip_prefix *allowed;	     /* owned by the peer */
	size_t allowed_count;
	/* Read-out only, ignored by set: */
	int64_t handshake_s; /* wall clock of the last handshake; 0: none yet */
	int64_t handshake_ns;
	uint64_t rx_bytes, tx_bytes;
};

struct wg_device {
	uint8_t private_key[WG_KEY_BYTES]; /* all zero: none */
	uint16_t listen_port;		   /* 0 in set: any */
	uint32_t fwmark;		   /* 0: none */
	struct wg_peer *peers;		   /* owned by the device */
	size_t peer_count;
};

/* Wipes the keys and frees the lists; the struct is zero afterwards. */
void wg_device_fini(struct wg_device *device);

/* Appends a zeroed peer and returns it (valid until the next one is added); NULL without memory. */
struct wg_peer *wg_device_add_peer(struct wg_device *device);

/* Appends an allowed prefix. Returns 0 or -ENOMEM. */
int wg_peer_add_allowed(struct wg_peer *peer, const struct ip_prefix *prefix);

/* The peer with this public key, or NULL. */
struct wg_peer *wg_device_find_peer(const struct wg_device *device,
				    const uint8_t public_key[WG_KEY_BYTES]);

struct wg;

struct wg_ops {
	/* Makes the interface be exactly `device`: all other peers and allowed prefixes go. Peers
	 * that stay keep their sessions. */
	int (*set)(struct wg *wg, const struct wg_device *device, struct err *err);

	/* Reads everything, private key included, into `out`, which the caller then gives to
	 * wg_device_fini(). On failure `out` is empty. */
	int (*get)(struct wg *wg, struct wg_device *out);

	/* Sets the endpoint of an existing peer, also to the one that it has: this clears the
	 * source address and interface that WireGuard remembers. Adds no peer. */
	int (*set_endpoint)(struct wg *wg, const uint8_t public_key[WG_KEY_BYTES],
			    const struct endpoint *endpoint);
};

/* An open handle on one interface; each function returns 0 or -errno, -ENODEV when the interface
 * (or its process) is gone. */
struct wg {
	const struct wg_ops *ops;
	char ifname[IFNAMSIZ];
	struct nl nl;	 /* generic netlink; unused by the userspace back end */
	uint16_t family; /* its "wireguard" family */
	char socket[64]; /* path of the userspace socket */
};

/* Opens an existing interface: the kernel's when the link kind is "wireguard", else a userspace
 * one. Returns 0; -ENODEV; -EOPNOTSUPP when the kernel has no such family; -ENOENT when there is
 * no userspace socket; or -errno, with a sentence in `err`. */
int wg_open(struct wg *wg, const char *ifname, const char *kind, struct err *err);

/* Also fine on a zeroed struct and twice. */
void wg_close(struct wg *wg);

#endif
