#include "netlink/wg_genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* An allowed prefix takes at most 48 bytes, the rest of a peer at most 200. */
#define ALLOWED_ROOM 48
#define PEER_ROOM    (200 + ALLOWED_ROOM)

/* --- encode --- */

static struct nlmsghdr *begin(void *bytes, uint16_t type, uint8_t command, uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	header->cmd = command;
	header->version = version;
	return message;
}

static struct nlmsghdr *begin_set(uint16_t family, const char *ifname, uint8_t *bytes)
{
	struct nlmsghdr *message;

	memset(bytes, 0, WG_GENL_MESSAGE_BYTES);
	message = begin(bytes, family, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	mnl_attr_put_strz(message, WGDEVICE_A_IFNAME, ifname);
	return message;
}

static void put_endpoint(struct nlmsghdr *message, const struct endpoint *endpoint)
{
	struct sockaddr_storage sockaddr;
	socklen_t length = endpoint_to_sockaddr(endpoint, &sockaddr);

	if (length)
		mnl_attr_put(message, WGPEER_A_ENDPOINT, length, &sockaddr);
}

static void put_allowed(struct nlmsghdr *message, const struct ip_prefix *prefix)
{
	struct nlattr *nest = mnl_attr_nest_start(message, 0);

	mnl_attr_put_u16(message, WGALLOWEDIP_A_FAMILY, (uint16_t)prefix->ip.family);
	mnl_attr_put(message, WGALLOWEDIP_A_IPADDR, ip_bytes(prefix->ip.family), prefix->ip.bytes);
	mnl_attr_put_u8(message, WGALLOWEDIP_A_CIDR_MASK, (uint8_t)prefix->len);
	mnl_attr_nest_end(message, nest);
}

/* All of a peer but its allowed prefixes. */
static void put_peer_settings(struct nlmsghdr *message, const struct wg_peer *peer)
{
	mnl_attr_put_u32(message, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	mnl_attr_put(message, WGPEER_A_PRESHARED_KEY, WG_KEY_BYTES, peer->preshared_key);
	mnl_attr_put_u16(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive_s);
	put_endpoint(message, &peer->endpoint);
}

static size_t room(const struct nlmsghdr *message)
{
	return WG_GENL_MESSAGE_BYTES - message->nlmsg_len;
}

/* The cursor's peer, with as many of its allowed prefixes as fit. */
static void put_peer(struct nlmsghdr *message, const struct wg_peer *peer,
		     struct wg_genl_cursor *cursor)
{
	struct nlattr *nest = mnl_attr_nest_start(message, 0);
	struct nlattr *list;

	mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_BYTES, peer->public_key);
	if (!cursor->allowed)
		put_peer_settings(message, peer);
	list = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
	while (cursor->allowed < peer->allowed_count && room(message) >= ALLOWED_ROOM)
		put_allowed(message, &peer->allowed[cursor->allowed++]);
	mnl_attr_nest_end(message, list);
	mnl_attr_nest_end(message, nest);
	if (cursor->allowed == peer->allowed_count) {
		cursor->allowed = 0;
		cursor->peer++;
	}
}

static void put_device_settings(struct nlmsghdr *message, const struct wg_device *device)
{
	mnl_attr_put(message, WGDEVICE_A_PRIVATE_KEY, WG_KEY_BYTES, device->private_key);
	if (device->listen_port)
		mnl_attr_put_u16(message, WGDEVICE_A_LISTEN_PORT, device->listen_port);
	mnl_attr_put_u32(message, WGDEVICE_A_FWMARK, device->fwmark);
}

struct nlmsghdr *wg_genl_encode_set(uint16_t family, const char *ifname,
				    const struct wg_device *device, struct wg_genl_cursor *cursor,
				    uint8_t *bytes)
{
	struct nlmsghdr *message = begin_set(family, ifname, bytes);
	struct nlattr *list;

	if (!cursor->peer && !cursor->allowed)
		put_device_settings(message, device);
	list = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	while (cursor->peer < device->peer_count && room(message) >= PEER_ROOM)
		put_peer(message, &device->peers[cursor->peer], cursor);
	mnl_attr_nest_end(message, list);
	cursor->done = cursor->peer == device->peer_count;
	return message;
}

/* A message about one peer that is there; flags and what else the caller puts go inside. */
static struct nlmsghdr *encode_peer(uint16_t family, const char *ifname,
				    const uint8_t public_key[WG_KEY_BYTES], uint32_t flags,
				    const struct endpoint *endpoint, uint8_t *bytes)
{
	struct nlmsghdr *message = begin_set(family, ifname, bytes);
	struct nlattr *list = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	struct nlattr *nest = mnl_attr_nest_start(message, 0);

	mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_BYTES, public_key);
	mnl_attr_put_u32(message, WGPEER_A_FLAGS, flags);
	if (endpoint)
		put_endpoint(message, endpoint);
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, list);
	return message;
}

