#include "provision/packet.h"

#include <string.h>

#define IP_BYTES	 20
#define UDP_BYTES	 8
#define ICMP_BYTES	 8
#define TTL		 64
#define PROTOCOL_ICMP	 1
#define PROTOCOL_UDP	 17
#define ICMP_ECHO_REPLY	 0
#define ICMP_UNREACHABLE 3
#define ICMP_ECHO	 8
#define DONT_FRAGMENT	 0x4000
#define FRAGMENT	 0x3fff /* the flag of more to come, and the offset */

static void put16(uint8_t *to, size_t number)
{
	to[0] = (uint8_t)(number >> 8);
	to[1] = (uint8_t)number;
}

static uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

/* --- checksums (RFC 1071) --------------------------------------------------------------------- */

static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i + 1 < count; i += 2)
		sum += get16(bytes + i);
	if (count % 2)
		sum += (uint32_t)bytes[count - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Of the UDP packet behind the IP header at `ip`; `addresses` are the header's own. */
static uint16_t udp_checksum(const uint8_t *addresses, const uint8_t *udp, size_t bytes)
{
	uint32_t sum = add_up(PROTOCOL_UDP + (uint32_t)bytes, addresses, 8);

	return fold(add_up(sum, udp, bytes));
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_ip(uint8_t *out, const struct ip *from, const struct ip *to, uint8_t protocol,
		   size_t bytes)
{
	memset(out, 0, IP_BYTES);
	out[0] = 0x45;
	put16(out + 2, bytes);
	put16(out + 6, DONT_FRAGMENT);
	out[8] = TTL;
	out[9] = protocol;
	memcpy(out + 12, from->bytes, 4);
	memcpy(out + 16, to->bytes, 4);
	put16(out + 10, fold(add_up(0, out, IP_BYTES)));
}

void packet_echo(const struct ip *from, const struct ip *to, uint16_t id, uint16_t sequence,
		 uint8_t out[PACKET_ECHO_BYTES])
{
	uint8_t *icmp = out + IP_BYTES;
	size_t bytes = PACKET_ECHO_BYTES - IP_BYTES;

	put_ip(out, from, to, PROTOCOL_ICMP, PACKET_ECHO_BYTES);
	memset(icmp, 0, bytes);
	icmp[0] = ICMP_ECHO;
	put16(icmp + 4, id);
	put16(icmp + 6, sequence);
	put16(icmp + 2, fold(add_up(0, icmp, bytes)));
}

size_t packet_udp(const struct endpoint *from, const struct endpoint *to, const uint8_t *payload,
		  size_t bytes, uint8_t *out, size_t room)
{
	uint8_t *udp = out + IP_BYTES;
	uint16_t sum;

	if (bytes > UINT16_MAX - PACKET_UDP_HEAD_BYTES || bytes + PACKET_UDP_HEAD_BYTES > room)
		return 0;
	put_ip(out, &from->ip, &to->ip, PROTOCOL_UDP, bytes + PACKET_UDP_HEAD_BYTES);
	put16(udp, from->port);
	put16(udp + 2, to->port);
	put16(udp + 4, bytes + UDP_BYTES);
	put16(udp + 6, 0);
	if (bytes)
		memcpy(udp + UDP_BYTES, payload, bytes);
	sum = udp_checksum(out + 12, udp, bytes + UDP_BYTES);
	put16(udp + 6, sum ? sum : UINT16_MAX); /* 0 says that there is none */
	return bytes + PACKET_UDP_HEAD_BYTES;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct cut {
	const uint8_t *body; /* behind the IP header */
	size_t bytes;
	uint8_t protocol;
};

static void get_ip(const uint8_t *from, struct ip *out)
{
	*out = (struct ip){.family = AF_INET};
	memcpy(out->bytes, from, 4);
}

/* The header; `whole`: the packet is all there. A quoted one is not. */
static bool cut_ip(const uint8_t *bytes, size_t count, bool whole, struct cut *out)
{
	size_t head, total;

	if (count < IP_BYTES || bytes[0] >> 4 != 4)
		return false;
	head = (size_t)(bytes[0] & 15) * 4;
	total = get16(bytes + 2);
	if (head < IP_BYTES || head > count || total < head || get16(bytes + 6) & FRAGMENT)
		return false;
	/* Who quotes a header may have changed it. */
	if (whole && (total > count || fold(add_up(0, bytes, head)) != 0))
		return false;
	*out = (struct cut){bytes + head, (total < count ? total : count) - head, bytes[9]};
	return true;
}

static bool parse_udp(const uint8_t *addresses, const struct cut *cut, struct packet *out)
{
	const uint8_t *udp = cut->body;
	size_t bytes;

	if (cut->bytes < UDP_BYTES)
		return false;
	bytes = get16(udp + 4);
	if (bytes < UDP_BYTES || bytes > cut->bytes)
		return false;
	if (get16(udp + 6) != 0 && udp_checksum(addresses, udp, bytes) != 0)
		return false;
	out->kind = PACKET_UDP;
	out->from_port = get16(udp);
	out->to_port = get16(udp + 2);
	out->payload = udp + UDP_BYTES;
	out->payload_bytes = bytes - UDP_BYTES;
	return true;
}

static bool parse_unreachable(const struct cut *cut, struct packet *out)
{
	const uint8_t *lost = cut->body + ICMP_BYTES;
	struct cut quoted;

	if (!cut_ip(lost, cut->bytes - ICMP_BYTES, false, &quoted) ||
	    quoted.protocol != PROTOCOL_UDP || quoted.bytes < UDP_BYTES)
		return false;
	out->kind = PACKET_UNREACHABLE;
	out->code = cut->body[1];
	get_ip(lost + 12, &out->lost_from);
	get_ip(lost + 16, &out->lost_to);
	out->lost_from_port = get16(quoted.body);
	out->lost_to_port = get16(quoted.body + 2);
	return true;
}

static bool parse_icmp(const struct cut *cut, struct packet *out)
{
	const uint8_t *icmp = cut->body;

	if (cut->bytes < ICMP_BYTES || fold(add_up(0, icmp, cut->bytes)) != 0)
		return false;
	if (icmp[0] == ICMP_UNREACHABLE)
		return parse_unreachable(cut, out);
	if (icmp[0] != ICMP_ECHO_REPLY || icmp[1] != 0)
		return false;
	out->kind = PACKET_ECHO_REPLY;
	out->id = get16(icmp + 4);
	out->sequence = get16(icmp + 6);
	return true;
}

bool packet_parse(const uint8_t *bytes, size_t count, struct packet *out)
{
	struct cut cut;

	*out = (struct packet){.payload = NULL};
	if (!cut_ip(bytes, count, true, &cut))
		return false;
	get_ip(bytes + 12, &out->from);
	get_ip(bytes + 16, &out->to);
	if (cut.protocol == PROTOCOL_ICMP)
		return parse_icmp(&cut, out);
	return cut.protocol == PROTOCOL_UDP && parse_udp(bytes + 12, &cut, out);
}
