#include "daemon/tunnel.h"

#include <errno.h>
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "lib/clock.h"
#include "netlink/addr.h"
#include "netlink/link.h"
#include "netlink/sysctl.h"
#include "netlink/wg_userspace.h"

#define USERSPACE_START_US INT64_C(5000000)
#define READ_TRIES	   10

/* The longest life of a WireGuard session (REJECT_AFTER_TIME of its protocol). */
#define SESSION_S 180

/* Best effort: what cannot be set is said, and the tunnel may work all the same. */
static void set_sysctl(const struct tunnel_context *context, const char *family,
		       const char *interface, const char *name, const char *value)
{
	struct sysctl_change change;
	char key[SYSCTL_KEY_BYTES];
	int ret;

	snprintf(key, sizeof(key), "net/%s/conf/%s/%s", family, interface, name);
	ret = sysctl_ensure(SYSCTL_ROOT, key, value, &change);
	if (ret && ret != -ENOENT)
		log_warn(context->log, "interface %s: cannot set %s to %s: %s", interface, key,
			 value, strerror(-ret));
}

static void set_sysctls(const struct tunnel_context *context, const struct conf_tunnel *conf)
{
	/* Loose: after a migration packets still in flight arrive on the old path, and replies come
	 * by a path that the table does not name for their source. */
	set_sysctl(context, "ipv4", conf->interface, "rp_filter", "2");
	if (!wgquick_has_family(conf->wg, AF_INET6))
		return;
	set_sysctl(context, "ipv6", conf->interface, "disable_ipv6", "0");
	/* Else a link that goes down loses its IPv6 addresses for good. */
	set_sysctl(context, "ipv6", conf->interface, "keep_addr_on_down", "1");
}

static int make_interface(const struct tunnel_context *context, const char *name, const char *alias,
			  struct err *err)
{
	enum conf_backend backend = context->conf->backend;
	struct link link;
	int ret = -EOPNOTSUPP;

	if (backend != CONF_BACKEND_USERSPACE)
		ret = link_create(context->nl, name, "wireguard", alias, err);
	if (ret != -EOPNOTSUPP)
		return ret;
	if (backend == CONF_BACKEND_KERNEL)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no WireGuard; set wireguard.backend to auto or "
			       "userspace");
	ret = wg_userspace_start(context->nl, context->conf->userspace, name, USERSPACE_START_US,
				 err);
	if (ret)
		return ret;
	ret = link_get(context->nl, name, &link);
	if (!ret)
		ret = link_set_alias(context->nl, link.ifindex, alias);
	return ret ? err_set(err, ret, "cannot tag the interface: %s", strerror(-ret)) : 0;
}

static int find_or_make(const struct tunnel_context *context, const struct conf_tunnel *conf,
			struct link *link, struct err *err)
{
	char alias[LINK_ALIAS_BYTES];
	int ret = link_get(context->nl, conf->interface, link);

	interfaces_alias(context->conf, context->path, alias);
	if (!ret && conf->manage && !interfaces_path(context->conf, link->alias))
		return err_set(err, -EEXIST,
			       "it is there already, and compsd did not make it; delete it, or set "
			       "manage: false to use it as it is");
	if (ret == -ENODEV && !conf->manage)
		return err_set(err, -ENODEV,
			       "it is not there, and manage: false says not to "
			       "make it");
	if (ret == -ENODEV) {
		ret = make_interface(context, conf->interface, alias, err);
		if (ret)
			return ret;
		ret = link_get(context->nl, conf->interface, link);
	}
	if (!ret && conf->manage && strcmp(link->alias, alias) != 0)
		ret = link_set_alias(context->nl, link->ifindex, alias);
	return ret ? err_set(err, ret, "cannot read or tag it: %s", strerror(-ret)) : 0;
}

