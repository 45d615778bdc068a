#include "conf/wgquick_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MTU_MIN 576 /* what every IPv4 host must take: RFC 791 */

static void complain(struct wgquick_reader *r, const char *name, const char *text)
{
	diag_error(r->d, r->file, r->line, r->column, "%s: %s", name, text);
}

/* The value for a message. One with a long part that cannot be of an address may hold a key in the
 * wrong place: it is not shown. */
static const char *shown(const char *text)
{
	for (const char *part = text; *part; part += strspn(part, ".:")) {
		size_t length = strcspn(part, ".:");

		if (length > 24)
			return "...";
		part += length;
	}
	return text;
}

/* Makes room for one item more; NULL when out of memory. */
static void *grow(struct wgquick_reader *r, void *array, size_t count, size_t item_bytes)
{
	void *grown = reallocarray(array, count + 1, item_bytes);

	if (!grown)
		r->d->out_of_memory = true;
	return grown;
}

static struct wgquick_place here(const struct wgquick_reader *r)
{
	return (struct wgquick_place){.line = r->line, .column = r->column};
}

static bool read_key(struct wgquick_reader *r, const char *name, const char *text,
		     uint8_t key[KEY_BYTES])
{
	static const uint8_t zero[KEY_BYTES];
	struct err e;

	if (key_parse(text, key, &e) < 0) {
		diag_error(r->d, r->file, r->line, r->column, "%s %s", name, e.text);
		return false;
	}
	if (memcmp(key, zero, KEY_BYTES) == 0) {
		complain(r, name, "all zero is no key");
		return false;
	}
	return true;
}

static void read_private_key(struct wgquick_reader *r, const char *name, const char *text)
{
	r->wg->private_key_at = here(r);
	if (read_key(r, name, text, r->wg->private_key))
		key_public(r->wg->private_key, r->wg->public_key);
}

static void read_peer_key(struct wgquick_reader *r, const char *name, const char *text)
{
	read_key(r, name, text, r->wg->peer_key);
}

static void read_preshared_key(struct wgquick_reader *r, const char *name, const char *text)
{
	r->wg->has_preshared_key = read_key(r, name, text, r->wg->preshared_key);
}

static bool read_prefix(struct wgquick_reader *r, const char *name, const char *text,
			struct ip_prefix *prefix)
{
	if (ip_prefix_parse(text, prefix) == 0)
		return true;
	diag_error(r->d, r->file, r->line, r->column,
		   "%s: \"%.64s\" is not an address such as 10.0.0.2/32 or fd00::2/128", name,
		   shown(text));
	return false;
}

static void add_prefix(struct wgquick_reader *r, struct ip_prefix prefix, struct ip_prefix **list,
		       size_t *count)
{
	struct ip_prefix *grown = grow(r, *list, *count, sizeof(**list));

	if (!grown)
		return;
	*list = grown;
	grown[(*count)++] = prefix;
}

static void read_address(struct wgquick_reader *r, const char *name, const char *text)
{
	struct ip_prefix prefix;

	if (r->wg->address_at.line == 0)
		r->wg->address_at = here(r);
	if (read_prefix(r, name, text, &prefix))
		add_prefix(r, prefix, &r->wg->addresses, &r->wg->address_count);
}

static void read_allowed_ip(struct wgquick_reader *r, const char *name, const char *text)
{
	struct ip_prefix prefix;

	if (r->wg->allowed_ips_at.line == 0)
		r->wg->allowed_ips_at = here(r);
	if (read_prefix(r, name, text, &prefix))
		add_prefix(r, ip_prefix_masked(&prefix), &r->wg->allowed_ips,
			   &r->wg->allowed_ip_count);
}

/* The list is read item by item; one note is enough. */
static void read_dns(struct wgquick_reader *r, const char *name, const char *text)
{
	char **grown = grow(r, r->wg->dns, r->wg->dns_count, sizeof(*grown));

	if (!r->wg->dns_count)
		diag_note(r->d, r->file, r->line, r->column,
			  "%s is not applied: point the machine's resolver there yourself", name);
	if (!grown)
		return;
	r->wg->dns = grown;
	grown[r->wg->dns_count] = strdup(text);
	if (grown[r->wg->dns_count])
		r->wg->dns_count++;
	else
		r->d->out_of_memory = true;
}

/* Decimal digits only. Returns false where `text` is not within min..max. */
static bool parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && value <= max; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || value < min || value > max)
		return false;
	*out = (uint32_t)value;
	return true;
}

