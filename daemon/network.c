#include "daemon/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "daemon/uplink.h"
#include "netlink/link.h"

static const int families[] = {AF_INET, AF_INET6};

/* --- opening ---------------------------------------------------------------------------------- */

static size_t path_of_interface(const struct conf *conf, const char *interface)
{
	size_t i = 0;

	while (i < conf->path_count && strcmp(conf->paths[i].tunnel.interface, interface) != 0)
		i++;
	return i;
}

/* What the pins say that are there already: an earlier daemon's, or an earlier configuration's. */
static int keep_labels(struct network *network)
{
	const struct conf *conf = network->conf;
	unsigned int *used = calloc(conf->path_count + 1, sizeof(*used));
	struct route *routes = NULL;
	size_t i, path, count = 0;
	struct link link;
	int ret =
		used ? route_dump(&network->route_nl, conf->network.table_overlay, &routes, &count)
		     : -ENOMEM;

	for (i = 0; !ret && i < count; i++) {
		unsigned int label = route_label_of(&routes[i]);

		if (!label || routes[i].protocol != conf->network.protocol ||
		    link_get_index(&network->route_nl, routes[i].oif, &link))
			continue;
		path = path_of_interface(conf, link.name);
		used[path] = label;
	}
	if (!ret)
		layout_keep_labels(&network->layout, used);
	free(routes);
	free(used);
	return ret;
}

int network_open(struct network *network, struct conf *conf, const struct log *log, struct err *err)
{
	size_t i;
	int ret;

	memset(network, 0, sizeof(*network));
	network->conf = conf;
	network->log = log;
	network->path = calloc(conf->path_count, sizeof(*network->path));
	if (!network->path) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto fail;
	}
	for (i = 0; i < conf->path_count; i++)
		network->path[i].watch.fd = -1;
	ret = nl_open(&network->route_nl, NL_ROUTE);
	if (!ret)
		ret = nl_open(&network->filter_nl, NL_NETFILTER);
	if (ret) {
		err_set(err, ret, "cannot open a netlink socket: %s", strerror(-ret));
		goto fail;
	}
	ret = interfaces_keep(&network->route_nl, conf);
	if (ret) {
		err_set(err, ret, "cannot read the interfaces: %s", strerror(-ret));
		goto fail;
	}
	ret = layout_init(&network->layout, conf);
	if (ret) {
		err_set(err, ret, "out of memory");
		goto fail;
	}
	network->overlay = (struct route_kernel){&network->route_nl, layout_overlay_table(conf)};
	ret = conflict_find(&network->route_nl, &network->layout.claim, err);
	if (!ret) {
		ret = keep_labels(network);
		if (ret)
			err_set(err, ret, "cannot read the routes: %s", strerror(-ret));
	}
	if (!ret)
		return 0;
fail:
	network_close(network);
	return ret;
}

void network_close(struct network *network)
{
	size_t i;

	for (i = 0; network->path && i < network->conf->path_count; i++) {
		rxwatch_close(&network->path[i].watch);
		tunnel_close(&network->path[i].tunnel);
	}
	free(network->path);
	tunnel_close(&network->inner);
	nl_close(&network->route_nl);
	nl_close(&network->filter_nl);
	layout_fini(&network->layout);
	memset(network, 0, sizeof(*network));
}

/* --- installing ------------------------------------------------------------------------------- */

static int install_rules(struct network *network, struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < network->layout.rule_count; i++)
		ret = rule_add(&network->route_nl, &network->layout.rules[i], err);
	return ret;
}

static int install_backstops(struct network *network, struct err *err)
{
	struct route_owner tables[] = {layout_overlay_table(network->conf),
				       layout_inner_table(network->conf)};
	size_t count = network->conf->mode == CONF_NESTED ? 2 : 1;
	size_t t, f;
	int ret = 0;

	for (t = 0; t < count; t++) {
		for (f = 0; !ret && f < 2; f++) {
			struct route backstop = route_backstop(&tables[t], families[f]);

			ret = route_apply(&network->route_nl, ROUTE_REPLACE, &backstop, err);
		}
	}
	return ret;
}

