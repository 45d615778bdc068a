/* netlink_wg: WireGuard devices for the tests. */
#ifndef COMPS_TESTS_UNIT_NETLINK_WG_H
#define COMPS_TESTS_UNIT_NETLINK_WG_H

#include <string.h>

#include "netlink/wireguard.h"
#include "tests/unit/ip_text.h"

static inline void key(uint8_t out[WG_KEY_BYTES], uint8_t fill)
{
	memset(out, fill, WG_KEY_BYTES);
}

static inline struct wg_peer *add_peer(struct wg_device *device, uint8_t fill, const char *at)
{
	struct wg_peer *peer = wg_device_add_peer(device);

	assert_non_null(peer);
	key(peer->public_key, fill);
	if (at)
		peer->endpoint = endpoint(at);
	return peer;
}

static inline void allow(struct wg_peer *peer, const char *text)
{
	struct ip_prefix allowed = prefix(text);

	assert_int_equal(wg_peer_add_allowed(peer, &allowed), 0);
}

/* One device with two peers of both families. */
static inline void fill(struct wg_device *device)
{
	struct wg_peer *peer;

	*device = (struct wg_device){.listen_port = 51000, .fwmark = 51820};
	key(device->private_key, 0x48); /* clamped: bits that Curve25519 keeps */
	peer = add_peer(device, 0x11, "192.0.2.9:51820");
	key(peer->preshared_key, 0x77);
	peer->keepalive_s = 25;
	allow(peer, "0.0.0.0/0");
	allow(peer, "::/0");
	peer = add_peer(device, 0x22, "[2001:db8:9::9]:443");
	allow(peer, "10.0.0.0/8");
}

static inline void assert_same_device(const struct wg_device *a, const struct wg_device *b)
{
	size_t i, j;

	assert_memory_equal(a->private_key, b->private_key, WG_KEY_BYTES);
	assert_int_equal(a->listen_port, b->listen_port);
	assert_int_equal(a->fwmark, b->fwmark);
	assert_int_equal(a->peer_count, b->peer_count);
	for (i = 0; i < a->peer_count; i++) {
		const struct wg_peer *p = &a->peers[i];
		const struct wg_peer *q = wg_device_find_peer(b, p->public_key);

		assert_non_null(q);
		assert_memory_equal(p->preshared_key, q->preshared_key, WG_KEY_BYTES);
		assert_true(endpoint_equal(&p->endpoint, &q->endpoint));
		assert_int_equal(p->keepalive_s, q->keepalive_s);
		assert_int_equal(p->allowed_count, q->allowed_count);
		for (j = 0; j < p->allowed_count; j++) {
			size_t k = 0;

			while (k < q->allowed_count &&
			       !ip_prefix_equal(&p->allowed[j], &q->allowed[k]))
				k++;
			assert_true(k < q->allowed_count);
		}
	}
}

#endif
