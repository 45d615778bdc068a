/* stall: a downlink that stopped while the uplink goes on.
 *
 * The owner reads an overlay's packet counters every few tens of milliseconds. When packets keep
 * leaving and nothing comes back for longer than a round trip explains, the path is worth a
 * suspicion; the fast burst then decides. Packets that are our own probes and their replies do not
 * count: they say nothing about the traffic.
 *
 * One-way traffic looks the same as a dead path, so each alarm that proves false doubles the
 * patience, and quiet time halves it again.
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

struct stall {
	bool primed;	     /* `tx` and `rx` hold a first reading */
	uint64_t tx, rx;     /* highest counts of packets other than probes */
	bool moved;	     /* packets came or left between the last two readings */
	uint32_t unanswered; /* packets that left since the last one came */
	struct mono since;   /* when the first of those was seen */
	int64_t patience_us; /* the base is doubled up to this by false alarms; 0 at first */
	struct mono alarm;   /* the latest alarm, or when the patience was last halved */
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

/* How soon the next reading is worth its while: soonest while an answer is awaited. */
#define STALL_POLL_WAITING_US INT64_C(10000)
#define STALL_POLL_BUSY_US    INT64_C(20000)
#define STALL_POLL_IDLE_US    INT64_C(200000)
int64_t stall_poll_us(const struct stall *stall);

#endif