static struct route_hop hop_of(const struct network *network, size_t index)
{
	const struct tunnel *tunnel = &network->path[index].tunnel;

	return (struct route_hop){
		.ifindex = tunnel->ifindex,
		.label = layout_label(&network->layout, index),
		.v4 = tunnel->v4,
		.v6 = tunnel->v6,
	};
}

/* The routes that a path has of its own: its pin, and its default in its probe table. */
static int install_path_routes(struct network *network, size_t index, struct err *err)
{
	struct route_owner probe_table = layout_probe_table(network->conf, index);
	struct route_hop hop = hop_of(network, index);
	size_t f;
	int ret = 0;

	for (f = 0; !ret && f < 2; f++) {
		struct route probe = route_default(&probe_table, &hop, families[f]);

		ret = route_apply(&network->route_nl, ROUTE_REPLACE, &probe, err);
		if (!ret && (families[f] == AF_INET ? hop.v4 : hop.v6)) {
			struct route pin = route_pin(&network->overlay.owner, &hop, families[f]);

			ret = route_apply(&network->route_nl, ROUTE_REPLACE, &pin, err);
		}
	}
	return ret;
}

static int open_watch(struct network_path *path)
{
	int ret;

	if (path->watched == path->tunnel.ifindex)
		return 0;
	rxwatch_close(&path->watch);
	path->watched = 0;
	if (!path->tunnel.ifindex)
		return 0;
	ret = rxwatch_open(&path->watch, path->tunnel.ifindex);
	if (!ret)
		path->watched = path->tunnel.ifindex;
	return ret;
}

static struct tunnel_context context_of(struct network *network, const char *path)
{
	return (struct tunnel_context){
		.nl = &network->route_nl,
		.log = network->log,
		.conf = network->conf,
		.path = path,
	};
}

static int install_overlay(struct network *network, size_t index, struct err *err)
{
	struct network_path *path = &network->path[index];
	const struct conf_path *conf = &network->conf->paths[index];
	struct tunnel_context context = context_of(network, conf->name);
	int ret = tunnel_open(&path->tunnel, &context, &conf->tunnel,
			      network->conf->network.mark_overlay, err);

	if (!ret)
		ret = install_path_routes(network, index, err);
	if (!ret) {
		ret = open_watch(path);
		if (ret)
			err_set(err, ret, "cannot watch its packets: %s", strerror(-ret));
	}
	return ret ? err_prefix(err, ret, "path %s", conf->name) : 0;
}

static int install_inner_routes(struct network *network, struct err *err)
{
	struct route_owner table = layout_inner_table(network->conf);
	const struct wgquick *wg = network->conf->inner.tunnel.wg;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < wg->allowed_ip_count; i++) {
		struct ip_prefix dst = ip_prefix_masked(&wg->allowed_ips[i]);
		struct route route = route_device(&table, &dst, network->inner.ifindex);

		/* Without an address of the family the packets would carry a wrong source. */
		if (dst.ip.family == AF_INET ? network->inner.v4 : network->inner.v6)
			ret = route_apply(&network->route_nl, ROUTE_REPLACE, &route, err);
	}
	return ret;
}

static int install_inner(struct network *network, struct err *err)
{
	struct tunnel_context context = context_of(network, NULL);
	int ret = tunnel_open(&network->inner, &context, &network->conf->inner.tunnel,
			      network->conf->network.mark_inner, err);

	if (!ret)
		ret = install_inner_routes(network, err);
	if (!ret)
		network_reassert(network);
	return ret;
}

int network_close_off(struct network *network, struct err *err)
{
	int ret = guard_install(&network->layout.guard, err);

	if (!ret)
		ret = install_rules(network, err);
	if (!ret)
		ret = install_backstops(network, err);
	return ret;
}

