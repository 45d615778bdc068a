/* packet_class: what kind of packet this is, seen on an interface that is not one of CoMPS' own.
 *
 * Only what a link needs to work, the tunnels' own packets and what the configuration lets out may
 * be there; every other IP packet has leaked. It is the counterpart of the guard (netlink/guard.h),
 * written apart from it and stricter: marks do not count, only the packet's bytes. Bytes in, class
 * out; any bytes are safe.
 */
#ifndef COMPS_CLI_PACKET_CLASS_H
#define COMPS_CLI_PACKET_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

#define PACKET_CAPTURE_BYTES 512 /* enough of a packet for a verdict */

enum packet_class {
	PACKET_LINK,   /* no IP, or IGMP, DHCP, neighbour discovery, MLD */
	PACKET_TUNNEL, /* WireGuard to a proxy */
	PACKET_LOOKUP, /* the DNS question for a proxy's address, which cannot go into its tunnel */
	PACKET_BYPASS,
	PACKET_LEAK_IPV4,
	PACKET_LEAK_IPV6,
	PACKET_LEAK_DNS, /* of either family; with mDNS, LLMNR and DNS over TLS */
};

#define PACKET_CLASSES (PACKET_LEAK_DNS + 1)

/* What may leave. The owner of the arrays is the caller. */
struct packet_rules {
	const struct endpoint *proxies;
	size_t proxy_count;
	const struct ip_prefix *bypass;
	size_t bypass_count;
	const char *const *names; /* of proxies that are given by name */
	size_t name_count;
};

/* A packet as an AF_PACKET socket of type SOCK_RAW hands it out (packet(7)). */
struct packet_view {
	bool ethernet;	   /* begins with an Ethernet header; else with the IP header */
	uint16_t protocol; /* the EtherType, used unless `ethernet` */
	const uint8_t *bytes;
	size_t count;
};

/* Where it goes, as far as that can be read out of it. */
struct packet_target {
	struct ip to;	  /* AF_UNSPEC: unreadable */
	uint8_t protocol; /* IPPROTO_* */
	uint16_t port;	  /* 0: none */
};

enum packet_class packet_class_of(const struct packet_rules *rules, const struct packet_view *view,
				  struct packet_target *target);

/* True for the classes that must not be there. */
bool packet_class_leaks(enum packet_class class);

#endif
