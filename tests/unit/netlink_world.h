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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink/addr.h"
#include "netlink/link.h"
#include "netlink/nl.h"
#include "netlink/route_ops.h"
#include "netlink/rule.h"
#include "netlink/sysctl.h"
#include "tests/unit/ip_text.h"

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

static inline int world_open_tun(const char *name)
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

static inline void world_add_device(struct world *w, int device)
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
static inline int world_setup(void **state)
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

static inline int world_teardown(void **state)
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

static inline struct world *world_or_skip(void **state)
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

#endif
