/* netlink_world: a network namespace of our own for the tests that need a real kernel.
 *
 *   wgt1, wgt2   two "overlays": TUN devices, which have no neighbours, as WireGuard has none
 *   upl0         the "uplink"; the main table's default goes out here
 *
 * The test holds the far side of each and so sees every packet that leaves, and no other device
 * exists but lo.
 */
#ifndef COMPS_TESTS_UNIT_NETLINK_WORLD_H
#define COMPS_TESTS_UNIT_NETLINK_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ip.h"
#include "netlink/addr.h"
#include "netlink/link.h"
#include "netlink/nl.h"
#include "netlink/route_ops.h"
#include "netlink/rule.h"
#include "netlink/sysctl.h"

#define OURS	    201 /* protocol of what "the daemon" installs */
#define FOREIGN	    77
#define TABLE	    51821
#define INNER	    51820
#define OVERLAY	    51821
#define STEER	    51822
#define EXIT_PORT   51820
#define PATIENCE_MS 2000

enum {
	WGT1,
	WGT2,
	UPL0,
	DEVICES
};

struct world {
	struct nl nl;
	int far[DEVICES];
	uint32_t ifindex[DEVICES];
	struct route_hop hop[2];
	struct route_kernel kernel;
};

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix out;

	assert_int_equal(ip_prefix_parse(text, &out), 0);
	return out;
}

static struct ip address(const char *text)
{
	return prefix(text).ip;
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint out;

	assert_int_equal(endpoint_parse(text, &out), 0);
	return out;
}

static int world_open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	close(fd);
	return -1;
}

static void world_add_device(struct world *w, int device)
{
	static const char *const names[] = {"wgt1", "wgt2", "upl0"};
	static const char *const addresses4[] = {"10.1.1.2/32", "10.1.2.2/32", "198.51.100.2/24"};
	static const char *const addresses6[] = {"fd10:1:1::2/128", "fd10:1:2::2/128",
						 "2001:db8::2/64"};
	struct ip_prefix v4 = prefix(addresses4[device]), v6 = prefix(addresses6[device]);

	w->far[device] = world_open_tun(names[device]);
	assert_true(w->far[device] >= 0);
	w->ifindex[device] = if_nametoindex(names[device]);
	assert_int_equal(link_set_up(&w->nl, w->ifindex[device], true), 0);
	assert_int_equal(addr_add(&w->nl, w->ifindex[device], &v4), 0);
	assert_int_equal(addr_add(&w->nl, w->ifindex[device], &v6), 0);
}

/* A group or test setup. Where a namespace is not to be had, `*state` stays NULL. */
static int world_setup(void **state)
{
	struct world *w;
	int device;

	*state = NULL;
	if (unshare(CLONE_NEWNET))
		return 0;
	w = calloc(1, sizeof(*w));
	assert_int_equal(nl_open(&w->nl, NL_ROUTE), 0);
	assert_int_equal(link_set_up(&w->nl, if_nametoindex("lo"), true), 0);
	for (device = 0; device < DEVICES; device++)
		world_add_device(w, device);
	w->hop[0] = (struct route_hop){w->ifindex[WGT1], 1, true, true};
	w->hop[1] = (struct route_hop){w->ifindex[WGT2], 2, true, true};
	w->kernel = (struct route_kernel){&w->nl, {TABLE, OURS}};
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;
	int device;

	if (!w)
		return 0;
	for (device = 0; device < DEVICES; device++) {
		if (w->far[device] >= 0)
			close(w->far[device]);
	}
	nl_close(&w->nl);
	free(w);
	return 0;
}

static struct world *world_or_skip(void **state)
{
	if (!*state) {
		print_message("cannot make a network namespace (%s): skipped\n", strerror(errno));
		skip();
	}
	return *state;
}

/* Runs a fixed command line: the way somebody else would change the kernel's state. */
static inline void run(const char *line)
{
	assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
}

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
