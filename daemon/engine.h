/* engine: what lives and dies with one configuration (struct engine, daemon.h): the network, the
 * paths, steer, the executor and the prober, and the wires between them.
 */
#ifndef COMPS_DAEMON_ENGINE_H
#define COMPS_DAEMON_ENGINE_H

#include "daemon/daemon.h"

/* Installs or adopts everything that `conf` wants, and makes it the daemon's (also on failure, when
 * what had not been there before is removed again). Returns 0 or -errno with a sentence in `err`.
 */
int engine_start(struct daemon *daemon, struct conf *conf, struct err *err);

/* Closes all handles; conf stays, and so does the kernel. */
void engine_stop(struct daemon *daemon);

/* Feeds the machine and acts on what the paths asked for (enum paths_effect). */
struct machine_result engine_feed(struct daemon *daemon, struct input input);

/* Time has come to `now`: what answered in time is heard first. */
void engine_on_time(struct daemon *daemon, struct mono now);

/* Has the inner tunnel's far end follow a route that was moved outside of a migration. */
void engine_follow(struct daemon *daemon);

/* Reads one path's counters into the machine. */
void engine_read_counters(struct daemon *daemon, size_t index, struct mono now);

#endif