struct nlmsghdr *wg_genl_encode_remove(uint16_t family, const char *ifname,
				       const uint8_t public_key[WG_KEY_BYTES], uint8_t *bytes)
{
	return encode_peer(family, ifname, public_key, WGPEER_F_REMOVE_ME, NULL, bytes);
}

struct nlmsghdr *wg_genl_encode_endpoint(uint16_t family, const char *ifname,
					 const uint8_t public_key[WG_KEY_BYTES],
					 const struct endpoint *endpoint, uint8_t *bytes)
{
	return encode_peer(family, ifname, public_key, WGPEER_F_UPDATE_ONLY, endpoint, bytes);
}

/* --- decode --- */

/* Copies an attribute of exactly that many bytes; one of another length is none. */
static void copy(const struct nlattr *attr, void *out, size_t bytes)
{
	if (mnl_attr_get_payload_len(attr) == bytes)
		memcpy(out, mnl_attr_get_payload(attr), bytes);
}

static void read_handshake(const struct nlattr *attr, struct wg_peer *peer)
{
	int64_t time[2] = {0}; /* struct __kernel_timespec */

	copy(attr, time, sizeof(time));
	peer->handshake_s = time[0];
	peer->handshake_ns = time[1];
}

static int read_allowed(const struct nlattr *nest, struct wg_peer *peer)
{
	struct ip_prefix prefix = {.len = UINT8_MAX};
	const struct nlattr *attr, *address = NULL;
	uint16_t family = AF_UNSPEC;
	uint8_t len = UINT8_MAX;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_FAMILY)
			copy(attr, &family, sizeof(family));
		else if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_IPADDR)
			address = attr;
		else if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_CIDR_MASK)
			copy(attr, &len, sizeof(len));
	}
	if (!address || !ip_bytes(family) || len > 8 * ip_bytes(family) ||
	    mnl_attr_get_payload_len(address) != ip_bytes(family))
		return -EBADMSG;
	prefix.ip.family = family;
	prefix.len = len;
	memcpy(prefix.ip.bytes, mnl_attr_get_payload(address), ip_bytes(family));
	return wg_peer_add_allowed(peer, &prefix);
}

static int read_allowed_list(const struct nlattr *list, struct wg_peer *peer)
{
	const struct nlattr *attr;
	int ret = 0;

	mnl_attr_for_each_nested(attr, list)
	{
		if (!ret)
			ret = read_allowed(attr, peer);
	}
	return ret;
}

static int read_peer_attr(const struct nlattr *attr, struct wg_peer *peer)
{
	switch (mnl_attr_get_type(attr)) {
	case WGPEER_A_PRESHARED_KEY:
		copy(attr, peer->preshared_key, WG_KEY_BYTES);
		break;
	case WGPEER_A_ENDPOINT:
		endpoint_from_sockaddr(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
				       &peer->endpoint);
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		copy(attr, &peer->keepalive_s, sizeof(peer->keepalive_s));
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		read_handshake(attr, peer);
		break;
	case WGPEER_A_RX_BYTES:
		copy(attr, &peer->rx_bytes, sizeof(peer->rx_bytes));
		break;
	case WGPEER_A_TX_BYTES:
		copy(attr, &peer->tx_bytes, sizeof(peer->tx_bytes));
		break;
	case WGPEER_A_ALLOWEDIPS:
		return read_allowed_list(attr, peer);
	}
	return 0;
}

/* The peer that the attributes speak of: the last one again, or a new one. */
static int identify_peer(const struct nlattr *nest, struct wg_device *device, struct wg_peer **peer)
{
	const uint8_t *key = NULL;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == WGPEER_A_PUBLIC_KEY &&
		    mnl_attr_get_payload_len(attr) == WG_KEY_BYTES)
			key = mnl_attr_get_payload(attr);
	}
	if (!key)
		return -EBADMSG;
	if (device->peer_count) {
		*peer = &device->peers[device->peer_count - 1];
		if (!memcmp((*peer)->public_key, key, WG_KEY_BYTES))
			return 0;
	}
	*peer = wg_device_add_peer(device);
	if (!*peer)
		return -ENOMEM;
	memcpy((*peer)->public_key, key, WG_KEY_BYTES);
	return 0;
}

