/* clock: the only place that reads the machine's clocks. */
#ifndef COMPS_LIB_CLOCK_H
#define COMPS_LIB_CLOCK_H

#include <stdint.h>

#include "lib/mono.h"

/* Now, on CLOCK_BOOTTIME: unlike CLOCK_MONOTONIC it goes on during suspend, so a deadline is
 * still due when the machine wakes (clock_gettime(2)). */
struct mono clock_now(void);

/* How long the machine has been suspended since boot, microseconds: BOOTTIME - MONOTONIC. A jump
 * between two calls says that every probe in flight was answered by nobody's fault. */
int64_t clock_suspended_us(void);

/* Wall-clock microseconds since 1970 (CLOCK_REALTIME): for logs and kernel packet timestamps,
 * never for durations. */
int64_t clock_wall_us(void);

#endif
