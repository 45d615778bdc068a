/* wg_genl: WireGuard in the kernel: the "wireguard" generic netlink family (linux/wireguard.h).
 *
 * Encoders and the decoder are pure functions on bytes.
 */
#ifndef COMPS_NETLINK_WG_GENL_H
#define COMPS_NETLINK_WG_GENL_H

#include "netlink/wireguard.h"

/* A message stays below this, as the kernel's socket buffer wants (like wg(8)). */
#define WG_GENL_MESSAGE_BYTES 4096

extern const struct wg_ops wg_genl_ops;

/* Opens the bus and finds the family. Returns 0; -EOPNOTSUPP when this kernel has no WireGuard (or
 * its module is not loaded); or -errno. */
int wg_genl_open(struct wg *wg);

/* Where an encoder is in a device that needs several messages; begins all zero. */
struct wg_genl_cursor {
	size_t peer;
	size_t allowed;
	bool done;
};

/* Writes the next WG_CMD_SET_DEVICE message into `bytes` (WG_GENL_MESSAGE_BYTES, aligned for a
 * struct nlmsghdr) and moves the cursor. The first one carries the device; a peer whose allowed
 * prefixes do not fit goes on in the next one. Peers that `device` lacks are not touched. */
struct nlmsghdr *wg_genl_encode_set(uint16_t family, const char *ifname,
				    const struct wg_device *device, struct wg_genl_cursor *cursor,
				    uint8_t *bytes);

/* Writes the WG_CMD_SET_DEVICE message that removes one peer. */
struct nlmsghdr *wg_genl_encode_remove(uint16_t family, const char *ifname,
				       const uint8_t public_key[WG_KEY_BYTES], uint8_t *bytes);

/* Writes the WG_CMD_SET_DEVICE message that sets one endpoint (WGPEER_F_UPDATE_ONLY). */
struct nlmsghdr *wg_genl_encode_endpoint(uint16_t family, const char *ifname,
					 const uint8_t public_key[WG_KEY_BYTES],
					 const struct endpoint *endpoint, uint8_t *bytes);

/* Adds what one message of a WG_CMD_GET_DEVICE dump says to `device`; a peer that began in the
 * message before goes on. The bytes may be anything. Returns 0, -EBADMSG or -ENOMEM. */
int wg_genl_decode(const struct nlmsghdr *message, struct wg_device *device);

#endif
