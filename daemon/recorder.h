/* recorder: writes what the machine is fed with into a trace (trace/record.h), from a thread of its
 * own.
 *
 * The loop puts records into a ring and never waits: when the disk is too slow, or full, records
 * are lost, which is counted and told in the trace as well. What a kill costs is what was put in
 * the last quarter of a second.
 *
 * All functions are for the loop's thread.
 */
#ifndef COMPS_DAEMON_RECORDER_H
#define COMPS_DAEMON_RECORDER_H

#include <stdint.h>

#include "conf/conf.h"
#include "core/machine.h"
#include "lib/err.h"
#include "lib/mono.h"
#include "trace/record.h"

struct recorder;

struct recorder_status {
	uint64_t records; /* written */
	uint64_t lost;
	char error[256]; /* of the last attempt to write; empty when it went well */
};

/* Opens the trace and starts the thread; call it after privileges were dropped, which a thread
 * keeps. Returns 0 or -errno with a sentence. */
int recorder_new(const struct conf_trace *conf, struct recorder **out, struct err *err);

/* Ends the run and waits for all to be written. NULL is allowed. */
void recorder_free(struct recorder *recorder, struct mono now);

/* A new run begins, with this policy: what `machine` is fed with from now on belongs to it, and its
 * tap is taken. `mode` is a constant. Without memory the run is not recorded. */
void recorder_begin(struct recorder *recorder, struct machine *machine, const char *mode,
		    struct mono now, int64_t wall_us);

/* The policy changed to what `machine` has now. */
void recorder_policy(struct recorder *recorder, const struct machine *machine, struct mono now);

/* A path's state was announced. */
void recorder_state(struct recorder *recorder, size_t path, enum path_state state,
		    enum path_fault fault, struct mono now);

/* Says what time it is; once a second is enough. */
void recorder_tick(struct recorder *recorder, struct mono now, int64_t wall_us);

void recorder_read_status(struct recorder *recorder, struct recorder_status *out);

#endif
