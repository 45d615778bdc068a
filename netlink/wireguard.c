#include "netlink/wireguard.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/wg_genl.h"
#include "netlink/wg_uapi.h"

void wg_device_fini(struct wg_device *device)
{
	size_t i;

	for (i = 0; i < device->peer_count; i++)
		free(device->peers[i].allowed);
	if (device->peers)
		sodium_memzero(device->peers, device->peer_count * sizeof(*device->peers));
	free(device->peers);
	sodium_memzero(device, sizeof(*device));
}

static int grow_peers(struct wg_device *device)
{
	size_t count = device->peer_count, bytes = count * sizeof(*device->peers);
	struct wg_peer *grown;

	/* Not realloc(): it would leave a copy of the keys behind. */
	grown = calloc(count ? 2 * count : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (count) {
		memcpy(grown, device->peers, bytes);
		sodium_memzero(device->peers, bytes);
	}
	free(device->peers);
	device->peers = grown;
	return 0;
}

struct wg_peer *wg_device_add_peer(struct wg_device *device)
{
	size_t count = device->peer_count;

	/* Full at every power of two: doubles. */
	if (!(count & (count - 1)) && grow_peers(device))
		return NULL;
	return &device->peers[device->peer_count++];
}

int wg_peer_add_allowed(struct wg_peer *peer, const struct ip_prefix *prefix)
{
	size_t count = peer->allowed_count;
	struct ip_prefix *grown;

	/* Full at every power of two: doubles. */
	if (!(count & (count - 1))) {
		grown = realloc(peer->allowed, (count ? 2 * count : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		peer->allowed = grown;
	}
	peer->allowed[peer->allowed_count++] = *prefix;
	return 0;
}

struct wg_peer *wg_device_find_peer(const struct wg_device *device,
				    const uint8_t public_key[WG_KEY_BYTES])
{
	size_t i;

	for (i = 0; i < device->peer_count; i++) {
		if (!memcmp(device->peers[i].public_key, public_key, WG_KEY_BYTES))
			return &device->peers[i];
	}
	return NULL;
}

int wg_open(struct wg *wg, const char *ifname, const char *kind, struct err *err)
{
	bool kernel = !strcmp(kind, "wireguard");
	int ret;

	memset(wg, 0, sizeof(*wg));
	if (strlen(ifname) >= sizeof(wg->ifname))
		return err_set(err, -ENODEV, "interface %s: name is too long", ifname);
	strcpy(wg->ifname, ifname);
	ret = kernel ? wg_genl_open(wg) : wg_uapi_open(wg);
	if (!ret)
		return 0;
	wg_close(wg);
	if (kernel)
		return err_set(err, ret, "interface %s: cannot reach the kernel's WireGuard: %s",
			       ifname, strerror(-ret));
	return err_set(err, ret,
		       "interface %s: not a kernel WireGuard interface, and no userspace one "
		       "answers at %s: %s",
		       ifname, wg->socket, strerror(-ret));
}

void wg_close(struct wg *wg)
{
	nl_close(&wg->nl);
}
