/* The answer of a userspace WireGuard. What was understood of it must survive being written. */
#include "netlink/wg_uapi_text.h"
#include "tests/fuzz/fuzz.h"

static void compare_peers(const struct wg_peer *a, const struct wg_peer *b)
{
	size_t i;

	MUST(!memcmp(a->public_key, b->public_key, WG_KEY_BYTES));
	MUST(!memcmp(a->preshared_key, b->preshared_key, WG_KEY_BYTES));
	MUST(endpoint_equal(&a->endpoint, &b->endpoint));
	MUST(a->keepalive_s == b->keepalive_s);
	MUST(a->allowed_count == b->allowed_count);
	for (i = 0; i < a->allowed_count; i++)
		MUST(ip_prefix_equal(&a->allowed[i], &b->allowed[i]));
}

static void round_trip(const struct wg_device *device)
{
	struct wg_device again = {0}, none = {0};
	struct wg_uapi_text text = {0};
	size_t i;

	MUST(wg_uapi_encode_set(&none, device, &text) == 0);
	MUST(wg_uapi_decode(text.bytes, text.used, &again) == 0);
	MUST(!memcmp(device->private_key, again.private_key, WG_KEY_BYTES));
	MUST(device->listen_port == again.listen_port && device->fwmark == again.fwmark);
	MUST(device->peer_count == again.peer_count);
	for (i = 0; i < device->peer_count; i++)
		compare_peers(&device->peers[i], &again.peers[i]);
	wg_device_fini(&again);
	wg_uapi_text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wg_device device = {0};

	if (wg_uapi_decode((const char *)data, size, &device) == 0)
		round_trip(&device);
	wg_device_fini(&device);
	return 0;
}
