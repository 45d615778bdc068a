#include "netlink/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/batch.h"
#include "netlink/nl.h"

struct ip route_label4(unsigned int label)
{
	return (struct ip){
		.family = AF_INET,
		.bytes = {169, 254, (uint8_t)(128 + (label >> 8)), (uint8_t)label},
	};
}

struct ip route_label6(unsigned int label)
{
	return (struct ip){
		.family = AF_INET6,
		.bytes = {0xfe,
			  0x80, [13] = 0xc0, [14] = (uint8_t)(label >> 8), [15] = (uint8_t)label},
	};
}

unsigned int route_label_of(const struct route *route)
{
	const uint8_t *bytes = route->gateway.bytes;
	unsigned int label = route->gateway.family == AF_INET
				     ? (unsigned int)(bytes[2] & 0x7f) << 8 | bytes[3]
				     : (unsigned int)bytes[14] << 8 | bytes[15];
	struct ip expected =
		route->gateway.family == AF_INET ? route_label4(label) : route_label6(label);

	return ip_equal(&route->gateway, &expected) && ip_equal(&route->gateway, &route->dst.ip)
		       ? label
		       : 0;
}

static struct route make_default(const struct route_owner *owner, int family)
{
	return (struct route){
		.dst = {.ip = {.family = family}},
		.type = RTN_UNREACHABLE,
		.protocol = owner->protocol,
		.table = owner->table,
	};
}

struct route route_default(const struct route_owner *owner, const struct route_hop *hop, int family)
{
	struct route route = make_default(owner, family);

	route.metric = family == AF_INET ? ROUTE_METRIC4 : ROUTE_METRIC6;
	if (hop && (family == AF_INET ? hop->v4 : hop->v6)) {
		route.type = RTN_UNICAST;
		route.oif = hop->ifindex;
		route.gateway =
			family == AF_INET ? route_label4(hop->label) : route_label6(hop->label);
	}
	return route;
}

struct route route_backstop(const struct route_owner *owner, int family)
{
	struct route route = make_default(owner, family);

	route.metric = ROUTE_METRIC_BACKSTOP;
	return route;
}

struct route route_pin(const struct route_owner *owner, const struct route_hop *hop, int family)
{
	struct route route = route_default(owner, hop, family);

	route.dst.ip = route.gateway;
	route.dst.len = 8 * ip_bytes(family);
	return route;
}

struct route route_device(const struct route_owner *owner, const struct ip_prefix *dst,
			  uint32_t ifindex)
{
	struct route route = make_default(owner, dst->ip.family);

	route.dst = ip_prefix_masked(dst);
	route.type = RTN_UNICAST;
	route.metric = dst->ip.family == AF_INET ? ROUTE_METRIC4 : ROUTE_METRIC6;
	route.oif = ifindex;
	return route;
}

static void put_ip(struct nlmsghdr *message, uint16_t type, const struct ip *ip)
{
	mnl_attr_put(message, type, ip_bytes(ip->family), ip->bytes);
}

static void put_route(struct nlmsghdr *message, const struct route *route)
{
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(message, sizeof(*rtm));

	rtm->rtm_family = (uint8_t)route->dst.ip.family;
	rtm->rtm_dst_len = (uint8_t)route->dst.len;
	rtm->rtm_protocol = route->protocol;
	rtm->rtm_type = route->type;
	rtm->rtm_scope = route->oif && !route->gateway.family && route->dst.ip.family == AF_INET
				 ? RT_SCOPE_LINK
				 : RT_SCOPE_UNIVERSE;
	if (route->dst.len)
		put_ip(message, RTA_DST, &route->dst.ip);
	mnl_attr_put_u32(message, RTA_TABLE, route->table);
	mnl_attr_put_u32(message, RTA_PRIORITY, route->metric);
	if (route->gateway.family) {
		/* The label is on no subnet of ours, and on a NOARP device need not be. */
		rtm->rtm_flags = RTNH_F_ONLINK;
		put_ip(message, RTA_GATEWAY, &route->gateway);
	}
	if (route->oif)
		mnl_attr_put_u32(message, RTA_OIF, route->oif);
}

int route_build(struct batch *batch, enum route_verb verb, const struct route *route)
{
	static const uint16_t flags[] = {
		[ROUTE_ADD] = NLM_F_CREATE | NLM_F_EXCL,
		[ROUTE_REPLACE] = NLM_F_CREATE | NLM_F_REPLACE,
		[ROUTE_DELETE] = 0,
	};
	struct nlmsghdr *message;

	message =
		batch_begin(batch, verb == ROUTE_DELETE ? RTM_DELROUTE : RTM_NEWROUTE, flags[verb]);
	if (!message)
		return -ENOBUFS;
	put_route(message, route);
	batch_end(batch, message);
	return 0;
}