int network_install(struct network *network, struct err *err)
{
	size_t i;
	int ret = network_close_off(network, err);

	uplink_loosen(network->conf, &network->route_nl, network->log);
	for (i = 0; !ret && i < network->conf->path_count; i++)
		ret = install_overlay(network, i, err);
	if (!ret && network->conf->mode == CONF_NESTED)
		ret = install_inner(network, err);
	return ret;
}

bool network_is_installed(struct network *network)
{
	struct rule *rules = NULL;
	size_t i, count = 0;
	bool found = false;

	if (rule_dump(&network->route_nl, &rules, &count))
		return false;
	for (i = 0; i < count; i++)
		found |= rules[i].protocol == network->conf->network.protocol;
	free(rules);
	return found;
}

/* --- running ---------------------------------------------------------------------------------- */

int network_active(struct network *network)
{
	uint32_t ifindex;
	size_t i;

	if (route_kernel_ops.active(&network->overlay, &ifindex))
		return -1;
	for (i = 0; i < network->conf->path_count; i++) {
		if (network->path[i].tunnel.ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

int network_swap(struct network *network, int from, int to, int64_t *swap_us, struct err *err)
{
	struct route_hop old, new = hop_of(network, (size_t)to);
	struct route_swap_result result;
	int ret;

	if (from >= 0)
		old = hop_of(network, (size_t)from);
	ret = route_kernel_ops.swap(&network->overlay, from >= 0 ? &old : NULL, &new, &result);
	*swap_us = result.swap_us;
	if (result.reconciled)
		log_warn(network->log, "table %u: deleted default routes that were not ours",
			 network->conf->network.table_overlay);
	return ret ? err_set(err, ret, "cannot swap the route: %s", result.text) : 0;
}

int network_repair(struct network *network, int active, struct err *err)
{
	/* The kernel takes no route through an interface that is down. */
	bool usable = active >= 0 && network->path[active].tunnel.up;
	struct route_hop hop;
	size_t i;
	int ret;

	if (usable)
		hop = hop_of(network, (size_t)active);
	ret = install_rules(network, err);
	if (!ret)
		ret = install_backstops(network, err);
	if (!ret)
		ret = route_kernel_ops.repair(&network->overlay, usable ? &hop : NULL, err);
	for (i = 0; !ret && i < network->conf->path_count; i++) {
		if (network->path[i].tunnel.up)
			ret = install_path_routes(network, i, err);
	}
	if (!ret && network->inner.up)
		ret = install_inner_routes(network, err);
	if (!ret && !guard_verify(&network->filter_nl, &network->layout.guard))
		ret = guard_install(&network->layout.guard, err);
	return ret;
}

void network_refresh_path(struct network *network, size_t index)
{
	const struct conf_path *conf = &network->conf->paths[index];
	struct network_path *path = &network->path[index];
	struct err err;
	int ret;

	tunnel_refresh(&path->tunnel, &network->route_nl, conf->tunnel.interface);
	if (!path->tunnel.up)
		return;
	ret = install_path_routes(network, index, &err);
	if (ret)
		log_warn(network->log, "path %s: cannot restore its routes: %s", conf->name,
			 err.text);
	ret = open_watch(path);
	if (ret)
		log_warn(network->log, "path %s: cannot watch its packets: %s", conf->name,
			 strerror(-ret));
}

void network_refresh_inner(struct network *network)
{
	struct err err;
	int ret;

	tunnel_refresh(&network->inner, &network->route_nl, network->conf->inner.tunnel.interface);
	if (!network->inner.up)
		return;
	ret = install_inner_routes(network, &err);
	if (ret)
		log_warn(network->log, "inner tunnel: cannot restore its routes: %s", err.text);
}

int network_reopen_path(struct network *network, size_t index, struct err *err)
{
	tunnel_close(&network->path[index].tunnel);
	return install_overlay(network, index, err);
}

int network_reopen_inner(struct network *network, struct err *err)
{
	tunnel_close(&network->inner);
	return install_inner(network, err);
}

const struct endpoint *network_endpoint(const struct network *network, size_t id)
{
	return id == network->conf->path_count ? &network->inner.endpoint
					       : &network->path[id].tunnel.endpoint;
}

bool network_is_userspace(const struct network *network)
{
	bool userspace = network->inner.userspace;
	size_t i;

	for (i = 0; i < network->conf->path_count; i++)
		userspace |= network->path[i].tunnel.userspace;
	return userspace;
}

bool network_is_usable(const struct network *network, size_t index)
{
	const struct tunnel *tunnel = &network->path[index].tunnel;

	switch (network->inner.endpoint.ip.family) {
	case AF_INET:
		return tunnel->up && tunnel->v4;
	case AF_INET6:
		return tunnel->up && tunnel->v6;
	default:
		return tunnel->up && (tunnel->v4 || tunnel->v6);
	}
}

int network_family(const struct network *network, size_t id)
{
	size_t i;

	if (id != network->conf->path_count)
		return AF_UNSPEC;
	for (i = 0; i < network->conf->path_count; i++) {
		if (!wgquick_has_family(network->conf->paths[i].tunnel.wg, AF_INET6))
			return AF_INET;
		if (!wgquick_has_family(network->conf->paths[i].tunnel.wg, AF_INET))
			return AF_INET6;
	}
	return AF_UNSPEC;
}

static int apply_endpoint(struct tunnel *tunnel, const struct conf_tunnel *conf)
{
	if (!tunnel->ifindex)
		return -ENODEV;
	return tunnel->wg.ops->set_endpoint(&tunnel->wg, conf->wg->peer_key, &tunnel->endpoint);
}

int network_set_endpoint(struct network *network, size_t id, const struct ip *ip)
{
	bool is_exit = id == network->conf->path_count;
	struct tunnel *tunnel = is_exit ? &network->inner : &network->path[id].tunnel;
	const struct conf_tunnel *conf =
		is_exit ? &network->conf->inner.tunnel : &network->conf->paths[id].tunnel;

	tunnel->endpoint = (struct endpoint){*ip, conf->wg->endpoint.port};
	return apply_endpoint(tunnel, conf);
}

void network_reassert(struct network *network)
{
	int ret = -ENODEV;

	if (network->inner.endpoint.ip.family == AF_UNSPEC)
		return;
	if (network->inner.ifindex)
		ret = tunnel_reassert(&network->inner, &network->conf->inner.tunnel,
				      network->conf->network.mark_inner);
	if (ret)
		log_warn(network->log, "inner tunnel: cannot re-assert the exit's endpoint: %s",
			 strerror(-ret));
}

int network_counters(struct network *network, size_t index, struct path_counters *out)
{
	struct link link;
	int ret = link_get_index(&network->route_nl, network->path[index].tunnel.ifindex, &link);

	if (!ret)
		*out = (struct path_counters){link.tx_bytes, link.rx_bytes, link.tx_packets,
					      link.rx_packets};
	return ret;
}

int64_t network_handshake_age_us(struct network *network, size_t index, int64_t wall_us)
{
	struct wg *wg = &network->path[index].tunnel.wg;
	struct wg_device device = {0};
	int64_t age_us = -1;

	if (wg->ops && !wg->ops->get(wg, &device) && device.peer_count &&
	    device.peers[0].handshake_s)
		age_us = wall_us - device.peers[0].handshake_s * 1000000 -
			 device.peers[0].handshake_ns / 1000;
	wg_device_fini(&device);
	return age_us;
}

int network_read_guard(struct network *network, struct guard_counters *out)
{
	return guard_read(&network->filter_nl, network->conf->network.nft_table, out);
}
