#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/check.h"

#define LABEL_BYTES (CONF_PATH_NAME_BYTES + 8)

/* Everything these checks look at. Tunnel 0 is the inner one in nested mode; the paths follow. */
struct checker {
	struct conf_reader *r;
	const struct conf_node *root;
	const struct conf *conf;
	size_t first_path; /* 1 in nested mode, else 0 */
};

typedef bool (*same_fn)(const struct conf_tunnel *a, const struct conf_tunnel *b);

static const struct conf_tunnel *tunnel_at(const struct checker *c, size_t i)
{
	return i < c->first_path ? &c->conf->inner.tunnel
				 : &c->conf->paths[i - c->first_path].tunnel;
}

/* Its mapping in the comps.yaml. */
static const struct conf_node *node_at(const struct checker *c, size_t i)
{
	return i < c->first_path ? conf_node_get(c->root, "inner")
				 : conf_node_get(c->root, "paths")->children[i - c->first_path];
}

/* The value of the key, or the mapping where the key has its default. */
static const struct conf_node *value_at(const struct checker *c, size_t i, const char *key)
{
	const struct conf_node *node = conf_node_get(node_at(c, i), key);

	return node ? node : node_at(c, i);
}

static const char *label(const struct checker *c, size_t i, char out[LABEL_BYTES])
{
	if (i < c->first_path)
		snprintf(out, LABEL_BYTES, "inner");
	else
		snprintf(out, LABEL_BYTES, "path %s", c->conf->paths[i - c->first_path].name);
	return out;
}

/* The first tunnel from `begin` on, but before `i`, that has the same; or `i`. */
static size_t find_same(const struct checker *c, size_t begin, size_t i, same_fn same)
{
	size_t other = begin;

	while (other < i && !same(tunnel_at(c, other), tunnel_at(c, i)))
		other++;
	return other;
}

static bool same_interface(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->interface[0] && strcmp(a->interface, b->interface) == 0;
}

static bool same_endpoint(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->wg && b->wg && a->wg->endpoint.port == b->wg->endpoint.port &&
	       strcasecmp(a->wg->endpoint.host, b->wg->endpoint.host) == 0;
}

static bool same_listen_port(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->wg && b->wg && a->wg->listen_port && a->wg->listen_port == b->wg->listen_port;
}

static bool same_private_key(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->wg && b->wg && memcmp(a->wg->private_key, b->wg->private_key, KEY_BYTES) == 0;
}

static void check_name(const struct checker *c, size_t i)
{
	const struct conf_path *paths = c->conf->paths;
	size_t index = i - c->first_path;

	if (strcmp(paths[index].name, "next") == 0)
		schema_error(c->r, value_at(c, i, "name"),
			     "\"next\" has a meaning of its own in comps migrate");
	for (size_t other = 0; other < index && paths[index].name[0]; other++) {
		if (strcmp(paths[other].name, paths[index].name) != 0)
			continue;
		schema_error(c->r, value_at(c, i, "name"),
			     "\"%s\" is also the name of paths[%zu] (line %d)", paths[index].name,
			     other, value_at(c, other + c->first_path, "name")->line);
		return;
	}
}

static void check_interface(const struct checker *c, size_t i)
{
	size_t other = find_same(c, 0, i, same_interface);
	char name[LABEL_BYTES];

	if (other < i)
		schema_error(c->r, value_at(c, i, "interface"),
			     "interface %s is also that of %s (line %d)",
			     tunnel_at(c, i)->interface, label(c, other, name),
			     value_at(c, other, "interface")->line);
}

static void check_listen_port(const struct checker *c, size_t i)
{
	const struct wgquick *wg = tunnel_at(c, i)->wg, *taken;
	size_t other = find_same(c, 0, i, same_listen_port);
	char name[LABEL_BYTES];

	if (other == i)
		return;
	taken = tunnel_at(c, other)->wg;
	diag_error(c->r->d, wg->file, wg->listen_port_at.line, wg->listen_port_at.column,
		   "ListenPort %u is also that of %s (%s:%d)", wg->listen_port,
		   label(c, other, name), taken->file, taken->listen_port_at.line);
}

static void check_endpoint(const struct checker *c, size_t i)
{
	const struct wgquick *wg = tunnel_at(c, i)->wg, *taken;
	size_t other = find_same(c, c->first_path, i, same_endpoint);
	char name[LABEL_BYTES];

	if (other == i)
		return;
	taken = tunnel_at(c, other)->wg;
	diag_error(c->r->d, wg->file, wg->endpoint_at.line, wg->endpoint_at.column,
		   "Endpoint %s port %u is also that of %s (%s:%d); two paths need two proxies",
		   wg->endpoint.host, wg->endpoint.port, label(c, other, name), taken->file,
		   taken->endpoint_at.line);
}

static void note_private_key(const struct checker *c, size_t i)
{
	const struct wgquick *wg = tunnel_at(c, i)->wg, *taken;
	size_t other = find_same(c, 0, i, same_private_key);
	char name[LABEL_BYTES];

	if (other == i)
		return;
	taken = tunnel_at(c, other)->wg;
	diag_note(c->r->d, wg->file, wg->private_key_at.line, wg->private_key_at.column,
		  "PrivateKey is also that of %s (%s:%d): the two ends can tell that it is the "
		  "same client",
		  label(c, other, name), taken->file, taken->private_key_at.line);
}