int route_apply(struct nl *nl, enum route_verb verb, const struct route *route, struct err *err)
{
	struct batch batch;
	char text[160];
	int ret;

	batch_init(&batch);
	route_build(&batch, verb, route);
	ret = batch_send(&batch, nl);
	/* The kernel says ESRCH or ENOENT (by family) for a route that is not there, and ENODEV
	 * for one of a device that is not there. */
	if (verb == ROUTE_DELETE && (ret == -ESRCH || ret == -ENOENT || ret == -ENODEV))
		return 0;
	if (!ret)
		return 0;
	return err_set(err, ret, "route %s: %s", route_format(route, text, sizeof(text)),
		       batch.results[0].text[0] ? batch.results[0].text : strerror(-ret));
}

static void read_ip(const struct nlattr *attr, int family, struct ip *ip)
{
	if (mnl_attr_get_payload_len(attr) != ip_bytes(family))
		return;
	ip->family = family;
	memcpy(ip->bytes, mnl_attr_get_payload(attr), ip_bytes(family));
}

static void read_first_hop(const struct nlattr *multipath, struct route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	const struct nlattr *attr;

	if (mnl_attr_get_payload_len(multipath) < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) ||
	    hop->rtnh_len > mnl_attr_get_payload_len(multipath))
		return;
	route->oif = (uint32_t)hop->rtnh_ifindex;
	mnl_attr_for_each_payload((const void *)RTNH_DATA(hop), hop->rtnh_len - sizeof(*hop))
	{
		if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			read_ip(attr, route->dst.ip.family, &route->gateway);
	}
}

static void read_attr(const struct nlattr *attr, struct route *route)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		read_ip(attr, route->dst.ip.family, &route->dst.ip);
		break;
	case RTA_GATEWAY:
		read_ip(attr, route->dst.ip.family, &route->gateway);
		break;
	case RTA_MULTIPATH:
		read_first_hop(attr, route);
		break;
	case RTA_TABLE:
		route->table = nl_attr_u32(attr);
		break;
	case RTA_PRIORITY:
		route->metric = nl_attr_u32(attr);
		break;
	case RTA_OIF:
		route->oif = nl_attr_u32(attr);
		break;
	}
}

/* An nl_decode_fn; the filter is the table's number. */
static int decode(const struct nlmsghdr *message, const void *filter, void *item)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	struct route *route = item;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*rtm) || !ip_bytes(rtm->rtm_family) ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return 0;
	*route = (struct route){
		.dst = {.ip = {.family = rtm->rtm_family}, .len = rtm->rtm_dst_len},
		.type = rtm->rtm_type,
		.protocol = rtm->rtm_protocol,
		.table = rtm->rtm_table,
	};
	mnl_attr_for_each(attr, message, sizeof(*rtm)) read_attr(attr, route);
	/* IPv6 says "lo" for a route that goes nowhere. */
	if (route->type != RTN_UNICAST)
		route->oif = 0;
	return route->table == *(const uint32_t *)filter;
}

int route_dump(struct nl *nl, uint32_t table, struct route **routes, size_t *count)
{
	char bytes[64] __attribute__((aligned(4)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	void *items;
	int ret;

	request->nlmsg_type = RTM_GETROUTE;
	mnl_nlmsg_put_extra_header(request, sizeof(struct rtmsg)); /* AF_UNSPEC: every family */
	mnl_attr_put_u32(request, RTA_TABLE, table);
	ret = nl_dump(nl, request, decode, &table, sizeof(**routes), &items, count);
	*routes = items;
	return ret;
}

int route_remove_all(struct nl *nl, const struct route_owner *owner)
{
	struct route *routes;
	size_t count, i;
	int error, ret;

	ret = route_dump(nl, owner->table, &routes, &count);
	for (i = 0; i < count; i++) {
		if (routes[i].protocol != owner->protocol)
			continue;
		error = route_apply(nl, ROUTE_DELETE, &routes[i], NULL);
		if (!ret)
			ret = error;
	}
	free(routes);
	return ret;
}

bool route_same(const struct route *a, const struct route *b)
{
	return ip_prefix_equal(&a->dst, &b->dst) && a->type == b->type && a->table == b->table &&
	       a->metric == b->metric && a->oif == b->oif && ip_equal(&a->gateway, &b->gateway);
}

const char *route_format(const struct route *route, char *text, size_t text_bytes)
{
	char dst[IP_PREFIX_TEXT_BYTES], gateway[IP_TEXT_BYTES];
	char via[IP_TEXT_BYTES + 8] = "", oif[24] = "", type[24] = "";

	if (route->type == RTN_UNREACHABLE)
		strcpy(type, "unreachable ");
	else if (route->type != RTN_UNICAST)
		snprintf(type, sizeof(type), "type %u ", route->type);
	if (route->gateway.family)
		snprintf(via, sizeof(via), " via %s", ip_format(&route->gateway, gateway));
	if (route->oif)
		snprintf(oif, sizeof(oif), " oif %u", route->oif);
	snprintf(text, text_bytes, "%s%s%s%s metric %u table %u", type,
		 ip_prefix_format(&route->dst, dst), via, oif, route->metric, route->table);
	return text;
}
