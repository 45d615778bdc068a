#include "netlink/wg_uapi_text.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_BYTES (2 * WG_KEY_BYTES + 1)

void wg_uapi_text_fini(struct wg_uapi_text *text)
{
	if (text->bytes)
		sodium_memzero(text->bytes, text->size);
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}

int wg_uapi_text_add(struct wg_uapi_text *text, const char *bytes, size_t length)
{
	size_t size = text->size ? text->size : 4096;
	struct wg_uapi_text grown;

	while (size - text->used < length)
		size *= 2;
	if (size != text->size) {
		grown = (struct wg_uapi_text){.used = text->used, .size = size};
		grown.bytes = malloc(size);
		if (!grown.bytes)
			return -ENOMEM;
		if (text->used)
			memcpy(grown.bytes, text->bytes, text->used);
		wg_uapi_text_fini(text);
		*text = grown;
	}
	memcpy(text->bytes + text->used, bytes, length);
	text->used += length;
	return 0;
}

/* --- encode --- */

/* The first failure sticks, so that a whole request is written before anybody looks. */
struct writer {
	struct wg_uapi_text *text;
	int ret;
};

static void put(struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
	char line[192];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!writer->ret)
		writer->ret = wg_uapi_text_add(writer->text, line, (size_t)length);
	sodium_memzero(line, sizeof(line));
}

static void put_key(struct writer *writer, const char *name, const uint8_t key[WG_KEY_BYTES])
{
	char hex[HEX_BYTES];

	put(writer, "%s=%s\n", name, sodium_bin2hex(hex, sizeof(hex), key, WG_KEY_BYTES));
	sodium_memzero(hex, sizeof(hex));
}

static void put_endpoint(struct writer *writer, const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_BYTES];

	if (endpoint->ip.family)
		put(writer, "endpoint=%s\n", endpoint_format(endpoint, text));
}

static void put_peer(struct writer *writer, const struct wg_peer *peer)
{
	char text[IP_PREFIX_TEXT_BYTES];
	size_t i;

	put_key(writer, "public_key", peer->public_key);
	put_key(writer, "preshared_key", peer->preshared_key);
	put_endpoint(writer, &peer->endpoint);
	put(writer, "persistent_keepalive_interval=%u\n", peer->keepalive_s);
	put(writer, "replace_allowed_ips=true\n");
	for (i = 0; i < peer->allowed_count; i++)
		put(writer, "allowed_ip=%s\n", ip_prefix_format(&peer->allowed[i], text));
}

int wg_uapi_encode_set(const struct wg_device *old, const struct wg_device *device,
		       struct wg_uapi_text *text)
{
	struct writer writer = {.text = text};
	size_t i;

	put(&writer, "set=1\n");
	put_key(&writer, "private_key", device->private_key);
	/* wireguard-go opens its sockets anew for each of these two, so only for a change. */
	if (device->listen_port && device->listen_port != old->listen_port)
		put(&writer, "listen_port=%u\n", device->listen_port);
	if (device->fwmark != old->fwmark)
		put(&writer, "fwmark=%u\n", device->fwmark);
	for (i = 0; i < old->peer_count; i++) {
		if (wg_device_find_peer(device, old->peers[i].public_key))
			continue;
		put_key(&writer, "public_key", old->peers[i].public_key);
		put(&writer, "remove=true\n");
	}
	for (i = 0; i < device->peer_count; i++)
		put_peer(&writer, &device->peers[i]);
	put(&writer, "\n");
	return writer.ret;
}

int wg_uapi_encode_endpoint(const uint8_t public_key[WG_KEY_BYTES], const struct endpoint *endpoint,
			    struct wg_uapi_text *text)
{
	struct writer writer = {.text = text};

	put(&writer, "set=1\n");
	put_key(&writer, "public_key", public_key);
	put(&writer, "update_only=true\n");
	put_endpoint(&writer, endpoint);
	put(&writer, "\n");
	return writer.ret;
}

/* --- decode --- */

static int read_number(const char *value, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	if (*value < '0' || *value > '9')
		return -EBADMSG;
	*out = strtoull(value, &end, 10);
	return errno || *end || *out > max ? -EBADMSG : 0;
}

static int read_u16(const char *value, uint16_t *out)
{
	uint64_t number;
	int ret = read_number(value, UINT16_MAX, &number);

	if (!ret)
		*out = (uint16_t)number;
	return ret;
}

