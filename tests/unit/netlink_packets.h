/* netlink_packets: real packets through the devices of netlink_world.h. */
#ifndef COMPS_TESTS_UNIT_NETLINK_PACKETS_H
#define COMPS_TESTS_UNIT_NETLINK_PACKETS_H

#include "tests/unit/netlink_world.h"

/* A UDP socket bound to `from` (NULL: any) with that mark. */
static inline int world_udp_socket(int family, uint32_t mark, const char *from)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct endpoint local = {.ip = {.family = family}};
	struct sockaddr_storage sockaddr;
	socklen_t length;

	assert_true(fd >= 0);
	if (from)
		local.ip = address(from);
	length = endpoint_to_sockaddr(&local, &sockaddr);
	assert_int_equal(bind(fd, (struct sockaddr *)&sockaddr, length), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	return fd;
}

/* Sends one datagram; 0 or -errno. */
static inline int world_send(int fd, const char *to)
{
	struct endpoint remote = endpoint(to);
	struct sockaddr_storage sockaddr;
	socklen_t length = endpoint_to_sockaddr(&remote, &sockaddr);

	return sendto(fd, "x", 1, 0, (struct sockaddr *)&sockaddr, length) < 0 ? -errno : 0;
}

struct seen {
	struct ip source;
	uint16_t to_port;
};

/* Parses an IP packet; false when it is not UDP (the kernel also says hello to routers). */
static inline bool world_parse(const uint8_t *packet, struct seen *out)
{
	bool v4 = packet[0] >> 4 == 4;
	size_t header = v4 ? 4 * (packet[0] & 15) : 40;

	memset(out, 0, sizeof(*out));
	out->source.family = v4 ? AF_INET : AF_INET6;
	memcpy(out->source.bytes, packet + (v4 ? 12 : 8), v4 ? 4 : 16);
	out->to_port = (uint16_t)(packet[header + 2] << 8 | packet[header + 3]);
	return packet[v4 ? 9 : 6] == IPPROTO_UDP;
}

/* The next UDP packet that left by a device. False when none comes in PATIENCE_MS. */
static inline bool world_see(struct world *w, int device, struct seen *out)
{
	struct pollfd item = {.fd = w->far[device], .events = POLLIN};
	uint8_t packet[2048];

	while (poll(&item, 1, PATIENCE_MS) > 0) {
		if (read(item.fd, packet, sizeof(packet)) > 0 && world_parse(packet, out))
			return true;
	}
	return false;
}

#endif
