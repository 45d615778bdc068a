#include "lib/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

unsigned int ip_bytes(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

int ip_parse(const char *text, struct ip *out)
{
	struct ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return -EINVAL;
	*out = ip;
	return 0;
}

const char *ip_format(const struct ip *ip, char *text)
{
	if (!inet_ntop(ip->family, ip->bytes, text, IP_TEXT_BYTES))
		strcpy(text, "none");
	return text;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, ip_bytes(a->family));
}

/* A whole decimal number without sign, space or needless zeros, at most `max`. */
static int parse_number(const char *text, unsigned int max, unsigned int *out)
{
	unsigned int value = 0;
	const char *c;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		value = value * 10 + (unsigned int)(*c - '0');
		if (value > max)
			return -EINVAL;
	}
	*out = value;
	return 0;
}

/* Copies the text from `from` up to `to` into a buffer of IP_TEXT_BYTES and parses it. */
static int parse_part(const char *from, const char *to, struct ip *out)
{
	char part[IP_TEXT_BYTES];
	size_t length = (size_t)(to - from);

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, from, length);
	part[length] = '\0';
	return ip_parse(part, out);
}

int ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchrnul(text, '/');
	struct ip_prefix prefix;

	if (parse_part(text, slash, &prefix.ip))
		return -EINVAL;
	prefix.len = 8 * ip_bytes(prefix.ip.family);
	if (*slash && parse_number(slash + 1, prefix.len, &prefix.len))
		return -EINVAL;
	*out = prefix;
	return 0;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char *text)
{
	char ip[IP_TEXT_BYTES];

	snprintf(text, IP_PREFIX_TEXT_BYTES, "%s/%u", ip_format(&prefix->ip, ip),
		 prefix->len % 1000);
	return text;
}

struct ip_prefix ip_prefix_masked(const struct ip_prefix *prefix)
{
	struct ip_prefix masked = *prefix;
	unsigned int i;

	for (i = 0; i < sizeof(masked.ip.bytes); i++) {
		if (8 * i >= prefix->len)
			masked.ip.bytes[i] = 0;
		else if (8 * (i + 1) > prefix->len)
			masked.ip.bytes[i] &= (uint8_t)(0xff00 >> (prefix->len - 8 * i));
	}
	return masked;
}

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_equal(&a->ip, &b->ip);
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip)
{
	struct ip_prefix other = {.ip = *ip, .len = prefix->len};
	struct ip_prefix a = ip_prefix_masked(prefix);
	struct ip_prefix b = ip_prefix_masked(&other);

	return ip_equal(&a.ip, &b.ip);
}

int endpoint_parse(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	const char *from = text, *to = colon;
	struct endpoint endpoint;
	unsigned int port;

	if (!colon)
		return -EINVAL;
	if (*text == '[') {
		from = text + 1;
		to = colon - 1;
		if (to < from || *to != ']')
			return -EINVAL;
	}
	if (parse_part(from, to, &endpoint.ip) ||
	    (endpoint.ip.family == AF_INET6) != (*text == '[') ||
	    parse_number(colon + 1, UINT16_MAX, &port) || !port)
		return -EINVAL;
	endpoint.port = (uint16_t)port;
	*out = endpoint;
	return 0;
}

const char *endpoint_format(const struct endpoint *endpoint, char *text)
{
	char ip[IP_TEXT_BYTES];
	bool v6 = endpoint->ip.family == AF_INET6;

	snprintf(text, ENDPOINT_TEXT_BYTES, v6 ? "[%s]:%u" : "%s:%u", ip_format(&endpoint->ip, ip),
		 endpoint->port);
	return text;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = (sa_family_t)endpoint->ip.family;
	if (endpoint->ip.family == AF_INET) {
		v4->sin_port = htons(endpoint->port);
		memcpy(&v4->sin_addr, endpoint->ip.bytes, 4);
		return sizeof(*v4);
	}
	if (endpoint->ip.family == AF_INET6) {
		v6->sin6_port = htons(endpoint->port);
		memcpy(&v6->sin6_addr, endpoint->ip.bytes, 16);
		return sizeof(*v6);
	}
	return 0;
}

int endpoint_from_sockaddr(const void *sockaddr, socklen_t length, struct endpoint *out)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memset(out, 0, sizeof(*out));
	if (length >= sizeof(v4)) {
		memcpy(&v4, sockaddr, sizeof(v4));
		if (v4.sin_family == AF_INET) {
			out->ip.family = AF_INET;
			out->port = ntohs(v4.sin_port);
			memcpy(out->ip.bytes, &v4.sin_addr, 4);
			return 0;
		}
	}
	if (length >= sizeof(v6)) {
		memcpy(&v6, sockaddr, sizeof(v6));
		if (v6.sin6_family == AF_INET6) {
			out->ip.family = AF_INET6;
			out->port = ntohs(v6.sin6_port);
			memcpy(out->ip.bytes, &v6.sin6_addr, 16);
			return 0;
		}
	}
	return -EAFNOSUPPORT;
}