static void read_number(struct wgquick_reader *r, const char *name, const char *text, uint32_t min,
			uint32_t max, uint32_t *out)
{
	if (!parse_number(text, min, max, out))
		diag_error(r->d, r->file, r->line, r->column,
			   "%s: \"%.64s\" is not a whole number in the range %u..%u", name,
			   shown(text), min, max);
}

static void read_listen_port(struct wgquick_reader *r, const char *name, const char *text)
{
	uint32_t port = 0;

	r->wg->listen_port_at = here(r);
	read_number(r, name, text, 0, 65535, &port);
	r->wg->listen_port = (uint16_t)port;
}

static void read_mtu(struct wgquick_reader *r, const char *name, const char *text)
{
	r->wg->mtu_at = here(r);
	read_number(r, name, text, MTU_MIN, 65535, &r->wg->mtu);
}

static void read_keepalive(struct wgquick_reader *r, const char *name, const char *text)
{
	uint32_t seconds = 0;

	r->wg->keepalive_at = here(r);
	if (strcasecmp(text, "off") != 0)
		read_number(r, name, text, 0, 65535, &seconds);
	r->wg->keepalive_s = (uint16_t)seconds;
}

/* Letters, digits and hyphens between dots (RFC 1123), and the underscore that people use. All
 * digits would be a misspelt address. */
static bool is_host_name(const char *host)
{
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       strlen(host) &&
	       strspn(host, "0123456789.") < strlen(host) && host[0] != '-' && host[0] != '.' &&
	       !strstr(host, "..");
}

static bool parse_endpoint(const char *text, struct conf_endpoint *out)
{
	const char *colon = strrchr(text, ':');
	struct endpoint numeric;
	char ip[IP_TEXT_BYTES];
	uint32_t port;

	if (endpoint_parse(text, &numeric) == 0) {
		snprintf(out->host, sizeof(out->host), "%s", ip_format(&numeric.ip, ip));
		out->ip = numeric.ip;
		out->port = numeric.port;
		return true;
	}
	if (!colon || colon - text >= (ptrdiff_t)sizeof(out->host) ||
	    !parse_number(colon + 1, 1, 65535, &port))
		return false;
	snprintf(out->host, sizeof(out->host), "%.*s", (int)(colon - text), text);
	out->port = (uint16_t)port;
	return is_host_name(out->host);
}

static void read_endpoint(struct wgquick_reader *r, const char *name, const char *text)
{
	r->wg->endpoint_at = here(r);
	if (!parse_endpoint(text, &r->wg->endpoint))
		diag_error(r->d, r->file, r->line, r->column,
			   "%s: \"%.64s\" is not HOST:PORT, such as 192.0.2.1:51820, "
			   "[2001:db8::1]:51820 or vpn.example.net:51820",
			   name, shown(text));
}

static const char own_routes[] = "ignored: CoMPS has its own marks, tables and rules";
static const char no_commands[] = "ignored: CoMPS runs no commands from a .conf";
static const char no_writes[] = "ignored: CoMPS never writes a .conf";

const struct wgquick_key wgquick_keys[WGQUICK_KEYS] = {
	{WGQUICK_INTERFACE, false, true, "PrivateKey", read_private_key, NULL},
	{WGQUICK_INTERFACE, true, true, "Address", read_address, NULL},
	{WGQUICK_INTERFACE, false, false, "ListenPort", read_listen_port, NULL},
	{WGQUICK_INTERFACE, false, false, "MTU", read_mtu, NULL},
	{WGQUICK_INTERFACE, true, false, "DNS", read_dns, NULL},
	{WGQUICK_INTERFACE, false, false, "FwMark", NULL, own_routes},
	{WGQUICK_INTERFACE, false, false, "Table", NULL, own_routes},
	{WGQUICK_INTERFACE, false, false, "PreUp", NULL, no_commands},
	{WGQUICK_INTERFACE, false, false, "PostUp", NULL, no_commands},
	{WGQUICK_INTERFACE, false, false, "PreDown", NULL, no_commands},
	{WGQUICK_INTERFACE, false, false, "PostDown", NULL, no_commands},
	{WGQUICK_INTERFACE, false, false, "SaveConfig", NULL, no_writes},
	{WGQUICK_PEER, false, true, "PublicKey", read_peer_key, NULL},
	{WGQUICK_PEER, false, false, "PresharedKey", read_preshared_key, NULL},
	{WGQUICK_PEER, true, true, "AllowedIPs", read_allowed_ip, NULL},
	{WGQUICK_PEER, false, true, "Endpoint", read_endpoint, NULL},
	{WGQUICK_PEER, false, false, "PersistentKeepalive", read_keepalive, NULL},
};