static int describe(const struct wgquick *wg, uint32_t mark, struct wg_device *out)
{
	struct wg_peer *peer;
	size_t i;

	*out = (struct wg_device){.listen_port = wg->listen_port, .fwmark = mark};
	memcpy(out->private_key, wg->private_key, sizeof(out->private_key));
	peer = wg_device_add_peer(out);
	if (!peer)
		return -ENOMEM;
	memcpy(peer->public_key, wg->peer_key, sizeof(peer->public_key));
	if (wg->has_preshared_key)
		memcpy(peer->preshared_key, wg->preshared_key, sizeof(peer->preshared_key));
	peer->endpoint = (struct endpoint){wg->endpoint.ip, wg->endpoint.port};
	peer->keepalive_s = wg->keepalive_s;
	for (i = 0; i < wg->allowed_ip_count; i++) {
		if (wg_peer_add_allowed(peer, &wg->allowed_ips[i]))
			return -ENOMEM;
	}
	return 0;
}

static bool allows(const struct wg_peer *peer, const struct ip_prefix *prefix)
{
	struct ip_prefix masked = ip_prefix_masked(prefix);
	size_t i;

	for (i = 0; i < peer->allowed_count; i++) {
		if (ip_prefix_equal(&peer->allowed[i], &masked))
			return true;
	}
	return false;
}

/* Whether setting `want` would change anything but the endpoint, which may have roamed. */
static bool is_configured(const struct wg_device *have, const struct wg_device *want)
{
	const struct wg_peer *h = have->peers, *w = want->peers;
	size_t i;

	if (have->peer_count != 1 || have->fwmark != want->fwmark ||
	    (want->listen_port && have->listen_port != want->listen_port) ||
	    sodium_memcmp(have->private_key, want->private_key, WG_KEY_BYTES) ||
	    sodium_memcmp(h->public_key, w->public_key, WG_KEY_BYTES) ||
	    sodium_memcmp(h->preshared_key, w->preshared_key, WG_KEY_BYTES) ||
	    h->keepalive_s != w->keepalive_s || h->endpoint.ip.family == AF_UNSPEC ||
	    h->allowed_count != w->allowed_count)
		return false;
	for (i = 0; i < w->allowed_count; i++) {
		if (!allows(h, &w->allowed[i]))
			return false;
	}
	return true;
}

/* A userspace WireGuard on a busy machine may need more than one time-out to answer. */
static int read_device(struct tunnel *tunnel, struct wg_device *out)
{
	int tries = READ_TRIES;
	int ret;

	do {
		ret = tunnel->wg.ops->get(&tunnel->wg, out);
	} while (ret == -ETIMEDOUT && --tries);
	return ret;
}

static int configure(struct tunnel *tunnel, const struct conf_tunnel *conf, uint32_t mark,
		     struct err *err)
{
	struct wg_device want = {0}, have = {0};
	int ret = describe(conf->wg, mark, &want);

	if (!ret)
		ret = read_device(tunnel, &have);
	if (ret) {
		err_set(err, ret, "cannot read its WireGuard state: %s", strerror(-ret));
		goto out;
	}
	tunnel->endpoint = want.peers[0].endpoint;
	if (is_configured(&have, &want)) {
		/* Adopted: what an earlier lookup of its name found is as good as a new one. */
		if (tunnel->endpoint.ip.family == AF_UNSPEC)
			tunnel->endpoint = have.peers[0].endpoint;
	} else if (conf->manage) {
		ret = tunnel->wg.ops->set(&tunnel->wg, &want, err);
	} else if (have.fwmark != mark) {
		ret = err_set(err, -EINVAL,
			      "it has fwmark %u; CoMPS needs %u (wg set %s fwmark %u)", have.fwmark,
			      mark, conf->interface, mark);
	}
out:
	wg_device_fini(&want);
	wg_device_fini(&have);
	return ret;
}

static int set_addresses(const struct tunnel_context *context, const struct conf_tunnel *conf,
			 uint32_t ifindex, struct err *err)
{
	char text[IP_PREFIX_TEXT_BYTES];
	size_t i;
	/* What an earlier configuration left would be the source of packets that the peer drops. */
	int ret = addr_retain(context->nl, ifindex, conf->wg->addresses, conf->wg->address_count);

	if (ret)
		return err_set(err, ret, "cannot remove old addresses: %s", strerror(-ret));
	for (i = 0; i < conf->wg->address_count; i++) {
		const struct ip_prefix *address = &conf->wg->addresses[i];

		ret = addr_add(context->nl, ifindex, address);
		if (ret == -EACCES && address->ip.family == AF_INET6)
			log_warn(context->log,
				 "interface %s: IPv6 is disabled in this kernel or "
				 "container, going on without",
				 conf->interface);
		else if (ret)
			return err_set(err, ret, "cannot add the address %s: %s",
				       ip_prefix_format(address, text), strerror(-ret));
	}
	return 0;
}

