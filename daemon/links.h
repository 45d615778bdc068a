/* links: what becomes of the overlays' and the inner tunnel's interfaces: down, up, deleted,
 * made again by somebody else or, where CoMPS manages them, by us.
 */
#ifndef COMPS_DAEMON_LINKS_H
#define COMPS_DAEMON_LINKS_H

#include "lib/mono.h"
#include "netlink/monitor.h"

struct daemon;

/* An interface or address changed, or events were lost. */
void links_on_event(struct daemon *daemon, const struct monitor_event *event, struct mono now);

/* Makes the missing interfaces again, when their time has come (engine.reopen_at). */
void links_reopen(struct daemon *daemon, struct mono now);

/* Probes path `index` through the interface that it has now. */
void links_set_targets(struct daemon *daemon, size_t index, struct mono now);

#endif
