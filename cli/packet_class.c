#include "cli/packet_class.h"

#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* IEEE 802.1ad; ICMPv6 type of RFC 3810; RFC 2516 and the PPP protocol numbers in it. */
#define ETHERTYPE_QINQ		0x88a8
#define ETHERTYPE_PPPOE_SESSION 0x8864
#define PPP_IPV4		0x0021
#define PPP_IPV6		0x0057
#define MLD2_REPORT		143
#define VLAN_TAGS_MAX		4
#define EXTENSIONS_MAX		8
#define UDP_HEADER_BYTES	8
#define DNS_HEADER_BYTES	12

struct bytes {
	const uint8_t *at;
	size_t count;
};

struct ip_packet {
	struct packet_target target;
	uint8_t hops;
	bool continues;	      /* a fragment that is not the first: there is no transport header */
	struct bytes payload; /* of IP */
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Goes past `count` bytes; false, and at the end, where there are not so many. */
static bool skip(struct bytes *b, size_t count)
{
	bool enough = count <= b->count;

	if (!enough)
		count = b->count;
	b->at += count;
	b->count -= count;
	return enough;
}

/* --- down to IP --- */

/* Goes past the headers of the link. Returns AF_INET, AF_INET6, or AF_UNSPEC for anything else. */
static int skip_link(const struct packet_view *view, struct bytes *b)
{
	uint16_t type = view->protocol;

	if (view->ethernet) {
		if (!skip(b, ETHER_HDR_LEN))
			return AF_UNSPEC;
		type = get16(b->at - 2);
	}
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			break;
		if (!skip(b, 4))
			return AF_UNSPEC;
		type = get16(b->at - 2);
	}
	if (type == ETHERTYPE_PPPOE_SESSION && skip(b, 8)) {
		uint16_t ppp = get16(b->at - 2);

		return ppp == PPP_IPV4 ? AF_INET : ppp == PPP_IPV6 ? AF_INET6 : AF_UNSPEC;
	}
	return type == ETHERTYPE_IP ? AF_INET : type == ETHERTYPE_IPV6 ? AF_INET6 : AF_UNSPEC;
}

/* RFC 791. */
static bool parse_ipv4(struct bytes b, struct ip_packet *out)
{
	const uint8_t *header = b.at;
	size_t length;

	if (b.count < 20 || header[0] >> 4 != 4)
		return false;
	length = 4 * (size_t)(header[0] & 15);
	if (length < 20 || !skip(&b, length))
		return false;
	out->target.to.family = AF_INET;
	memcpy(out->target.to.bytes, header + 16, 4);
	out->target.protocol = header[9];
	out->hops = header[8];
	out->continues = get16(header + 6) & 0x1fff;
	out->payload = b;
	return true;
}

/* The length of the extension header at `b`, of type `type` (RFC 8200, RFC 4302); 0: it is none. */
static size_t extension_bytes(uint8_t type, const struct bytes *b)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return b->count < 2 ? 8 : 8 * ((size_t)b->at[1] + 1);
	case IPPROTO_AH:
		return b->count < 2 ? 8 : 4 * ((size_t)b->at[1] + 2);
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

/* RFC 8200. What lies behind too many or cut off extension headers remains unread. */
static bool parse_ipv6(struct bytes b, struct ip_packet *out)
{
	const uint8_t *header = b.at;
	uint8_t next;

	if (!skip(&b, 40) || header[0] >> 4 != 6)
		return false;
	out->target.to.family = AF_INET6;
	memcpy(out->target.to.bytes, header + 24, 16);
	out->hops = header[7];
	next = header[6];
	for (int i = 0; i < EXTENSIONS_MAX && !out->continues; i++) {
		size_t length = extension_bytes(next, &b);
		const uint8_t *extension = b.at;

		if (!length || !skip(&b, length))
			break;
		if (next == IPPROTO_FRAGMENT)
			out->continues = get16(extension + 2) & 0xfff8;
		next = extension[0];
	}
	out->target.protocol = next;
	out->payload = b;
	return true;
}

static void read_port(struct ip_packet *packet)
{
	switch (packet->target.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		if (!packet->continues && packet->payload.count >= 4)
			packet->target.port = get16(packet->payload.at + 2);
	}
}

/* --- what may leave --- */

static bool is_bypass(const struct packet_rules *rules, const struct ip_packet *packet)
{
	for (size_t i = 0; i < rules->bypass_count; i++)
		if (ip_prefix_contains(&rules->bypass[i], &packet->target.to))
			return true;
	return false;
}

/* The first word of every message is its type, 1 to 4, little-endian (WireGuard, section 5.4). */
static bool is_wireguard(struct bytes b)
{
	return skip(&b, UDP_HEADER_BYTES) && b.count >= 4 && b.at[0] >= 1 && b.at[0] <= 4 &&
	       !b.at[1] && !b.at[2] && !b.at[3];
}

