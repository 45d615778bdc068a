/* rxwatch: the proof that a migration has settled: a packet from the exit received on one overlay.
 *
 * One packet socket (packet(7)) per overlay, opened once and kept, because closing one waits for an
 * RCU grace period. Its filter drops everything until it is armed.
 */
#ifndef COMPS_NETLINK_RXWATCH_H
#define COMPS_NETLINK_RXWATCH_H

#include <stdint.h>

#include "lib/ip.h"

struct rxwatch {
	int fd; /* readable after arming: call rxwatch_read(); -1 when closed */
};

/* For interfaces whose packets begin with the IP header: WireGuard and TUN. Needs CAP_NET_RAW.
 * Returns 0 or -errno. */
int rxwatch_open(struct rxwatch *watch, uint32_t ifindex);

void rxwatch_close(struct rxwatch *watch);

/* From now on lets through UDP packets whose source is exactly `from`. What waited is dropped.
 * Returns 0 or -errno. */
int rxwatch_arm(struct rxwatch *watch, const struct endpoint *from);

/* Drops everything again, and what waited. */
int rxwatch_disarm(struct rxwatch *watch);

/* The kernel's receive time (CLOCK_REALTIME microseconds, compare clock_wall_us()) of the first
 * packet since arming; then disarms. Returns 0; -EAGAIN when there is none yet; -ENETDOWN or
 * -ENODEV when the interface is gone; or -errno. */
int rxwatch_read(struct rxwatch *watch, int64_t *wall_us);

#endif