static int set_link(const struct tunnel_context *context, const struct conf_tunnel *conf,
		    const struct link *link, struct err *err)
{
	int ret = 0;

	if (link->mtu != conf->mtu)
		ret = link_set_mtu(context->nl, link->ifindex, conf->mtu);
	if (!ret && !(link->flags & IFF_UP))
		ret = link_set_up(context->nl, link->ifindex, true);
	return ret ? err_set(err, ret, "cannot set it up with MTU %u: %s", conf->mtu,
			     strerror(-ret))
		   : 0;
}

int tunnel_open(struct tunnel *tunnel, const struct tunnel_context *context,
		const struct conf_tunnel *conf, uint32_t mark, struct err *err)
{
	struct link link;
	int ret;

	memset(tunnel, 0, sizeof(*tunnel));
	ret = find_or_make(context, conf, &link, err);
	if (ret)
		goto out;
	tunnel->userspace = strcmp(link.kind, "wireguard") != 0;
	if (conf->manage)
		set_sysctls(context, conf);
	ret = wg_open(&tunnel->wg, conf->interface, link.kind, err);
	if (ret)
		goto out;
	ret = configure(tunnel, conf, mark, err);
	if (!ret && conf->manage)
		ret = set_addresses(context, conf, link.ifindex, err);
	if (!ret && conf->manage)
		ret = set_link(context, conf, &link, err);
	if (!ret)
		tunnel_refresh(tunnel, context->nl, conf->interface);
out:
	if (ret) {
		tunnel_close(tunnel);
		return err_prefix(err, ret, "interface %s", conf->interface);
	}
	return 0;
}

static bool is_live(int64_t session_s)
{
	return clock_wall_us() / 1000000 - session_s < SESSION_S;
}

static void renew_peer(struct tunnel *tunnel, const struct conf_tunnel *conf, uint32_t mark,
		       const struct wg_device *device)
{
	struct endpoint endpoint = tunnel->endpoint;
	struct wg_device bare = *device;
	struct err ignored;

	bare.peers = NULL;
	bare.peer_count = 0;
	/* What fails here is missing in the tunnel's state, and the next call tries again. */
	if (!tunnel->wg.ops->set(&tunnel->wg, &bare, &ignored))
		configure(tunnel, conf, mark, &ignored);
	tunnel->endpoint = endpoint;
	wg_device_fini(&bare);
}

/* Does so only where WireGuard is known to have no session. */
static void renew_dead_peer(struct tunnel *tunnel, const struct conf_tunnel *conf, uint32_t mark)
{
	struct wg_device device = {0};

	if (!conf->manage || is_live(tunnel->session_s) ||
	    tunnel->wg.ops->get(&tunnel->wg, &device))
		return;
	if (device.peer_count)
		tunnel->session_s = device.peers->handshake_s;
	if (!is_live(tunnel->session_s))
		renew_peer(tunnel, conf, mark, &device);
	wg_device_fini(&device);
}

int tunnel_reassert(struct tunnel *tunnel, const struct conf_tunnel *conf, uint32_t mark)
{
	renew_dead_peer(tunnel, conf, mark);
	return tunnel->wg.ops->set_endpoint(&tunnel->wg, conf->wg->peer_key, &tunnel->endpoint);
}

bool tunnel_is_open(const struct tunnel *tunnel)
{
	return tunnel->ifindex && tunnel->wg.ops;
}

void tunnel_refresh(struct tunnel *tunnel, struct nl *nl, const char *interface)
{
	struct link link;

	tunnel->ifindex = 0;
	tunnel->up = tunnel->v4 = tunnel->v6 = false;
	if (link_get(nl, interface, &link))
		return;
	tunnel->ifindex = link.ifindex;
	tunnel->up = link.flags & IFF_UP;
	addr_families(nl, link.ifindex, &tunnel->v4, &tunnel->v6);
}

void tunnel_close(struct tunnel *tunnel)
{
	wg_close(&tunnel->wg);
	memset(tunnel, 0, sizeof(*tunnel));
}