static int read_u32(const char *value, uint32_t *out)
{
	uint64_t number;
	int ret = read_number(value, UINT32_MAX, &number);

	if (!ret)
		*out = (uint32_t)number;
	return ret;
}

static int read_i64(const char *value, int64_t *out)
{
	uint64_t number;
	int ret = read_number(value, INT64_MAX, &number);

	if (!ret)
		*out = (int64_t)number;
	return ret;
}

static int read_key(const char *value, uint8_t key[WG_KEY_BYTES])
{
	size_t length;

	if (strlen(value) != 2 * WG_KEY_BYTES ||
	    sodium_hex2bin(key, WG_KEY_BYTES, value, 2 * WG_KEY_BYTES, NULL, &length, NULL) ||
	    length != WG_KEY_BYTES)
		return -EBADMSG;
	return 0;
}

static int read_allowed(const char *value, struct wg_peer *peer)
{
	struct ip_prefix prefix;

	if (ip_prefix_parse(value, &prefix))
		return -EBADMSG;
	return wg_peer_add_allowed(peer, &prefix);
}

static int read_new_peer(const char *value, struct wg_device *device)
{
	struct wg_peer *peer = wg_device_add_peer(device);

	return peer ? read_key(value, peer->public_key) : -ENOMEM;
}

/* The errno line: implementations disagree on its sign. */
static int read_errno(const char *value)
{
	uint64_t number;

	if (read_number(value + (*value == '-'), INT32_MAX, &number))
		return -EBADMSG;
	return -(int)number;
}

static int read_peer_line(const char *key, const char *value, struct wg_peer *peer)
{
	if (!strcmp(key, "preshared_key"))
		return read_key(value, peer->preshared_key);
	if (!strcmp(key, "endpoint")) {
		/* One with an IPv6 zone cannot be said here: it is none then. */
		endpoint_parse(value, &peer->endpoint);
		return 0;
	}
	if (!strcmp(key, "persistent_keepalive_interval"))
		return read_u16(value, &peer->keepalive_s);
	if (!strcmp(key, "last_handshake_time_sec"))
		return read_i64(value, &peer->handshake_s);
	if (!strcmp(key, "last_handshake_time_nsec"))
		return read_i64(value, &peer->handshake_ns);
	if (!strcmp(key, "rx_bytes"))
		return read_number(value, UINT64_MAX, &peer->rx_bytes);
	if (!strcmp(key, "tx_bytes"))
		return read_number(value, UINT64_MAX, &peer->tx_bytes);
	if (!strcmp(key, "allowed_ip"))
		return read_allowed(value, peer);
	return 0;
}

static int read_line(const char *key, const char *value, struct wg_device *device)
{
	if (!strcmp(key, "errno"))
		return read_errno(value);
	if (!strcmp(key, "private_key"))
		return read_key(value, device->private_key);
	if (!strcmp(key, "listen_port"))
		return read_u16(value, &device->listen_port);
	if (!strcmp(key, "fwmark"))
		return read_u32(value, &device->fwmark);
	if (!strcmp(key, "public_key"))
		return read_new_peer(value, device);
	if (device->peer_count)
		return read_peer_line(key, value, &device->peers[device->peer_count - 1]);
	return 0;
}

/* Reads one line of `length` bytes, cut into key and value in a copy that is wiped. */
static int read_bytes(const char *bytes, size_t length, struct wg_device *device)
{
	char line[256];
	char *value;
	int ret;

	if (length >= sizeof(line))
		return -EBADMSG;
	memcpy(line, bytes, length);
	line[length] = '\0';
	value = strchr(line, '=');
	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	ret = read_line(line, value, device);
	sodium_memzero(line, sizeof(line));
	return ret;
}

int wg_uapi_decode(const char *answer, size_t length, struct wg_device *device)
{
	const char *end = answer + length;
	const char *newline;
	int ret = 0;

	while (answer < end && *answer != '\n' && !ret) {
		newline = memchr(answer, '\n', (size_t)(end - answer));
		if (!newline)
			return -EBADMSG;
		ret = read_bytes(answer, (size_t)(newline - answer), device);
		answer = newline + 1;
	}
	if (ret)
		return ret;
	return answer < end ? 0 : -EBADMSG;
}
