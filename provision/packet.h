/* packet: the IPv4 packets that go through a tunnel under check: ICMP echo and UDP.
 *
 * RFC 791, RFC 792, RFC 768. What is parsed may come from anybody. Ports and numbers are in host
 * order; addresses are struct ip of AF_INET.
 */
#ifndef COMPS_PROVISION_PACKET_H
#define COMPS_PROVISION_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

#define PACKET_ECHO_BYTES     84 /* of an echo request: as ping(8) makes them */
#define PACKET_UDP_HEAD_BYTES 28 /* in front of the payload */

enum packet_kind {
	PACKET_ECHO_REPLY,
	PACKET_UDP,
	PACKET_UNREACHABLE, /* ICMP type 3, about an UDP packet of ours */
};

struct packet {
	enum packet_kind kind;
	struct ip from, to;
	uint16_t id, sequence;	      /* of the echo */
	uint16_t from_port, to_port;  /* of UDP */
	const uint8_t *payload;	      /* of UDP; points into what was parsed */
	size_t payload_bytes;	      /* may be 0 */
	uint8_t code;		      /* of unreachable: 3 is the port (RFC 792) */
	struct ip lost_from, lost_to; /* the two ends of the packet that did not get there */
	uint16_t lost_from_port, lost_to_port;
};

/* Writes an echo request. */
void packet_echo(const struct ip *from, const struct ip *to, uint16_t id, uint16_t sequence,
		 uint8_t out[PACKET_ECHO_BYTES]);

/* Writes a UDP packet. Returns its size, or 0 where `room` is too small or it would be above 65535
 * bytes. `out` may not overlap `payload`. */
size_t packet_udp(const struct endpoint *from, const struct endpoint *to, const uint8_t *payload,
		  size_t bytes, uint8_t *out, size_t room);

/* Reads a packet, behind which there may be padding. False where it is none of the kinds above, is
 * a fragment, is cut short, or has a wrong checksum. */
bool packet_parse(const uint8_t *bytes, size_t count, struct packet *out);

#endif
