/* ip: IP addresses, prefixes and UDP endpoints of both families, as values and as text.
 *
 * Text is what inet_pton(3) takes. Names are never resolved and IPv6 zones (%eth0) are refused.
 */
#ifndef COMPS_LIB_IP_H
#define COMPS_LIB_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Sizes of the buffers that the _format functions need, with the terminating zero. */
#define IP_TEXT_BYTES	     46
#define IP_PREFIX_TEXT_BYTES 50
#define ENDPOINT_TEXT_BYTES  54

struct ip {
	int family;	   /* AF_INET, AF_INET6, or AF_UNSPEC: no address */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4, the rest zero */
};

/* An address and a prefix length. Bits behind the length are kept, so that it can also be an
 * interface's address ("10.0.0.2/24"); ip_prefix_masked() clears them. */
struct ip_prefix {
	struct ip ip;
	unsigned int len;
};

struct endpoint {
	struct ip ip;
	uint16_t port; /* host order */
};

/* "10.0.0.1", "fd00::1". 0, or -EINVAL. */
int ip_parse(const char *text, struct ip *out);

/* Writes the text into a buffer of IP_TEXT_BYTES and returns it; "none" for AF_UNSPEC. */
const char *ip_format(const struct ip *ip, char *text);

/* Bytes of an address of this family: 4 or 16; 0 for any other. */
unsigned int ip_bytes(int family);

bool ip_equal(const struct ip *a, const struct ip *b);

/* "10.0.0.0/8", "::/0"; without a length it is one address (/32, /128). 0, or -EINVAL. */
int ip_prefix_parse(const char *text, struct ip_prefix *out);

/* Writes "ADDRESS/LENGTH" into a buffer of IP_PREFIX_TEXT_BYTES and returns it. */
const char *ip_prefix_format(const struct ip_prefix *prefix, char *text);

/* The prefix with the bits behind its length cleared. */
struct ip_prefix ip_prefix_masked(const struct ip_prefix *prefix);

/* Same address bits and same length; the bits behind the length count. */
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);

/* True when `ip` is of the prefix's family and lies in it. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip);

/* "1.2.3.4:51820", "[::1]:51820"; the port is 1 to 65535. 0, or -EINVAL. */
int endpoint_parse(const char *text, struct endpoint *out);

/* Writes the text into a buffer of ENDPOINT_TEXT_BYTES and returns it. */
const char *endpoint_format(const struct endpoint *endpoint, char *text);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Fills `out` and returns the length to pass with it; 0 for AF_UNSPEC. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out);

/* From the `length` bytes of a sockaddr_in or sockaddr_in6. 0, or -EAFNOSUPPORT. */
int endpoint_from_sockaddr(const void *sockaddr, socklen_t length, struct endpoint *out);

#endif