static int read_peer(const struct nlattr *nest, struct wg_device *device)
{
	const struct nlattr *attr;
	struct wg_peer *peer;
	int ret;

	ret = identify_peer(nest, device, &peer);
	if (ret)
		return ret;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (!ret)
			ret = read_peer_attr(attr, peer);
	}
	return ret;
}

static int read_peer_list(const struct nlattr *list, struct wg_device *device)
{
	const struct nlattr *attr;
	int ret = 0;

	mnl_attr_for_each_nested(attr, list)
	{
		if (!ret)
			ret = read_peer(attr, device);
	}
	return ret;
}

static int read_device_attr(const struct nlattr *attr, struct wg_device *device)
{
	switch (mnl_attr_get_type(attr)) {
	case WGDEVICE_A_PRIVATE_KEY:
		copy(attr, device->private_key, WG_KEY_BYTES);
		break;
	case WGDEVICE_A_LISTEN_PORT:
		copy(attr, &device->listen_port, sizeof(device->listen_port));
		break;
	case WGDEVICE_A_FWMARK:
		copy(attr, &device->fwmark, sizeof(device->fwmark));
		break;
	case WGDEVICE_A_PEERS:
		return read_peer_list(attr, device);
	}
	return 0;
}

int wg_genl_decode(const struct nlmsghdr *message, struct wg_device *device)
{
	const struct nlattr *attr;
	int ret = 0;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (!ret)
			ret = read_device_attr(attr, device);
	}
	return ret;
}

/* --- the back end --- */

/* An nl_message_fn whose arg is the family's number. */
static int read_family(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			copy(attr, arg, sizeof(uint16_t));
	}
	return 0;
}

int wg_genl_open(struct wg *wg)
{
	char bytes[128] __attribute__((aligned(4)));
	struct nlmsghdr *request;
	int ret;

	wg->ops = &wg_genl_ops;
	ret = nl_open(&wg->nl, NL_GENERIC);
	if (ret)
		return ret;
	request = begin(bytes, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	ret = nl_ask(&wg->nl, request, read_family, &wg->family);
	if (ret == -ENOENT || (!ret && !wg->family))
		return -EOPNOTSUPP;
	return ret;
}

/* An nl_message_fn whose arg is the device. */
static int take_device(const struct nlmsghdr *message, void *arg)
{
	return wg_genl_decode(message, arg);
}

static int get(struct wg *wg, struct wg_device *out)
{
	char bytes[128] __attribute__((aligned(4)));
	struct nlmsghdr *request = begin(bytes, wg->family, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
	int attempts = 5;
	int ret;

	memset(out, 0, sizeof(*out));
	request->nlmsg_flags = NLM_F_DUMP;
	mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, wg->ifname);
	do {
		wg_device_fini(out);
		ret = nl_ask(&wg->nl, request, take_device, out);
	} while (ret == -EINTR && --attempts);
	if (ret)
		wg_device_fini(out);
	return ret;
}

static int remove_others(struct wg *wg, const struct wg_device *device, uint8_t *bytes)
{
	struct wg_device old;
	size_t i;
	int ret;

	ret = get(wg, &old);
	for (i = 0; i < old.peer_count && !ret; i++) {
		const uint8_t *key = old.peers[i].public_key;

		if (!wg_device_find_peer(device, key))
			ret = nl_ask(&wg->nl,
				     wg_genl_encode_remove(wg->family, wg->ifname, key, bytes),
				     NULL, NULL);
	}
	wg_device_fini(&old);
	return ret;
}

static int set(struct wg *wg, const struct wg_device *device, struct err *err)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor = {0};
	struct nlmsghdr *message;
	int ret;

	ret = remove_others(wg, device, bytes);
	while (!ret && !cursor.done) {
		message = wg_genl_encode_set(wg->family, wg->ifname, device, &cursor, bytes);
		ret = nl_ask(&wg->nl, message, NULL, NULL);
	}
	sodium_memzero(bytes, sizeof(bytes));
	if (ret)
		return err_set(err, ret, "interface %s: cannot configure WireGuard: %s", wg->ifname,
			       strerror(-ret));
	return 0;
}

static int set_endpoint(struct wg *wg, const uint8_t public_key[WG_KEY_BYTES],
			const struct endpoint *endpoint)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));

	return nl_ask(&wg->nl,
		      wg_genl_encode_endpoint(wg->family, wg->ifname, public_key, endpoint, bytes),
		      NULL, NULL);
}

const struct wg_ops wg_genl_ops = {
	.set = set,
	.get = get,
	.set_endpoint = set_endpoint,
};