static bool is_tunnel(const struct packet_rules *rules, const struct ip_packet *packet)
{
	if (packet->target.protocol != IPPROTO_UDP)
		return false;
	for (size_t i = 0; i < rules->proxy_count; i++) {
		const struct endpoint *proxy = &rules->proxies[i];

		if (!ip_equal(&proxy->ip, &packet->target.to))
			continue;
		if (packet->continues ||
		    (proxy->port == packet->target.port && is_wireguard(packet->payload)))
			return true;
	}
	return false;
}

static bool is_dhcp(const struct ip_packet *packet)
{
	bool v4 = packet->target.to.family == AF_INET;
	uint16_t from;

	if (packet->target.protocol != IPPROTO_UDP || packet->continues ||
	    packet->payload.count < UDP_HEADER_BYTES)
		return false;
	from = get16(packet->payload.at);
	return v4 ? from == 68 && packet->target.port == 67
		  : from == 546 && packet->target.port == 547;
}

/* Neighbour discovery (RFC 4861) and MLD (RFC 2710, RFC 3810), of which a router passes nothing
 * on: their hop limit is 255 or 1. */
static bool is_neighbour_discovery(const struct ip_packet *packet)
{
	if (packet->target.protocol != IPPROTO_ICMPV6 || packet->target.to.family != AF_INET6 ||
	    packet->continues || packet->payload.count < 4)
		return false;
	switch (packet->payload.at[0]) {
	case ND_ROUTER_SOLICIT:
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
		return packet->hops == 255;
	case MLD_LISTENER_REPORT:
	case MLD_LISTENER_REDUCTION:
	case MLD2_REPORT:
		return packet->hops == 1;
	default:
		return false;
	}
}

static bool is_link(const struct ip_packet *packet)
{
	return (packet->target.to.family == AF_INET && packet->target.protocol == IPPROTO_IGMP) ||
	       is_dhcp(packet) || is_neighbour_discovery(packet);
}

/* --- DNS --- */

static bool is_dns(const struct ip_packet *packet)
{
	switch (packet->target.protocol == IPPROTO_UDP || packet->target.protocol == IPPROTO_TCP
			? packet->target.port
			: 0) {
	case 53:
	case 853:
	case 5353:
	case 5355:
		return true;
	default:
		return false;
	}
}

/* Whether the labels at `b` (RFC 1035, section 3.1) are those of `name`. A search domain may
 * follow: resolvers try that as well. */
static bool asks_for(struct bytes b, const char *name)
{
	while (*name) {
		size_t length = b.count ? b.at[0] : 0;

		if (length < 1 || length > 63 || length >= b.count ||
		    strnlen(name, length) < length ||
		    strncasecmp(name, (const char *)b.at + 1, length) != 0)
			return false;
		name += length;
		if (*name == '.')
			name++;
		else if (*name)
			return false;
		skip(&b, length + 1);
	}
	return true;
}

static bool is_lookup(const struct packet_rules *rules, const struct ip_packet *packet)
{
	struct bytes b = packet->payload;

	if (packet->target.protocol != IPPROTO_UDP || packet->target.port != 53 ||
	    !skip(&b, UDP_HEADER_BYTES + DNS_HEADER_BYTES) ||
	    get16(b.at - DNS_HEADER_BYTES + 4) != 1)
		return false;
	for (size_t i = 0; i < rules->name_count; i++)
		if (asks_for(b, rules->names[i]))
			return true;
	return false;
}

/* --- all together --- */

static enum packet_class classify(const struct packet_rules *rules, const struct ip_packet *packet)
{
	if (is_bypass(rules, packet))
		return PACKET_BYPASS;
	if (is_tunnel(rules, packet))
		return PACKET_TUNNEL;
	if (is_link(packet))
		return PACKET_LINK;
	if (is_lookup(rules, packet))
		return PACKET_LOOKUP;
	if (is_dns(packet))
		return PACKET_LEAK_DNS;
	return packet->target.to.family == AF_INET ? PACKET_LEAK_IPV4 : PACKET_LEAK_IPV6;
}

enum packet_class packet_class_of(const struct packet_rules *rules, const struct packet_view *view,
				  struct packet_target *target)
{
	struct bytes b = {view->bytes, view->count};
	struct ip_packet packet = {.hops = 0};
	int family = skip_link(view, &b);
	bool parsed;

	*target = packet.target;
	if (family == AF_UNSPEC)
		return PACKET_LINK;
	parsed = family == AF_INET ? parse_ipv4(b, &packet) : parse_ipv6(b, &packet);
	if (!parsed)
		return family == AF_INET ? PACKET_LEAK_IPV4 : PACKET_LEAK_IPV6;
	read_port(&packet);
	*target = packet.target;
	return classify(rules, &packet);
}

bool packet_class_leaks(enum packet_class class)
{
	return class >= PACKET_LEAK_IPV4;
}
