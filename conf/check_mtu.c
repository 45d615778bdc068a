#include <stdio.h>

#include "conf/check.h"

#define OVERLAY_MTU   1420 /* wg-quick(8)'s own default: 1500 - CONF_OVERHEAD_BYTES */
#define MTU_MIN_IPV4  576  /* RFC 791: what every host takes */
#define MTU_MIN_IPV6  1280 /* RFC 8200, section 5; below it the kernel turns IPv6 off */
#define OVERHEAD_IPV4 60   /* IPv4 20 + UDP 8 + WireGuard 32 */

static uint32_t least_mtu(const struct wgquick *wg)
{
	return wgquick_has_family(wg, AF_INET6) ? MTU_MIN_IPV6 : MTU_MIN_IPV4;
}

static const char *reason(const struct wgquick *wg)
{
	return wgquick_has_family(wg, AF_INET6) ? "its IPv6 address needs 1280" : "IPv4 needs 576";
}

/* The place of its MTU, or of the file as a whole when it gives none. */
static void mtu_error(struct conf_reader *r, const struct wgquick *wg, const char *text)
{
	diag_error(r->d, wg->file, wg->mtu_at.line, wg->mtu_at.column, "%s", text);
}

static void check_own(struct conf_reader *r, const struct conf_tunnel *tunnel)
{
	char text[128];

	if (tunnel->mtu >= least_mtu(tunnel->wg))
		return;
	snprintf(text, sizeof(text), "MTU %u of %s is too small: %s", tunnel->mtu,
		 tunnel->interface, reason(tunnel->wg));
	mtu_error(r, tunnel->wg, text);
}

/* The path with the smallest MTU; NULL when no path could be read. */
static const struct conf_path *narrowest(const struct conf *conf)
{
	const struct conf_path *found = NULL;

	for (size_t i = 0; i < conf->path_count; i++)
		if (conf->paths[i].tunnel.wg &&
		    (!found || conf->paths[i].tunnel.mtu < found->tunnel.mtu))
			found = &conf->paths[i];
	return found;
}

/* The inner tunnel's MTU is given: it must fit. */
static void check_fit(struct conf_reader *r, const struct conf_tunnel *inner,
		      const struct conf_path *path)
{
	bool ipv4 = inner->wg->endpoint.ip.family == AF_INET;
	uint32_t overhead = ipv4 ? OVERHEAD_IPV4 : CONF_OVERHEAD_BYTES;
	const struct wgquick *outer = path->tunnel.wg;
	char where[300] = "the default", text[512];

	if (inner->mtu + overhead <= path->tunnel.mtu)
		return;
	if (outer->mtu_at.line)
		snprintf(where, sizeof(where), "%s:%d", outer->file, outer->mtu_at.line);
	snprintf(text, sizeof(text),
		 "MTU %u of %s does not fit into path %s: its MTU %u (%s) leaves %u", inner->mtu,
		 inner->interface, path->name, path->tunnel.mtu, where,
		 path->tunnel.mtu - overhead);
	mtu_error(r, inner->wg, text);
}

/* It is not given: what the narrowest path leaves must be enough. */
static void derive(struct conf_reader *r, struct conf_tunnel *inner, const struct conf_path *path)
{
	char text[256];

	inner->mtu = path->tunnel.mtu - CONF_OVERHEAD_BYTES;
	if (inner->mtu >= least_mtu(inner->wg))
		return;
	snprintf(text, sizeof(text), "MTU %u of path %s leaves %u for %s: %s", path->tunnel.mtu,
		 path->name, inner->mtu, inner->interface, reason(inner->wg));
	mtu_error(r, path->tunnel.wg, text);
}

void check_mtu(struct conf_reader *r, struct conf *conf)
{
	struct conf_tunnel *inner = &conf->inner.tunnel;
	const struct conf_path *path;

	for (size_t i = 0; i < conf->path_count; i++) {
		struct conf_tunnel *overlay = &conf->paths[i].tunnel;

		if (!overlay->wg)
			continue;
		overlay->mtu = overlay->wg->mtu ? overlay->wg->mtu : OVERLAY_MTU;
		check_own(r, overlay);
	}
	path = narrowest(conf);
	if (conf->mode == CONF_DIRECT || !inner->wg || !path)
		return;
	if (inner->wg->mtu == 0) {
		derive(r, inner, path);
		return;
	}
	inner->mtu = inner->wg->mtu;
	check_own(r, inner);
	check_fit(r, inner, path);
}