static void note_keepalive(const struct checker *c, size_t i)
{
	const struct wgquick *wg = tunnel_at(c, i)->wg;

	if (wg && wg->keepalive_s)
		diag_note(c->r->d, wg->file, wg->keepalive_at.line, wg->keepalive_at.column,
			  "PersistentKeepalive is not needed on a path: probes keep it open, and "
			  "at random times");
}

static const char *family_name(int family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

static bool is_allowed(const struct wgquick *wg, const struct ip *ip)
{
	for (size_t i = 0; i < wg->allowed_ip_count; i++)
		if (ip_prefix_contains(&wg->allowed_ips[i], ip))
			return true;
	return false;
}

static bool is_own(const struct wgquick *wg, const struct ip *ip)
{
	for (size_t i = 0; i < wg->address_count; i++)
		if (ip_equal(&wg->addresses[i].ip, ip))
			return true;
	return false;
}

/* An address at the far end of a tunnel, as written at `node`. */
static void check_target(const struct checker *c, const struct conf_node *node,
			 const struct wgquick *wg, const struct ip *ip)
{
	char text[IP_TEXT_BYTES];

	if (!node || !wg || ip->family == AF_UNSPEC)
		return;
	ip_format(ip, text);
	if (!wgquick_has_family(wg, ip->family))
		schema_error(c->r, node,
			     "%s cannot be reached: the tunnel has no %s address "
			     "(%s:%d)",
			     text, family_name(ip->family), wg->file, wg->address_at.line);
	else if (is_own(wg, ip))
		schema_error(c->r, node,
			     "%s is the tunnel's own address here (%s:%d), not that of "
			     "the far end",
			     text, wg->file, wg->address_at.line);
	else if (!is_allowed(wg, ip))
		schema_error(c->r, node, "%s cannot be reached: it is not in AllowedIPs (%s:%d)",
			     text, wg->file, wg->allowed_ips_at.line);
}

/* The inner tunnel's packets go to its endpoint through every overlay. */
static void check_exit(const struct checker *c, size_t i)
{
	const struct wgquick *inner = c->conf->inner.tunnel.wg, *wg = tunnel_at(c, i)->wg;
	const struct ip *ip;

	if (!inner || !wg || inner->endpoint.ip.family == AF_UNSPEC)
		return;
	ip = &inner->endpoint.ip;
	if (!wgquick_has_family(wg, ip->family))
		diag_error(c->r->d, wg->file, wg->address_at.line, wg->address_at.column,
			   "no %s address, but the exit is at %s (%s:%d)", family_name(ip->family),
			   inner->endpoint.host, inner->file, inner->endpoint_at.line);
	else if (!is_allowed(wg, ip))
		diag_error(c->r->d, wg->file, wg->allowed_ips_at.line, wg->allowed_ips_at.column,
			   "AllowedIPs do not let the exit through, which is at %s (%s:%d)",
			   inner->endpoint.host, inner->file, inner->endpoint_at.line);
}

static bool same_addresses(const struct wgquick *a, const struct wgquick *b)
{
	for (size_t i = 0; i < a->address_count; i++)
		if (!is_own(b, &a->addresses[i].ip))
			return false;
	for (size_t i = 0; i < b->address_count; i++)
		if (!is_own(a, &b->addresses[i].ip))
			return false;
	return true;
}

/* Direct mode: the source address must not change with the path. */
static void check_shared_address(const struct checker *c, size_t i)
{
	const struct wgquick *first = tunnel_at(c, 0)->wg, *wg = tunnel_at(c, i)->wg;
	char name[LABEL_BYTES];

	if (!first || !wg || same_addresses(first, wg))
		return;
	diag_error(c->r->d, wg->file, wg->address_at.line, wg->address_at.column,
		   "not the same as that of %s (%s:%d); in mode direct every path has the same, or "
		   "connections break",
		   label(c, 0, name), first->file, first->address_at.line);
}

static void check_path(const struct checker *c, size_t i)
{
	const struct conf_path *path = &c->conf->paths[i - c->first_path];
	const struct conf_node *proxy = conf_node_get(node_at(c, i), "proxy");

	check_name(c, i);
	check_endpoint(c, i);
	note_keepalive(c, i);
	check_target(c, proxy, path->tunnel.wg, &path->proxy4);
	check_target(c, proxy, path->tunnel.wg, &path->proxy6);
	if (c->conf->mode == CONF_NESTED)
		check_exit(c, i);
	else
		check_shared_address(c, i);
}

void check_tunnels(struct conf_reader *r, const struct conf_node *root, const struct conf *conf)
{
	bool nested = conf->mode == CONF_NESTED && conf_node_get(root, "inner");
	struct checker c = {.r = r, .root = root, .conf = conf, .first_path = nested ? 1 : 0};

	if (nested)
		check_target(&c, conf_node_get(conf_node_get(root, "inner"), "ping"),
			     conf->inner.tunnel.wg, &conf->inner.ping);
	for (size_t i = 0; i < c.first_path + conf->path_count; i++) {
		check_interface(&c, i);
		check_listen_port(&c, i);
		note_private_key(&c, i);
		if (i >= c.first_path)
			check_path(&c, i);
	}
}
