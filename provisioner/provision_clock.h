/* provision_clock: real time for provisioning, and the wish of the user to stop. */
#ifndef COMPS_PROVISIONER_PROVISION_CLOCK_H
#define COMPS_PROVISIONER_PROVISION_CLOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/mono.h"

struct provision_clock {
	double pace; /* 1; less in tests: every wait is so much shorter */
	struct mono began;
	int signals;   /* signalfd(2) of SIGINT, SIGTERM and SIGHUP */
	sigset_t mask; /* as it was */
	atomic_bool stopped;
};

/* From now on those signals do not end the process; the first is noted, and a second one ends it as
 * ever. 0 or -errno. */
int provision_clock_open(struct provision_clock *clock, const char *pace, struct err *e);
void provision_clock_close(struct provision_clock *clock);

/* For struct provision_env, also in several threads at once; `arg` is the clock. */
struct mono provision_clock_now(void *arg);
int64_t provision_clock_wall_s(void *arg);
int64_t provision_clock_wall_us(void *arg);
int provision_clock_pause(void *arg, int64_t us);
bool provision_clock_stopped(void *arg);

#endif
