/* wg_uapi_text: the text of the userspace WireGuard protocol
 * (https://www.wireguard.com/xplatform/), written and read as pure functions.
 */
#ifndef COMPS_NETLINK_WG_UAPI_TEXT_H
#define COMPS_NETLINK_WG_UAPI_TEXT_H

#include <stddef.h>

#include "netlink/wireguard.h"

/* A text that grows. It begins all zero and may hold keys: wipe it with wg_uapi_text_fini(). */
struct wg_uapi_text {
	char *bytes; /* not ended by a zero */
	size_t used, size;
};

/* Wipes and frees; the struct is zero afterwards. */
void wg_uapi_text_fini(struct wg_uapi_text *text);

/* Appends bytes, leaving no copy of the old ones behind. Returns 0 or -ENOMEM. */
int wg_uapi_text_add(struct wg_uapi_text *text, const char *bytes, size_t length);

/* Appends the `set=1` request that makes the interface be exactly `device`, where it is `old` now.
 * Returns 0 or -ENOMEM. */
int wg_uapi_encode_set(const struct wg_device *old, const struct wg_device *device,
		       struct wg_uapi_text *text);

/* Appends the `set=1` request that sets one endpoint (update_only). Returns 0 or -ENOMEM. */
int wg_uapi_encode_endpoint(const uint8_t public_key[WG_KEY_BYTES], const struct endpoint *endpoint,
			    struct wg_uapi_text *text);

/* Decodes a whole answer (`length` bytes, which may be anything) into `device`, which begins empty;
 * unknown keys are skipped. Returns 0; the -errno that the answer carries; -EBADMSG; or -ENOMEM. */
int wg_uapi_decode(const char *answer, size_t length, struct wg_device *device);

#endif
