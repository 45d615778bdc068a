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

/* Goes over to another configuration without touching what both have; pins, drains and the active
 * path stay. After a failure the old one is in force again and `conf` is freed. Returns 0 or -errno
 * with a sentence in `err`. */
int engine_replace(struct daemon *daemon, struct conf *conf, struct err *err);

/* Acts on what core/path asked for (enum paths_effect). */
void engine_effects(struct daemon *daemon, unsigned int effects, struct mono now);

/* Reads one path's counters into core/path. */
void engine_read_counters(struct daemon *daemon, size_t index, struct mono now);

#endif
