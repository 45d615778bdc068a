/* icmp: probes as ICMP echo requests (RFC 792, RFC 4443 §4): one raw socket per family.
 *
 * Each request carries the interface it must leave by as IP_PKTINFO / IPV6_PKTINFO with the source
 * left unset. IPv4 then assumes the target on-link where no route through that interface matches;
 * IPv6 is strict and needs a route through it (a rule `oif wgnetN lookup TABLE`), else
 * -ENETUNREACH. With a source set, IPv6 would not be strict and could leave by another interface.
 *
 * A socket filter passes only echo replies with our identifier; the kernel's receive timestamp
 * (SO_TIMESTAMPNS) keeps the daemon's own delay out of the RTT. Needs CAP_NET_RAW, and
 * CAP_NET_ADMIN for a large receive buffer.
 */
#ifndef COMPS_PROBES_ICMP_H
#define COMPS_PROBES_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"
#include "lib/rng.h"
#include "probes/probe.h"

#define ICMP_ECHO_HEADER_BYTES 8

enum icmp_family {
	ICMP_V4,
	ICMP_V6,
	ICMP_FAMILIES,
};

struct icmp {
	struct rng *rng;
	int fd[ICMP_FAMILIES];	    /* -1 where the kernel has no such family */
	uint16_t id[ICMP_FAMILIES]; /* echo identifier, random per socket */
};

/* The operations of struct probe; self is a struct icmp. */
extern const struct probe_ops icmp_probe_ops;

/* Opens the sockets. A kernel without IPv6 is no error. `rng` must outlive `icmp`. Returns 0 or
 * -errno with a sentence in `err`: -EPERM without CAP_NET_RAW. */
int icmp_init(struct icmp *icmp, struct rng *rng, struct err *err);
void icmp_fini(struct icmp *icmp);

/* Sends one echo request of random length through `ifindex` to `to` at once, so that the far end
 * hears from us. Its reply is dropped by the filter. Returns 0 or -errno. */
int icmp_kick(struct icmp *icmp, int ifindex, const struct ip *to);

/* Writes an echo request of ICMP_ECHO_HEADER_BYTES + payload_bytes into `packet`, whose payload is
 * there already. The IPv4 checksum (RFC 1071) is filled in; the IPv6 one is the kernel's work. */
void icmp_build(enum icmp_family family, uint16_t id, uint16_t sequence, uint8_t *packet,
		size_t payload_bytes);

/* Reads sequence and token of an echo reply with identifier `id`. `packet` is what the raw socket
 * gives: with the IP header for IPv4, without for IPv6. False when it is anything else. */
bool icmp_parse(enum icmp_family family, uint16_t id, const uint8_t *packet, size_t bytes,
		struct probe_reply *reply);

#endif
