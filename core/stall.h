/* stall: a downlink that stopped.
 *
 * The owner reads an overlay's packet counters every few milliseconds. Two things make the path
 * worth a suspicion, which the fast burst then decides: packets keep leaving and nothing comes back
 * for longer than a round trip explains, or packets came in steadily and stopped. Packets that are
 * our own probes and their replies do not count: they say nothing about the traffic.
 *
 * One-way traffic and a download that is over look the same as a dead path, so alarms that prove
 * false soon double the patience with that kind of alarm, and quiet time halves it again.
 */
#ifndef COMPS_CORE_STALL_H
#define COMPS_CORE_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct stall_counters {
	uint64_t tx_packets, rx_packets;       /* of the overlay interface */
	uint64_t probes_sent, probes_answered; /* by us, on the same interface */
};

struct stall_patience {
	unsigned int alarms; /* lately: halved from time to time */
	struct mono changed; /* when an alarm was the last, or they were last halved */
};

struct stall {
	bool primed;	     /* `tx` and `rx` hold a first reading */
	uint64_t tx, rx;     /* highest counts of packets other than probes */
	bool moved;	     /* packets came or left between the last two readings */
	uint32_t unanswered; /* packets that left since the last one came */
	struct mono since;   /* when the first of those was seen */
	struct stall_patience with_unanswered;
	uint32_t readings, packets; /* of the last run of readings that packets came in with */
	struct mono heard;	    /* the last of them */
	struct stall_patience with_silence;
};

enum stall_result {
	STALL_QUIET,   /* nothing to say */
	STALL_FLOWING, /* packets came in since the last call: the path is alive */
	STALL_ALARM,   /* the downlink has stalled; said once per stall */
};

void stall_init(struct stall *stall);

/* Takes a reading at `now`. `round_trip_us` is what the path's replies take at most under the
 * present conditions (srtt + 4 rttvar), or -1 while unknown. */
enum stall_result stall_on_counters(struct stall *stall, const struct stall_counters *counters,
				    int64_t round_trip_us, struct mono now);

/* How soon the next reading is worth its while: soon while there is traffic or an alarm is near. */
#define STALL_POLL_BUSY_US INT64_C(10000)
#define STALL_POLL_IDLE_US INT64_C(200000)
int64_t stall_poll_us(const struct stall *stall);

#endif
