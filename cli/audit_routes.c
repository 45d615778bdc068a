#include "cli/audit_routes.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_UP 1

struct found {
	int length; /* of the prefix; -1: none yet */
	unsigned int metric;
	struct ip via;
	char interface[IF_NAMESIZE];
};

/* The longest prefix, and of those the lowest metric. */
static void offer(struct found *best, const struct found *route)
{
	if (route->length > best->length ||
	    (route->length == best->length && route->metric < best->metric))
		*best = *route;
}

static int bits_of(unsigned int mask)
{
	return __builtin_popcount(mask);
}

/* Numbers are the bytes in memory's order, read as one. */
static struct ip from_word(unsigned int word)
{
	struct ip ip = {.family = AF_INET};

	memcpy(ip.bytes, &word, sizeof(word));
	return ip;
}

static bool parse_v4(const char *line, struct ip_prefix *to, struct found *route)
{
	unsigned int destination, gateway, flags, mask;

	if (sscanf(line, "%15s %x %x %x %*u %*u %u %x", route->interface, &destination, &gateway,
		   &flags, &route->metric, &mask) != 6 ||
	    !(flags & FLAG_UP))
		return false;
	route->length = bits_of(mask);
	route->via = from_word(gateway);
	*to = (struct ip_prefix){from_word(destination), (unsigned int)route->length};
	return true;
}

static bool parse_hex(const char *text, struct ip *out)
{
	unsigned int byte;

	*out = (struct ip){.family = AF_INET6};
	for (size_t i = 0; i < 16; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		out->bytes[i] = (uint8_t)byte;
	}
	return true;
}

static bool parse_v6(const char *line, struct ip_prefix *to, struct found *route)
{
	char destination[33], gateway[33];
	unsigned int length, flags;

	if (sscanf(line, "%32s %x %*s %*x %32s %x %*x %*x %x %15s", destination, &length, gateway,
		   &route->metric, &flags, route->interface) != 6 ||
	    !(flags & FLAG_UP) || strcmp(route->interface, "lo") == 0)
		return false;
	route->length = (int)length;
	if (!parse_hex(destination, &to->ip) || !parse_hex(gateway, &route->via))
		return false;
	to->len = length;
	return true;
}

int audit_route(const struct ip *ip, char out[AUDIT_ROUTE_BYTES])
{
	static const struct ip none4 = {.family = AF_INET}, none6 = {.family = AF_INET6};
	bool v4 = ip->family == AF_INET;
	FILE *in = fopen(v4 ? "/proc/net/route" : "/proc/net/ipv6_route", "re");
	char line[256], via[IP_TEXT_BYTES];
	struct found best = {.length = -1};

	if (!in || ip->family == AF_UNSPEC) {
		if (in)
			fclose(in);
		return -ENOENT;
	}
	while (fgets(line, sizeof(line), in)) {
		struct found route = {.length = -1};
		struct ip_prefix to = {.ip.family = ip->family};

		if ((v4 ? parse_v4 : parse_v6)(line, &to, &route) && ip_prefix_contains(&to, ip))
			offer(&best, &route);
	}
	fclose(in);
	if (best.length < 0)
		return -ENOENT;
	if (ip_equal(&best.via, v4 ? &none4 : &none6))
		snprintf(out, AUDIT_ROUTE_BYTES, "%s", best.interface);
	else
		snprintf(out, AUDIT_ROUTE_BYTES, "%s via %s", best.interface,
			 ip_format(&best.via, via));
	return 0;
}
