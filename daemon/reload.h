/* reload: from one configuration to another while the daemon runs.
 */
#ifndef COMPS_DAEMON_RELOAD_H
#define COMPS_DAEMON_RELOAD_H

#include "daemon/daemon.h"

/* Goes over to another configuration without touching what both have; pins, drains and the active
 * path stay. After a failure the old one is in force again and `conf` is freed. Returns 0 or -errno
 * with a sentence in `err`. */
int reload_apply(struct daemon *daemon, struct conf *conf, struct err *err);

#endif
